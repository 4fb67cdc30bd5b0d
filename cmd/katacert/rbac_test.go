package main

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func TestRBACPrintsWhatIsDocumented(t *testing.T) {
	out, err := ran(t, "rbac")
	if err != nil {
		t.Fatal(err)
	}
	documented, err := os.ReadFile("../../docs/rbac.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if out != string(documented) {
		t.Error("katacert rbac prints something else than docs/rbac.yaml: run `make generate`")
	}
}

func TestRBACPrintsLessForLess(t *testing.T) {
	whole, err := ran(t, "rbac")
	if err != nil {
		t.Fatal(err)
	}
	quick, err := ran(t, "rbac", "--profile", "quick", "--user", "jane")
	if err != nil {
		t.Fatal(err)
	}
	for _, absent := range []string{"secrets", "nodes/proxy", "impersonate", "ServiceAccount"} {
		if strings.Contains(quick, absent) || !strings.Contains(whole, absent) {
			t.Errorf("%s: in the whole %t, in quick %t", absent, strings.Contains(whole, absent), strings.Contains(quick, absent))
		}
	}
	if !strings.Contains(quick, "name: jane\n") {
		t.Error("it is granted to somebody else than jane")
	}
}

func TestRBACOfWhatIsNone(t *testing.T) {
	for _, args := range [][]string{
		{"--service-account", "katacert"}, {"--service-account", "a/b/c"}, {"--service-account", "/b"},
		{"--user", "jane", "--service-account", "a/b"}, {"--profile", "fast"}, {"--controls", "^none$"}, {"--image-pull-secret", "pull"},
	} {
		if out, err := ran(t, append([]string{"rbac"}, args...)...); !errors.Is(err, errUsage) || out != "" {
			t.Errorf("%v: %v, and wrote %q", args, err, out)
		}
	}
}
