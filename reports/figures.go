package reports

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/katacert/katacert/reports/internal/numbers"
)

const (
	// mostCourses and mostMeasured are how many courses and lines of measurements the
	// page shows.
	mostCourses  = 12
	mostMeasured = 60
	// mostLines is how many vantages one chart shows, each with a line of its own.
	mostLines = 4
	// The size of a chart, in its own units, with room for the labels of its axes.
	chartWidth, chartHeight = 320.0, 120.0
	chartLeft, chartFoot    = 36.0, 16.0
)

type (
	// courseChart shows how something went on one target, a line for each vantage.
	courseChart struct {
		Name, Target, Unit, Over  string
		Lines                     []courseLine
		Least, Most, First, Final string
	}
	courseLine struct{ Vantage, Points, Ends string }
	// measured is a line of the table of measurements.
	measured struct{ Name, Target, Vantage, Median, Range, Width, X, Spread string }
)

// figures lays the figures out: courses as charts, repeated measurements as bars.
func (p *page) figures() {
	index := map[string]int{}
	largest := map[string]float64{}
	for _, f := range p.Figures {
		if f.Over == "" && len(f.Samples) > 0 {
			largest[f.Name] = max(largest[f.Name], slices.Max(f.Samples))
		}
	}
	grouped := map[string][]Figure{}
	var order []string
	for _, f := range p.Figures {
		switch {
		case len(f.Samples) == 0:
		case f.Over == "" && len(p.Measured) < mostMeasured:
			p.Measured = append(p.Measured, bar(f, largest[f.Name]))
		case f.Over == "":
			p.MoreFigures++
		default:
			key := f.Name + "\x00" + f.Target
			if _, ok := index[key]; !ok {
				index[key] = len(order)
				order = append(order, key)
			}
			grouped[key] = append(grouped[key], f)
		}
	}
	for _, key := range order[:min(len(order), mostCourses)] {
		p.Courses = append(p.Courses, chart(grouped[key]))
	}
	p.MoreFigures += max(0, len(order)-mostCourses)
}

// bar shows the median of a figure's samples, and their range as a line across.
func bar(f Figure, largest float64) measured {
	low, high := slices.Min(f.Samples), slices.Max(f.Samples)
	part := func(v float64) float64 { return 100 * v / max(largest, math.SmallestNonzeroFloat64) }
	m := measured{Name: f.Name, Target: f.Target, Vantage: string(f.Vantage), Median: digits(numbers.Median(f.Samples)) + " " + f.Unit,
		Width: fmt.Sprintf("%.2f", part(numbers.Median(f.Samples))), X: fmt.Sprintf("%.2f", part(low)), Spread: fmt.Sprintf("%.2f", max(part(high)-part(low), 0.6))}
	if len(f.Samples) > 1 {
		m.Range = fmt.Sprintf("%s to %s, %d times", digits(low), digits(high), len(f.Samples))
	}
	return m
}

// chart draws courses that have one scale from zero, or from the least where values
// are below it.
func chart(courses []Figure) courseChart {
	first := courses[0]
	c := courseChart{Name: first.Name, Target: first.Target, Unit: first.Unit, Over: first.Over, First: "0"}
	least, most, longest := 0.0, 0.0, 1
	for _, f := range courses {
		least, most, longest = min(least, slices.Min(f.Samples)), max(most, slices.Max(f.Samples)), max(longest, len(f.Samples))
	}
	c.Least, c.Most, c.Final = digits(least), digits(most), strconv.Itoa(longest-1)
	span := max(most-least, math.SmallestNonzeroFloat64)
	for _, f := range courses[:min(len(courses), mostLines)] {
		var points strings.Builder
		for i, v := range f.Samples {
			x := chartLeft + (chartWidth-chartLeft)*float64(i)/float64(max(1, longest-1))
			y := (chartHeight - chartFoot) * (1 - (v-least)/span)
			fmt.Fprintf(&points, "%.1f,%.1f ", x, y)
		}
		c.Lines = append(c.Lines, courseLine{Vantage: string(f.Vantage), Points: strings.TrimSpace(points.String()),
			Ends: digits(f.Samples[0]) + " to " + digits(f.Samples[len(f.Samples)-1])})
	}
	return c
}

// digits shows three digits that count.
func digits(v float64) string {
	if v == 0 {
		return "0"
	}
	return strconv.FormatFloat(v, 'f', min(6, max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))), 64)
}
