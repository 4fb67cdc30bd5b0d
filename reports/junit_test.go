package reports_test

import (
	"encoding/xml"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/joshdk/go-junit"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/internal/sample"
	"github.com/katacert/katacert/suites/catalogue"
)

type (
	junitSuites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Suites   []struct {
			Name       string `xml:"name,attr"`
			Tests      int    `xml:"tests,attr"`
			Failures   int    `xml:"failures,attr"`
			Errors     int    `xml:"errors,attr"`
			Skipped    int    `xml:"skipped,attr"`
			Time       string `xml:"time,attr"`
			Timestamp  string `xml:"timestamp,attr"`
			Hostname   string `xml:"hostname,attr"`
			Properties []struct {
				Name  string `xml:"name,attr"`
				Value string `xml:"value,attr"`
			} `xml:"properties>property"`
			Cases []junitCase `xml:"testcase"`
		} `xml:"testsuite"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Failure *junitMessage `xml:"failure"`
		Error   *junitMessage `xml:"error"`
		Skipped *junitMessage `xml:"skipped"`
		Out     string        `xml:"system-out"`
	}
	junitMessage struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Body    string `xml:",chardata"`
	}
)

func junitOf(t *testing.T, r *reports.Report) (suites junitSuites) {
	t.Helper()
	if err := xml.Unmarshal(contents(t, filepath.Join(written(t, r), "junit.xml")), &suites); err != nil {
		t.Fatal(err)
	}
	return suites
}

func TestJUnitIsValidForJenkins(t *testing.T) {
	schema := publishedSchema(t, "junit-10.xsd")
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("xmllint is not installed (Debian package libxml2-utils)")
	}
	for name, build := range samples() {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(written(t, build()), "junit.xml")
			if out, err := exec.Command(xmllint, "--noout", "--nonet", "--schema", schema, file).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// A parser of another maker finds the same cases in the same states, in the dialect of
// Jenkins and in that with properties.
func TestJUnitByAnotherParser(t *testing.T) {
	for name, build := range samples() {
		r := build()
		for _, format := range []string{"junit", "junit-properties"} {
			suites, err := junit.Ingest(rendered(t, format, r))
			if err != nil {
				t.Fatalf("%s as %s: %v", name, format, err)
			}
			states := map[string]junit.Status{}
			for _, suite := range suites {
				for _, c := range suite.Tests {
					states[c.Name] = c.Status
				}
			}
			for _, sheet := range r.Sheets() {
				for _, row := range sheet.Rows {
					want := map[string]junit.Status{"pass": junit.StatusPassed, "fail": junit.StatusFailed, "finding": junit.StatusSkipped, "not-applicable": junit.StatusSkipped}[row.Mark()]
					if want == "" {
						want = junit.StatusError
					}
					if got := states[row.Control.ID+" ["+row.Verdict.Target+"]"]; got != want {
						t.Errorf("%s as %s: %s on %s is %q, want %q", name, format, row.Control.ID, row.Verdict.Target, got, want)
					}
				}
			}
		}
	}
}

func TestJUnitHasOneCasePerControlAndTarget(t *testing.T) {
	for name, build := range samples() {
		t.Run(name, func(t *testing.T) {
			r := build()
			suites := junitOf(t, r)
			have := map[string]int{}
			var tests, failures, faults int
			for _, suite := range suites.Suites {
				got := [4]int{len(suite.Cases)}
				for _, c := range suite.Cases {
					have[c.Name]++
					if c.Failure != nil {
						got[1]++
					}
					if c.Error != nil {
						got[2]++
					}
					if c.Skipped != nil {
						got[3]++
					}
				}
				if want := [4]int{suite.Tests, suite.Failures, suite.Errors, suite.Skipped}; got != want {
					t.Errorf("suite %s says it has %v tests, failures, errors, skipped, but holds %v", suite.Name, want, got)
				}
				tests, failures, faults = tests+suite.Tests, failures+suite.Failures, faults+suite.Errors
			}
			if got, want := [3]int{suites.Tests, suites.Failures, suites.Errors}, [3]int{tests, failures, faults}; got != want {
				t.Errorf("the sums are %v, want %v", got, want)
			}
			for _, v := range r.Verdicts {
				if name := fmt.Sprintf("%s [%s]", v.Control, v.Target); have[name] != 1 {
					t.Errorf("there are %d cases %q, want one", have[name], name)
				}
			}
			if len(have) != len(r.Verdicts) {
				t.Errorf("there are %d cases for %d verdicts", len(have), len(r.Verdicts))
			}
		})
	}
}

func TestJUnitSaysWhatBecameOfAControl(t *testing.T) {
	sandboxed, plain := junitOf(t, sample.Sandboxed()), junitOf(t, sample.Plain())
	hard := sample.Sandboxed()
	hard.Run.Require = catalogue.Hardening
	required := junitOf(t, hard)
	for _, test := range []struct {
		name, control, element, kind, message, text string
		in                                          junitSuites
	}{
		{"pass", "kernel-boot-id", "", "", "", "reference: 4d5e3d8e", sandboxed},
		{"fail", "kernel-boot-id", "failure", "fail", "subject read the boot_id of the host", "subject: 4d5e3d8e-0a6c-4d1c-9a39-6f3f1a0b7c11 (equal)", plain},
		{"invalid", "proc-planted", "error", "invalid", "not shown able to fail", "weakened/host-pid: not found", plain},
		{"error", "training-converges", "error", "error", "trainer gave no evidence", "what to do: ", plain},
		{"not applicable", "kernel-notes-build-id", "skipped", "not-applicable", "subject has no such interface", "The pod does not see the build id", sandboxed},
		{"finding", "priv-posture", "skipped", "finding", "finding: subject runs without a seccomp filter", "expected: 2 (filter)", sandboxed},
		{"hardening required", "priv-posture", "failure", "fail", "subject runs without a seccomp filter", "expected: 2 (filter)", required},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := find(t, test.in, test.control)
			got := map[string]*junitMessage{"failure": c.Failure, "error": c.Error, "skipped": c.Skipped}
			text := c.Out
			for element, message := range got {
				if (message != nil) != (element == test.element) {
					t.Fatalf("element %s: got %v, want only %q", element, message, test.element)
				}
				if message == nil {
					continue
				}
				text += message.Body
				if message.Type != test.kind || !strings.Contains(message.Message, test.message) {
					t.Errorf("got type %q and message %q, want %q and %q", message.Type, message.Message, test.kind, test.message)
				}
			}
			if !strings.Contains(text, test.text) {
				t.Errorf("the readings are not there: %q does not hold %q", text, test.text)
			}
			if !strings.HasPrefix(c.Class, "katacert.") {
				t.Errorf("the class is %q", c.Class)
			}
		})
	}
}

func find(t *testing.T, suites junitSuites, control string) junitCase {
	t.Helper()
	for _, suite := range suites.Suites {
		for _, c := range suite.Cases {
			if strings.HasPrefix(c.Name, control+" [") {
				return c
			}
		}
	}
	t.Fatalf("there is no case of %s", control)
	return junitCase{}
}

func TestJUnitPropertiesSayWhatWasCertified(t *testing.T) {
	suite := junitOf(t, sample.Sandboxed()).Suites[0]
	have := map[string]string{}
	for _, property := range suite.Properties {
		have[property.Name] = property.Value
	}
	for name, want := range map[string]string{
		"tool": "katacert v0.3.0", "kubernetes": "v1.37.2", "kernel": "6.12.43+deb13-amd64", "container_runtime": "containerd://2.2.1",
		"shim": "containerd-shim-runsc-v1", "shim_sha256": strings.Repeat("5e", 32), "profile": "nightly", "require": "isolation",
		"outcome": "certified", "headline": "CERTIFIED with 1 finding", "runtime_class": "gvisor", "handler": "runsc",
		"image.probe": "registry.example/katacert/probe:v0.3.0 sha256:" + strings.Repeat("ab", 32),
		"notice":      "the training pod runs katacert's own trainer in place of nvcr.io/nvidia/pytorch:22.10-py3",
	} {
		if have[name] != want {
			t.Errorf("property %s is %q, want %q", name, have[name], want)
		}
	}
	if suite.Time != "8.900" || suite.Timestamp != "2026-03-14T09:26:55Z" || suite.Hostname != "worker-1" {
		t.Errorf("the suite took %s from %s on %s", suite.Time, suite.Timestamp, suite.Hostname)
	}
}
