package compare_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/compare"
	"github.com/katacert/katacert/reports/internal/sample"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

const finding judge.Result = "finding"

// withResult is a run of one control on one target with the result; a finding is a
// fail of level hardening.
func withResult(result judge.Result) *reports.Report {
	r := sample.Sandboxed()
	r.Controls, r.Verdicts = r.Controls[:1], r.Verdicts[:1]
	r.Verdicts[0].Result = result
	if result == finding {
		r.Verdicts[0].Result, r.Controls[0].Level = judge.Fail, catalogue.Hardening
	}
	r.Conclude()
	return r
}

// What became of a verdict, for every pair of verdicts.
func TestEveryPairOfVerdicts(t *testing.T) {
	marks := []judge.Result{judge.Fail, judge.Error, judge.Invalid, finding, judge.NotApplicable, judge.Pass}
	const same, worse, better, other = compare.Kind(""), compare.Regressed, compare.Mended, compare.Changed
	want := map[judge.Result][]compare.Kind{ // from the key to each of marks
		judge.Fail:          {same, other, other, other, better, better},
		judge.Error:         {worse, same, other, other, better, better},
		judge.Invalid:       {worse, other, same, other, better, better},
		finding:             {worse, worse, worse, same, better, better},
		judge.NotApplicable: {worse, worse, worse, worse, same, better},
		judge.Pass:          {worse, worse, worse, worse, worse, same},
	}
	for from, kinds := range want {
		for i, to := range marks {
			c := compare.Compare(withResult(from), withResult(to))
			var got compare.Kind
			if len(c.Changes) > 0 {
				got = c.Changes[0].Kind
			}
			if got != kinds[i] {
				t.Errorf("%s to %s is %q, want %q", from, to, got, kinds[i])
			}
			if kinds[i] == worse && !c.Worse || kinds[i] == same && (c.Worse || c.Same != 1) {
				t.Errorf("%s to %s: worse is %v, %v, %d the same", from, to, c.Worse, c.Because, c.Same)
			}
		}
	}
}

func TestARunAgainstItself(t *testing.T) {
	for name, r := range map[string]*reports.Report{"sandboxed": sample.Sandboxed(), "plain": sample.Plain(), "dead": sample.Dead(), "large": sample.Large(40, 30)} {
		c := compare.Compare(r, r)
		if c.Worse || len(c.Changes)+len(c.Settings)+len(c.Shifts) > 0 || c.Same != len(r.Verdicts) {
			t.Errorf("%s: %s, %d settings, %d shifts, %d of %d the same", name, c.Headline(), len(c.Settings), len(c.Shifts), c.Same, len(r.Verdicts))
		}
	}
}

func TestOneBrokenControlOnManyNodesIsOneChange(t *testing.T) {
	before, after := sample.Large(60, 12), sample.Large(60, 12)
	id := after.Controls[2].ID
	var want []string
	for i := range after.Verdicts {
		if v := &after.Verdicts[i]; v.Control == id && v.Result == judge.Pass && i%2 == 0 {
			v.Result, v.Reason = judge.Fail, "now it reads the host's"
			want = append(want, v.Target)
		}
	}
	after.Conclude()
	c := compare.Compare(before, after)
	regressed := c.Of(compare.Regressed)
	if len(regressed) != 1 || !slices.Equal(regressed[0].Targets, want) || regressed[0].Reason != "now it reads the host's" || regressed[0].OnFail == "" {
		t.Errorf("%d regressions: %+v", len(regressed), regressed)
	}
	if !c.Worse || c.Headline() != "WORSE: 1 control regressed" {
		t.Errorf("the headline is %q because %v", c.Headline(), c.Because)
	}
}

func TestWhatVanished(t *testing.T) {
	without := func(r *reports.Report, control string) *reports.Report {
		r.Controls = slices.DeleteFunc(r.Controls, func(c reports.Control) bool { return c.ID == control })
		r.Verdicts = slices.DeleteFunc(r.Verdicts, func(v reports.Verdict) bool { return v.Control == control })
		r.Conclude()
		return r
	}
	smaller := without(sample.Sandboxed(), "kernel-boot-id")
	smaller.Run.Profile = catalogue.Quick
	fewer := sample.Large(2, 5)
	fewer.Targets, fewer.Verdicts = fewer.Targets[:1], fewer.Verdicts[:5]
	fewer.Conclude()
	for _, test := range []struct {
		name          string
		before, after *reports.Report
		kind          compare.Kind
		controls      int
		worse         bool
	}{
		{"a control that passed", sample.Sandboxed(), without(sample.Sandboxed(), "kernel-boot-id"), compare.Vanished, 1, true},
		{"a control that failed", sample.Sandboxed(), without(sample.Sandboxed(), "priv-posture"), compare.Vanished, 1, false},
		{"a control of a larger profile", sample.Sandboxed(), smaller, compare.Vanished, 1, false},
		{"a node", sample.Large(2, 5), fewer, compare.Vanished, 5, false},
		{"a new control", without(sample.Sandboxed(), "kernel-boot-id"), sample.Sandboxed(), compare.Appeared, 1, false},
		{"a new node", fewer, sample.Large(2, 5), compare.Appeared, 5, false},
	} {
		c := compare.Compare(test.before, test.after)
		if c.Worse != test.worse || c.Count(test.kind) != test.controls || len(c.Of(compare.Regressed)) > 0 {
			t.Errorf("%s: %s because %v, want %d controls %s and worse %v", test.name, c.Headline(), c.Because, test.controls, test.kind, test.worse)
		}
	}
}

// A cluster that was made anew has nodes of other names.
func TestNodesOfOtherNamesAreMatchedByTheirRuntimeClass(t *testing.T) {
	after := sample.Sandboxed()
	after.Targets[0].ID, after.Targets[0].Node.Name = "other/gvisor", "other"
	for i := range after.Verdicts {
		after.Verdicts[i].Target = "other/gvisor"
	}
	after.Verdicts[0].Result = judge.Fail
	after.Conclude()
	c := compare.Compare(sample.Sandboxed(), after)
	if len(c.Of(compare.Regressed)) != 1 || c.Count(compare.Appeared)+c.Count(compare.Vanished) > 0 || len(c.Notices) != 1 || len(c.Settings) != 0 {
		t.Errorf("%s, notices %q, settings %v", c.Headline(), c.Notices, c.Settings)
	}
	// Which of two stands for which nobody knows.
	two := sample.Large(2, 3)
	for i := range two.Targets {
		two.Targets[i].ID = fmt.Sprintf("new-%d", i)
	}
	two.Verdicts = nil
	two.Conclude()
	if c := compare.Compare(sample.Large(2, 3), two); c.Count(compare.Vanished) != 3 || c.Count(compare.Appeared) != 3 {
		t.Errorf("two of two: %s", c.Headline())
	}
}

func TestSettingsSayWhatWasChanged(t *testing.T) {
	after := sample.Sandboxed()
	after.Run.Version, after.Cluster.Kubernetes = "v0.4.0", "v1.38.0"
	after.Targets[0].Node.Kernel, after.Targets[0].Runtime.Digest = "6.18.1", strings.Repeat("6f", 32)
	after.Images[0].Digest = "sha256:" + strings.Repeat("ef", 32)
	before := sample.Sandboxed()
	part := func(role, path, version string) reports.Part {
		return reports.Part{Role: role, Path: path, Version: version, SHA256: strings.Repeat(version[:2], 32)}
	}
	before.Targets[0].Parts = []reports.Part{part("shim", "/opt/kata/bin/shim", "4.1.0"), part("hypervisor", "/opt/kata/bin/qemu", "10.2.1"), part("kernel", "/opt/kata/k", "6.18.35")}
	after.Targets[0].Parts = []reports.Part{part("shim", "/opt/kata/bin/shim", "4.1.1"), part("hypervisor", "/usr/bin/qemu", "11.0.1"), part("kernel", "/opt/kata/k", "6.18.35")}
	for _, r := range []*reports.Report{before, after} {
		r.Controls[1].ID, r.Controls[1].Group = "kata-config-vmm-seccomp", catalogue.Kata
		r.Verdicts[1].Control = "kata-config-vmm-seccomp"
		r.Verdicts[1].Compared = []judge.Comparison{{Reading: "[hypervisor.qemu] seccompsandbox", Truth: "on", Subject: r.Run.Version}}
		r.Conclude()
	}
	got := map[string]string{}
	for _, s := range compare.Compare(before, after).Settings {
		got[s.What] = s.Before + " -> " + s.After
	}
	for what, want := range map[string]string{
		"katacert": "v0.3.0 -> v0.4.0", "Kubernetes": "v1.37.2 -> v1.38.0", "node's kernel": "6.12.43+deb13-amd64 -> 6.18.1",
		"shim's SHA-256":                   strings.Repeat("5e", 32) + " -> " + strings.Repeat("6f", 32),
		"image probe":                      "sha256:" + strings.Repeat("ab", 32) + " -> sha256:" + strings.Repeat("ef", 32),
		"[hypervisor.qemu] seccompsandbox": "v0.3.0 -> v0.4.0",
		"Kata's shim: version":             "4.1.0 -> 4.1.1",
		"Kata's hypervisor: version":       "10.2.1 -> 11.0.1",
		"Kata's hypervisor: path":          "/opt/kata/bin/qemu -> /usr/bin/qemu",
		"Kata's hypervisor: SHA-256":       strings.Repeat("10", 32) + " -> " + strings.Repeat("11", 32),
	} {
		if got[what] != want {
			t.Errorf("%s is %q, want %q", what, got[what], want)
		}
		delete(got, what)
	}
	if len(got) > 0 {
		t.Errorf("these were not changed: %v", got)
	}
}

func TestShiftsAreBeyondTheNoise(t *testing.T) {
	slower := func(phase string, by func(i int, took time.Duration) time.Duration) *reports.Report {
		r := sample.Large(9, 3)
		for i := range r.Timings {
			if r.Timings[i].Phase == phase {
				r.Timings[i].Duration = by(i, r.Timings[i].Duration)
			}
		}
		return r
	}
	figures := func(samples ...float64) *reports.Report {
		r := sample.Sandboxed()
		r.Figures = []reports.Figure{{Name: "training", Target: r.Targets[0].ID, Vantage: "trainer", Unit: "steps/s", Samples: samples},
			{Name: "loss", Target: r.Targets[0].ID, Vantage: "trainer", Unit: "nats", Over: "epoch", LessIsBetter: true, Samples: samples}}
		return r
	}
	for _, test := range []struct {
		name          string
		before, after *reports.Report
		want          string
	}{
		{"all nodes slower", sample.Large(9, 3), slower("deploy", func(_ int, took time.Duration) time.Duration { return 2 * took }), "phase deploy true"},
		{"all nodes faster", slower("deploy", func(_ int, took time.Duration) time.Duration { return 2 * took }), sample.Large(9, 3), "phase deploy false"},
		{"one node slower", sample.Large(9, 3), slower("deploy", func(i int, took time.Duration) time.Duration {
			if i < 7 {
				return 9 * took
			}
			return took
		}), ""},
		{"as wide as the nodes differ", slower("deploy", func(i int, took time.Duration) time.Duration { return took * time.Duration(1+i/6%3) }),
			slower("deploy", func(i int, took time.Duration) time.Duration { return took * time.Duration(2+i/6%3) }), ""},
		{"less than a second", sample.Large(9, 3), slower("settle", func(_ int, took time.Duration) time.Duration { return 2 * took }), ""},
		{"a figure", figures(100, 101, 99, 100), figures(80, 81, 79), "training at trainer of RuntimeClass gvisor true"},
		{"a figure within its spread", figures(100, 140, 60, 100), figures(80, 81, 79), ""},
		{"a figure that was taken once", figures(100), figures(80), ""},
	} {
		var got []string
		for _, s := range compare.Compare(test.before, test.after).Shifts {
			got = append(got, fmt.Sprint(s.What, " ", s.Worse))
		}
		if text := strings.Join(got, "; "); text != test.want {
			t.Errorf("%s: %q, want %q", test.name, text, test.want)
		}
	}
}

func worse() *compare.Comparison {
	before, after := sample.Sandboxed(), sample.Plain()
	after.Targets[0].ID = before.Targets[0].ID
	for i := range after.Verdicts {
		after.Verdicts[i].Target = before.Targets[0].ID
	}
	after.Conclude()
	return compare.Compare(before, after)
}

// Every format names every change, and none trusts what pods sent.
func TestFormatsOfAComparison(t *testing.T) {
	hostile := sample.Hostile()
	hostile.Run.Interrupted = "terminated"
	hostile.Conclude()
	for name, c := range map[string]*compare.Comparison{"worse": worse(), "hostile": compare.Compare(sample.Sandboxed(), hostile)} {
		for _, format := range compare.Formats() {
			var first, second bytes.Buffer
			if err := format.Write(&first, c); err != nil {
				t.Fatal(err)
			}
			if err := format.Write(&second, c); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
				t.Errorf("%s: %s is not the same twice, %v", name, format.Name, err)
			}
			text := first.String()
			for _, part := range append([]string{c.Headline()}, controlsOf(c)...) {
				if format.Name == "json" && part == c.Headline() {
					continue
				}
				if !strings.Contains(text, part) {
					t.Errorf("%s: %s does not name %q", name, format.Name, part)
				}
			}
			for _, bad := range []string{"\x1b", "\u202e", "\x00", "<script>"} {
				if strings.Contains(text, bad) && (bad != "<script>" || format.Name == "html") {
					t.Errorf("%s: %s holds %q", name, format.Name, bad)
				}
			}
		}
	}
}

func controlsOf(c *compare.Comparison) (ids []string) {
	for _, change := range c.Changes {
		ids = append(ids, change.Control)
	}
	return ids
}

func TestJSONOfAComparisonCanBeRead(t *testing.T) {
	var text bytes.Buffer
	c := worse()
	if err := compare.Formats()[1].Write(&text, c); err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(&text)
	decoder.DisallowUnknownFields()
	var again compare.Comparison
	if err := decoder.Decode(&again); err != nil || again.Schema != compare.Schema || again.Headline() != c.Headline() || !again.Worse {
		t.Errorf("%v, it says %q", err, again.Headline())
	}
}

// The page has no script and reaches for nothing.
func TestPageOfAComparisonIsInert(t *testing.T) {
	var text bytes.Buffer
	if err := compare.Formats()[3].Write(&text, worse()); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(&text)
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || slices.Contains([]string{"src", "style", "action"}, a.Key) || a.Key == "href" && !strings.HasPrefix(a.Val, "#") {
				t.Errorf("<%s> has %s=%q", n.Data, a.Key, a.Val)
			}
			if a.Key == "content" && strings.Contains(a.Val, "default-src") && !strings.HasPrefix(a.Val, "default-src 'none'; style-src 'sha256-") {
				t.Errorf("the policy is %q", a.Val)
			}
		}
		if n.Type == html.ElementNode && slices.Contains([]string{"script", "img", "link", "iframe"}, n.Data) {
			t.Errorf("there is a <%s>", n.Data)
		}
	}
}
