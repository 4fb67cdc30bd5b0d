package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/katacert/katacert/reports"
)

// Prometheus itself takes the alerts, as promtool check rules asks it, and everything that they name there is.
func TestAlertsAreRules(t *testing.T) {
	shown, err := ran(t, "report", runFolder(t, "run-1", "pass", nil), "--format", "prometheus")
	if err != nil {
		t.Fatal(err)
	}
	promQL := parser.NewParser(parser.Options{})
	file, problems := rulefmt.ParseFile(filepath.Join(ciFolder, "prometheus-rules.yaml"), false, model.UTF8Validation, promQL)
	for _, problem := range problems {
		t.Error(problem)
	}
	if file == nil {
		t.FailNow()
	}
	outcomes := []string{string(reports.Certified), string(reports.NotCertified), string(reports.Partial)}
	seen := map[string]bool{}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if rule.Alert == "" || seen[rule.Alert] || rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
				t.Errorf("the alert %q is not whole, or there twice", rule.Alert)
			}
			seen[rule.Alert] = true
			requireTemplates(t, rule)
			expression, err := promQL.ParseExpr(rule.Expr)
			if err != nil {
				t.Errorf("%s: %v", rule.Alert, err)
				continue
			}
			for _, selector := range parser.ExtractSelectors(expression) {
				for _, matcher := range selector {
					switch {
					case matcher.Name == model.MetricNameLabel && !strings.Contains(shown, "# TYPE "+matcher.Value+" gauge"):
						t.Errorf("%s names the metric %s, which there is not", rule.Alert, matcher.Value)
					case matcher.Name == "outcome" && !slices.Contains(outcomes, matcher.Value):
						t.Errorf("%s asks for the outcome %q, which there is not", rule.Alert, matcher.Value)
					}
				}
			}
		}
	}
	if len(seen) == 0 {
		t.Error("there are no alerts")
	}
}

// requireTemplates checks that an alert's texts are templates, and that they name only
// labels that every series has.
func requireTemplates(t *testing.T, rule rulefmt.Rule) {
	t.Helper()
	for name, text := range rule.Annotations {
		parsed, err := template.New(name).Option("missingkey=error").Parse("{{$labels := .Labels}}{{$value := .Value}}" + text)
		if err == nil {
			err = parsed.Execute(io.Discard, map[string]any{"Labels": map[string]string{"cluster": "c"}, "Value": 1.0})
		}
		if err != nil {
			t.Errorf("%s: %s is no template of Prometheus: %v", rule.Alert, name, err)
		}
	}
}

// The metrics that the documentation of alerts names are those that there are.
func TestDocumentationNamesMetricsThatThereAre(t *testing.T) {
	shown, err := ran(t, "report", runFolder(t, "run-1", "pass", nil), "--format", "prometheus")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(ciFolder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, metric := range regexp.MustCompile(`katacert_[a-z_]+`).FindAllString(string(text), -1) {
		if metric != "katacert_phase_duration_seconds" && !strings.Contains(shown, "# TYPE "+metric+" gauge") {
			t.Errorf("the documentation names the metric %s, which there is not", metric)
		}
	}
}
