package reports_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/internal/sample"
)

// plotted counts what the page draws of the figures.
func plotted(t *testing.T, r *reports.Report) (lines [][]string, charts, bars int, text string) {
	t.Helper()
	page := rendered(t, "html", r)
	walk(t, page, func(n *html.Node) {
		switch {
		case n.Data == "polyline":
			lines = append(lines, strings.Fields(attribute(n, "points")))
		case n.Data == "figure" && attribute(n, "class") == "plot":
			charts++
		case n.Data == "rect" && attribute(n, "class") == "range":
			bars++
		case n.Data == "section" && attribute(n, "aria-labelledby") == "figures":
			text = textOf(n)
		}
	})
	return lines, charts, bars, text
}

func TestPagePlotsFigures(t *testing.T) {
	lines, charts, bars, text := plotted(t, sample.Sandboxed())
	if charts != 1 || len(lines) != 2 || len(lines[0]) != 16 || bars != 3 {
		t.Fatalf("there are %d charts with %d lines and %d bars", charts, len(lines), bars)
	}
	// From the left end of the axis to its right, from the highest loss down.
	if lines[0][0] != "36.0,0.0" || !strings.HasPrefix(lines[0][15], "320.0,") {
		t.Errorf("the line goes from %s to %s", lines[0][0], lines[0][15])
	}
	for _, part := range []string{"training loss", "trainer-reference", "2.31 to 0.313", "50.1 TFLOP/s", "46.2 to 49.7, 3 times", "once"} {
		if !strings.Contains(text, part) {
			t.Errorf("the page does not say %q:\n%s", part, text)
		}
	}
	if none := sample.Plain(); len(none.Figures) == 0 {
		if _, _, _, text := plotted(t, none); text != "" {
			t.Errorf("there is a section of figures without figures: %q", text)
		}
	}
}

func TestPageBoundsFigures(t *testing.T) {
	lines, charts, bars, text := plotted(t, sample.Large(100, 2))
	if charts != 12 || len(lines) != 24 || bars != 60 || !strings.Contains(text, "328 more are in report.json") {
		t.Errorf("there are %d charts, %d lines and %d bars of 100 targets: %.200q", charts, len(lines), bars, text)
	}
	odd := sample.Sandboxed()
	odd.Figures = []reports.Figure{{Name: "zeros", Samples: []float64{0, 0}}, {Name: "none"}, {Name: "one", Over: "epoch", Samples: []float64{0}},
		{Name: "below", Over: "epoch", Samples: []float64{-1, 1}}}
	lines, charts, bars, _ = plotted(t, odd)
	if charts != 2 || bars != 1 || len(lines) != 2 || lines[1][0] != "36.0,104.0" || lines[1][1] != "320.0,0.0" {
		t.Errorf("odd figures are drawn as %v in %d charts and %d bars", lines, charts, bars)
	}
}
