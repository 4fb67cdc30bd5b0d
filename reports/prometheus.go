package reports

import (
	"io"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/katacert/katacert/suites/judge"
)

// writePrometheus writes the figures of a run for the textfile collector of
// Prometheus' node_exporter. There is a series for every target and one for every
// control, and none for both: a thousand targets must not make a hundred thousand
// series. Which control failed where is in the other formats.
func writePrometheus(w io.Writer, r *Report) error {
	m := metrics{w: w, cluster: judge.Printable(r.Cluster.Name, longestCell)}
	run := r.Run
	m.family("katacert_run_info", "What ran last.", []sample{{1, labels{"run", run.ID, "version", run.Version, "profile", string(run.Profile),
		"require", string(run.Require), "provider", r.Cluster.Provider, "kubernetes", r.Cluster.Kubernetes}}})
	m.family("katacert_run_start_timestamp_seconds", "When the last run began, in seconds since 1970.", one(unixSeconds(run.Started)))
	m.family("katacert_run_end_timestamp_seconds", "When the last run ended, in seconds since 1970.", one(unixSeconds(run.Finished)))
	m.family("katacert_run_duration_seconds", "How long the last run took.", one(run.Finished.Sub(run.Started).Seconds()))
	m.family("katacert_outcome", "Which outcome the last run had: 1 for that one, 0 for the others.", r.outcomes())
	m.family("katacert_verdicts", "Verdicts of the last run on all targets.", counted(nil, r.tally(), true))
	m.family("katacert_findings", "Fails of level hardening in the last run.", one(float64(r.Summary.Findings)))
	m.family("katacert_leftovers", "Things that the last run made and could not remove.", one(float64(len(r.Leftovers))))
	sheets := r.Sheets()
	m.family("katacert_target_verdicts", "Verdicts of the last run on one target.", targetCounts(sheets))
	m.family("katacert_control_verdicts", "Targets on which a control came to a verdict in the last run.", controlCounts(sheets))
	m.family("katacert_phase_duration_seconds", "How long the phases of the last run took.", r.phaseSeconds())
	return m.err
}

type (
	metrics struct {
		w       io.Writer
		cluster string
		err     error
	}
	// labels are names and values by turns.
	labels []string
	sample struct {
		value  float64
		labels labels
	}
)

func one(value float64) []sample { return []sample{{value: value}} }

// family writes the samples of one metric, each with the name of the cluster: the
// collector runs where katacert does, and not where the cluster is.
func (m *metrics) family(name, help string, samples []sample) {
	if m.err != nil || len(samples) == 0 {
		return
	}
	family := &dto.MetricFamily{Name: &name, Help: &help, Type: dto.MetricType_GAUGE.Enum()}
	for _, s := range samples {
		all := append(labels{"cluster", m.cluster}, s.labels...)
		metric := &dto.Metric{Gauge: &dto.Gauge{Value: &s.value}}
		for i := 0; i+1 < len(all); i += 2 {
			name, value := all[i], judge.Printable(all[i+1], longestCell)
			metric.Label = append(metric.Label, &dto.LabelPair{Name: &name, Value: &value})
		}
		family.Metric = append(family.Metric, metric)
	}
	_, m.err = expfmt.MetricFamilyToText(m.w, family)
}

func (r *Report) outcomes() (samples []sample) {
	for _, outcome := range []Outcome{Certified, NotCertified, Partial} {
		value := 0.0
		if r.Outcome == outcome {
			value = 1
		}
		samples = append(samples, sample{value, labels{"outcome", string(outcome)}})
	}
	return samples
}

// tally counts the marks of all verdicts.
func (r *Report) tally() map[string]int {
	counts := map[string]int{}
	for _, sheet := range r.Sheets() {
		for _, row := range sheet.Rows {
			counts[row.Mark()]++
		}
	}
	return counts
}

// counted makes a sample of each mark's count. Zeros are told where a graph or an
// alert needs a series that is always there.
func counted(about labels, counts map[string]int, zeros bool) (samples []sample) {
	for _, mark := range Marks() {
		if n := counts[mark]; n > 0 || zeros {
			samples = append(samples, sample{float64(n), append(append(labels{}, about...), "verdict", mark)})
		}
	}
	return samples
}

func targetCounts(sheets []Sheet) (samples []sample) {
	for _, sheet := range sheets {
		counts := map[string]int{}
		for _, row := range sheet.Rows {
			counts[row.Mark()]++
		}
		t := sheet.Target
		samples = append(samples, counted(labels{"target", t.ID, "node", t.Node.Name, "runtime_class", t.RuntimeClass}, counts, true)...)
	}
	return samples
}

func controlCounts(sheets []Sheet) (samples []sample) {
	for _, of := range objectivesOf(sheets) {
		samples = append(samples, counted(labels{"control", of.control.ID, "level", string(of.control.Level)}, of.counts, false)...)
	}
	return samples
}

// phaseSeconds adds up phases that came more than once: a series may occur once.
func (r *Report) phaseSeconds() (samples []sample) {
	type key struct{ phase, target string }
	index := map[key]int{}
	for _, t := range r.Timings {
		k := key{judge.Printable(t.Phase, longestCell), judge.Printable(t.Target, longestCell)}
		i, ok := index[k]
		if !ok {
			i = len(samples)
			index[k] = i
			samples = append(samples, sample{labels: labels{"phase", k.phase, "target", k.target}})
		}
		samples[i].value += t.Duration.Seconds()
	}
	return samples
}

// unixSeconds is 0 for a time that is not known.
func unixSeconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
