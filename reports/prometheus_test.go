package reports_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/internal/sample"
)

// metricsOf reads the text as Prometheus does, and checks it as promtool check metrics
// does; the keys are the name of a metric and the values of some of its labels.
func metricsOf(t *testing.T, text []byte) map[string]float64 {
	t.Helper()
	problems, err := promlint.New(bytes.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for name, family := range families {
		if family.GetType() != dto.MetricType_GAUGE || family.GetHelp() == "" {
			t.Errorf("%s is of type %s and means %q", name, family.GetType(), family.GetHelp())
		}
		for _, metric := range family.GetMetric() {
			key := name
			for _, label := range metric.GetLabel() {
				switch label.GetName() {
				case "outcome", "verdict", "control", "target", "phase":
					key += " " + label.GetValue()
				case "cluster":
					if label.GetValue() == "" {
						t.Errorf("%s has no cluster", name)
					}
				}
			}
			if _, twice := values[key]; twice {
				t.Errorf("the series %s is there twice", key)
			}
			values[key] = metric.GetGauge().GetValue()
		}
	}
	return values
}

// requireMetrics checks the figures against the marks of a report.
func requireMetrics(t *testing.T, r *reports.Report, marks map[string]string) {
	t.Helper()
	want := map[string]float64{}
	for key, mark := range marks {
		control, target, _ := strings.Cut(key, " ")
		for _, series := range []string{"katacert_verdicts " + mark, "katacert_target_verdicts " + target + " " + mark, "katacert_control_verdicts " + control + " " + mark} {
			want[series]++
		}
	}
	for _, outcome := range []reports.Outcome{reports.Certified, reports.NotCertified, reports.Partial} {
		want["katacert_outcome "+string(outcome)] = 0
	}
	want["katacert_outcome "+string(r.Outcome)] = 1
	got := metricsOf(t, rendered(t, "prometheus", r))
	for series, value := range want {
		if got[series] != value {
			t.Errorf("prometheus: %s is %v, want %v", series, got[series], value)
		}
	}
	for series, value := range got {
		if strings.Contains(series, "_verdicts ") && value != want[series] {
			t.Errorf("prometheus: %s is %v, want %v", series, value, want[series])
		}
	}
}

func TestPrometheusTellsTimesAndLeftovers(t *testing.T) {
	r := sample.Sandboxed()
	r.Leftovers = []string{"namespace one"}
	r.Timings = append(r.Timings, r.Timings[1])
	got := metricsOf(t, rendered(t, "prometheus", r))
	for series, want := range map[string]float64{
		"katacert_run_info": 1, "katacert_run_duration_seconds": 11.4, "katacert_run_start_timestamp_seconds": float64(sample.Began.Unix()),
		"katacert_leftovers": 1, "katacert_findings": 1, "katacert_phase_duration_seconds deploy worker-1/gvisor": 6.4, "katacert_verdicts error": 0,
	} {
		if value, ok := got[series]; !ok || fmt.Sprintf("%.3f", value) != fmt.Sprintf("%.3f", want) {
			t.Errorf("%s is %v, want %v", series, value, want)
		}
	}
}

// The number of series must not grow with targets times controls.
func TestPrometheusSeriesStayFew(t *testing.T) {
	if n := len(metricsOf(t, rendered(t, "prometheus", sample.Large(200, 100)))); n > 200*20+100*6+40 {
		t.Errorf("there are %d series for 200 targets and 100 controls", n)
	}
	hostile := sample.Hostile()
	hostile.Conclude()
	metricsOf(t, rendered(t, "prometheus", hostile))
}
