package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
)

func TestExitCode(t *testing.T) {
	left := []string{"namespace one"}
	for _, test := range []struct {
		report reports.Report
		want   int
	}{
		{reports.Report{Outcome: reports.Certified}, exitCertified},
		{reports.Report{Outcome: reports.Certified, Leftovers: left}, exitLeftovers},
		{reports.Report{Outcome: reports.NotCertified}, exitNotCertified},
		{reports.Report{Outcome: reports.NotCertified, Leftovers: left}, exitNotCertified},
		{reports.Report{Outcome: reports.Partial}, exitPartial},
		{reports.Report{Outcome: reports.Partial, Leftovers: left}, exitPartial},
		{reports.Report{}, exitPartial},
		{reports.Report{Outcome: "unheard of"}, exitPartial},
	} {
		if got := exitCode(&test.report); got != test.want {
			t.Errorf("outcome %q with %d leftovers: exit code %d, want %d", test.report.Outcome, len(test.report.Leftovers), got, test.want)
		}
	}
}

// The exit codes are part of the interface: the help text, the README and
// scripts name them.
func TestExitCodesStay(t *testing.T) {
	for name, pair := range map[string][2]int{
		"certified": {exitCertified, 0}, "not certified": {exitNotCertified, 1}, "usage": {exitUsage, 2},
		"partial": {exitPartial, 3}, "certified, but something": {exitLeftovers, 4},
	} {
		if pair[0] != pair[1] || !strings.Contains(newRoot().Long, fmt.Sprintf("  %d  %s", pair[1], name)) {
			t.Errorf("exit code of %q is %d, want %d, and the help text to say so", name, pair[0], pair[1])
		}
	}
}

// walk visits every command that is katacert's own.
func walk(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, sub := range cmd.Commands() {
		if sub.Name() != "help" && sub.Name() != "completion" {
			walk(sub, visit)
		}
	}
}

func TestEveryCommandHasHelpWithAnExample(t *testing.T) {
	walk(newRoot(), func(cmd *cobra.Command) {
		if cmd.Short == "" || !strings.Contains(cmd.Example, cmd.CommandPath()) {
			t.Errorf("command %q: short %q, example %q", cmd.CommandPath(), cmd.Short, cmd.Example)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("command %q: flag --%s says nothing", cmd.CommandPath(), f.Name)
			}
		})
	})
}

// Every flag that an example or a text of the help names exists.
func TestExamplesName(t *testing.T) {
	root := newRoot()
	walk(root, func(cmd *cobra.Command) {
		for line := range strings.Lines(cmd.Example) {
			words := strings.Fields(line)
			if len(words) == 0 || words[0] != "katacert" {
				continue
			}
			found, rest, err := root.Find(words[1:])
			if err != nil {
				t.Errorf("example %q: %v", line, err)
				continue
			}
			for _, word := range rest {
				name, isFlag := strings.CutPrefix(word, "--")
				name, _, _ = strings.Cut(name, "=")
				if word == "#" {
					break
				}
				if isFlag && found.Flags().Lookup(name) == nil && name != "help" {
					t.Errorf("example %q: command %q has no flag --%s", line, found.CommandPath(), name)
				}
			}
		}
	})
}

// ran runs a command inside the test and returns what it wrote.
func ran(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&out)
	err := root.ExecuteContext(context.Background())
	return out.String(), err
}

func TestExplainSaysEverythingOfEveryControl(t *testing.T) {
	for _, c := range certification.Catalogue() {
		out, err := ran(t, "explain", c.ID)
		if err != nil {
			t.Fatal(err)
		}
		// Lines are broken between words only.
		flat := strings.Join(strings.Fields(out), " ")
		parts := []string{c.ID, c.Title, c.Why, c.Proves, c.ProvesNot, c.ShownBy(), c.OnFail, string(c.Level), string(c.Profile), string(c.Safety)}
		for _, ref := range c.Refs {
			parts = append(parts, ref.String())
		}
		for _, part := range parts {
			if !strings.Contains(flat, strings.Join(strings.Fields(part), " ")) {
				t.Errorf("explain %s does not say %q", c.ID, part)
			}
		}
		for line := range strings.Lines(out) {
			if len(strings.TrimRight(line, "\n")) > 110 {
				t.Errorf("explain %s: a line of %d characters: %q", c.ID, len(line), line)
			}
		}
	}
}

func TestCatalogueListsEveryControlOnce(t *testing.T) {
	out, err := ran(t, "catalogue")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range certification.Catalogue() {
		if n := strings.Count(out, "\n"+c.ID+" "); n != 1 {
			t.Errorf("control %s is listed %d times", c.ID, n)
		}
	}
	quick, err := ran(t, "catalogue", "--profile", string(catalogue.Quick))
	if err != nil || strings.Contains(quick, "training-converges") || strings.Count(quick, "\n") >= strings.Count(out, "\n") {
		t.Errorf("profile quick, %v:\n%s", err, quick)
	}
}

func TestReportOfWhatIsNone(t *testing.T) {
	for name, path := range map[string]string{
		"nothing there": "/nonexistent", "an empty folder": t.TempDir(), "no JSON": file(t, "report.json", "{"), "another schema": file(t, "report.json", `{"schema":"x"}`),
	} {
		out, err := ran(t, "report", path)
		if err == nil || out != "" || strings.ContainsRune(err.Error(), '\n') {
			t.Errorf("%s: %v, and wrote %q", name, err, out)
		}
		if errors.Is(err, errUsage) {
			t.Errorf("%s is a usage error: %v", name, err)
		}
	}
}

func TestIndent(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"one", "one"},
		{"one two three", "one two\n  three"},
		{"  spaces   between ", "spaces\n  between"},
		{"averyveryverylongword x", "averyveryverylongword\n  x"},
	} {
		if got := indent(test.text, 2, 10); got != test.want {
			t.Errorf("indent(%q) = %q, want %q", test.text, got, test.want)
		}
	}
}
