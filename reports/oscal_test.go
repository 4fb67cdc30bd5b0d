package reports_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/reports/internal/sample"
)

type (
	oscalResults struct {
		UUID     string
		Metadata struct {
			Version      string
			LastModified string `json:"last-modified"`
		}
		Import      struct{ Href string } `json:"import-ap"`
		Definitions struct {
			Objectives []struct {
				ControlID string `json:"control-id"`
				Props     []oscalProperty
				Parts     []struct{ ID, Name, Prose string }
			} `json:"objectives-and-methods"`
		} `json:"local-definitions"`
		Results    []oscalResult
		BackMatter struct {
			Resources []struct{ UUID string }
		} `json:"back-matter"`
	}
	oscalResult struct {
		Description string
		Props       []oscalProperty
		Reviewed    struct {
			Controls []struct {
				Include []struct {
					ID string `json:"control-id"`
				} `json:"include-controls"`
			} `json:"control-selections"`
			Objectives []struct {
				Exclude []struct {
					ID string `json:"objective-id"`
				} `json:"exclude-objectives"`
			} `json:"control-objective-selections"`
		} `json:"reviewed-controls"`
		Observations []struct {
			UUID, Description, Remarks, Collected string
			Props                                 []oscalProperty
			Subjects                              []struct {
				UUID string `json:"subject-uuid"`
			}
		}
		Risks []struct {
			UUID, Title  string
			Remediations []struct{ Description string }
		}
		Findings []struct {
			Target struct {
				ID     string `json:"target-id"`
				Status struct{ State, Reason string }
			}
			Observations []struct {
				UUID string `json:"observation-uuid"`
			} `json:"related-observations"`
			Risks []struct {
				UUID string `json:"risk-uuid"`
			} `json:"related-risks"`
		}
	}
	oscalProperty struct{ Name, Value string }
)

func oscalOf(t *testing.T, text []byte) oscalResults {
	t.Helper()
	var document struct {
		Results oscalResults `json:"assessment-results"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	return document.Results
}

func propsOf(list []oscalProperty) map[string]string {
	props := map[string]string{}
	for _, p := range list {
		props[p.Name] = p.Value
	}
	return props
}

func TestOSCALSaysWhatWasReviewedAndFound(t *testing.T) {
	document := oscalOf(t, rendered(t, "oscal", sample.Sandboxed()))
	result := document.Results[0]
	var included []string
	for _, c := range result.Reviewed.Controls[0].Include {
		included = append(included, c.ID)
	}
	if want := []string{"sc-39", "sc-4", "ac-6", "sc-5"}; !slices.Equal(included, want) {
		t.Errorf("the reviewed controls are %v, want %v", included, want)
	}
	// What was not applicable anywhere was not reviewed, and there is no finding of it.
	if excluded := result.Reviewed.Objectives[0].Exclude; len(excluded) != 1 || excluded[0].ID != "kernel-notes-build-id" {
		t.Errorf("the excluded objectives are %v", excluded)
	}
	for _, finding := range result.Findings {
		if finding.Target.ID == "kernel-notes-build-id" {
			t.Error("there is a finding of a control that was not applicable")
		}
	}
	if len(result.Risks) != 1 || !strings.Contains(result.Risks[0].Title, "privileges that their spec gives") || len(result.Risks[0].Remediations) != 1 {
		t.Errorf("the risks are %+v, want one with what to do", result.Risks)
	}
	props := propsOf(result.Props)
	for name, want := range map[string]string{"outcome": "certified", "profile": "nightly", "require": "isolation", "kubernetes": "v1.37.2",
		"image.probe": "registry.example/katacert/probe:v0.3.0 sha256:" + strings.Repeat("ab", 32)} {
		if props[name] != want {
			t.Errorf("property %s is %q, want %q", name, props[name], want)
		}
	}
	for _, o := range result.Observations {
		if propsOf(o.Props)["control"] == "kernel-boot-id" && !strings.Contains(o.Remarks, "host `4d5e3d8e-0a6c-4d1c-9a39-6f3f1a0b7c11`, reference `4d5e3d8e") {
			t.Errorf("the readings are not side by side: %q", o.Remarks)
		}
	}
}

var anyUUID = regexp.MustCompile(`"[a-z-]*uuid":\s*"([^"]*)"|"#([0-9a-f-]{36})"`)

// Every part that is pointed at is there, under an identity of its own.
func TestOSCALPointersLeadSomewhere(t *testing.T) {
	for name, build := range samples() {
		text := rendered(t, "oscal", build())
		defined := map[string]bool{}
		for _, match := range regexp.MustCompile(`"uuid":\s*"([^"]*)"`).FindAllStringSubmatch(string(text), -1) {
			if defined[match[1]] {
				t.Errorf("%s: two parts are called %s", name, match[1])
			}
			defined[match[1]] = true
		}
		for _, match := range anyUUID.FindAllStringSubmatch(string(text), -1) {
			if id := match[1] + match[2]; !defined[id] {
				t.Errorf("%s: %s leads nowhere", name, match[0])
			}
		}
	}
}

func TestOSCALOfADeadRunNamesEveryControl(t *testing.T) {
	result := oscalOf(t, rendered(t, "oscal", sample.Dead())).Results[0]
	if len(result.Observations) != 6 || len(result.Findings) != 6 {
		t.Fatalf("there are %d observations and %d findings of 6 controls", len(result.Observations), len(result.Findings))
	}
	for _, finding := range result.Findings {
		if finding.Target.Status.State != "not-satisfied" || finding.Target.Status.Reason != "other" {
			t.Errorf("%s is %+v", finding.Target.ID, finding.Target.Status)
		}
	}
}
