package reports_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// The documentation must name every field of the model, and no others.
func TestDocumentationMatchesTheModel(t *testing.T) {
	text, err := os.ReadFile("../docs/report.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(text)
	fields := map[string]bool{}
	gather(reflect.TypeFor[reports.Report](), fields)
	for field := range fields {
		if !strings.Contains(doc, "`"+field+"`") {
			t.Errorf("docs/report.md does not mention field %q", field)
		}
	}
	row := regexp.MustCompile("(?m)^\\| (`[^|]*`) \\|")
	for _, match := range row.FindAllStringSubmatch(doc, -1) {
		for name := range strings.SplitSeq(match[1], ", ") {
			if name = strings.Trim(name, "`"); !fields[name] {
				t.Errorf("docs/report.md documents field %q, which the report does not have", name)
			}
		}
	}
}

// gather collects the JSON names of a type's fields, all the way down.
func gather(of reflect.Type, fields map[string]bool) {
	switch of.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		gather(of.Elem(), fields)
	case reflect.Struct:
		if of == reflect.TypeFor[time.Time]() {
			return
		}
		for field := range of.Fields() {
			if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
				fields[name] = true
			}
			gather(field.Type, fields)
		}
	}
}

// What a reader may compare with must stay documented too.
func TestDocumentationNamesTheValues(t *testing.T) {
	text, err := os.ReadFile("../docs/report.md")
	if err != nil {
		t.Fatal(err)
	}
	values := []string{reports.Schema, string(reports.Certified), string(reports.NotCertified), string(reports.Partial),
		string(catalogue.Isolation), string(catalogue.Hardening), string(catalogue.Observes), string(catalogue.Plants), string(catalogue.Disturbs),
		string(judge.KindNone), string(judge.KindVM), string(judge.KindUserKernel), string(judge.KindUnknown)}
	for _, result := range judge.Results() {
		values = append(values, string(result))
	}
	for _, profile := range catalogue.Profiles() {
		values = append(values, string(profile))
	}
	for _, group := range catalogue.Groups() {
		values = append(values, string(group))
	}
	for _, value := range values {
		if !strings.Contains(string(text), "`"+value+"`") {
			t.Errorf("docs/report.md does not name the value %q", value)
		}
	}
}
