package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/katacert/katacert/fixtures/cluster"
)

func TestDoctorOfTheMachineAsJSON(t *testing.T) {
	out, err := ran(t, "doctor", "--output", "json")
	var outcome *outcomeError
	if err != nil && !errors.As(err, &outcome) {
		t.Fatal(err)
	}
	var findings []cluster.Finding
	if err := json.Unmarshal([]byte(out), &findings); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	names := map[string]bool{}
	for _, f := range findings {
		names[f.Name] = true
	}
	for _, name := range []string{"root", "Kata Containers", "node in a VM", "kind"} {
		if !names[name] {
			t.Errorf("it says nothing of %s: %v", name, names)
		}
	}
}

func TestDoctorOfWhatIsNone(t *testing.T) {
	for _, args := range [][]string{
		{"--cluster", "cloud"}, {"--output", "xml"}, {"--timeout-scale", "0"}, {"--runtime-class", "kata"}, {"--look"},
		{"--cluster", "local", "--kubeconfig", "k"}, {"--context", "prod", "--look"},
	} {
		if out, err := ran(t, append([]string{"doctor"}, args...)...); !errors.Is(err, errUsage) || out != "" {
			t.Errorf("%v: %v, and wrote %q", args, err, out)
		}
	}
	// A kubeconfig is enough to mean a cluster.
	if _, err := ran(t, "doctor", "--kubeconfig", "/nonexistent"); err == nil || !strings.Contains(err.Error(), "/nonexistent") {
		t.Errorf("a kubeconfig that is not there: %v", err)
	}
}
