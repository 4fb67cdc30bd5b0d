package catalogue_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/isolation"
	"github.com/katacert/katacert/suites/judge"
	"github.com/katacert/katacert/suites/kata"
	"github.com/katacert/katacert/suites/platform"
	"github.com/katacert/katacert/suites/tenancy"
	"github.com/katacert/katacert/suites/training"
	"github.com/katacert/katacert/suites/vmm"
)

// controls is the whole catalogue.
func controls() []catalogue.Control {
	return slices.Concat(isolation.Controls(), vmm.Controls(), tenancy.Controls(), platform.Controls(), kata.Annotations(), training.Controls())
}

// sound is a control without a fault.
func sound() catalogue.Control {
	return catalogue.Control{ID: "kernel-x", Group: catalogue.Kernel, Title: "t", Why: "w", Proves: "p", ProvesNot: "n", OnFail: "f",
		Level: catalogue.Isolation, Profile: catalogue.Quick, Safety: catalogue.Observes, Refs: catalogue.Refs("NIST SC-39"),
		Rule: &judge.Rule{Detects: judge.SameText("p", "r"), Control: evidence.Reference}}
}

func TestTheCatalogueIsSound(t *testing.T) {
	if faults := catalogue.Validate(controls()); len(faults) > 0 {
		t.Error(errors.Join(faults...))
	}
}

func TestValidateFindsEachFault(t *testing.T) {
	if faults := catalogue.Validate([]catalogue.Control{sound()}); len(faults) > 0 {
		t.Fatalf("a sound control: %v", faults)
	}
	for _, test := range []struct {
		says  string
		spoil func(c *catalogue.Control)
	}{
		{"not kebab-case", func(c *catalogue.Control) { c.ID = "" }},
		{"not kebab-case", func(c *catalogue.Control) { c.ID = "Kernel" }},
		{"not kebab-case", func(c *catalogue.Control) { c.ID = "kernel x" }},
		{"title is empty", func(c *catalogue.Control) { c.Title = "" }},
		{"why is empty", func(c *catalogue.Control) { c.Why = "" }},
		{"proves is empty", func(c *catalogue.Control) { c.Proves = "" }},
		{"proves-not is empty", func(c *catalogue.Control) { c.ProvesNot = "" }},
		{"on-fail is empty", func(c *catalogue.Control) { c.OnFail = "" }},
		{`no group "gpus"`, func(c *catalogue.Control) { c.Group = "gpus" }},
		{`no level ""`, func(c *catalogue.Control) { c.Level = "" }},
		{`no level "fatal"`, func(c *catalogue.Control) { c.Level = "fatal" }},
		{`no profile "fast"`, func(c *catalogue.Control) { c.Profile = "fast" }},
		{`no safety ""`, func(c *catalogue.Control) { c.Safety = "" }},
		{`no signal "boot"`, func(c *catalogue.Control) { c.Signal = "boot" }},
		{"exactly one of rule and verdict", func(c *catalogue.Control) { c.Rule = nil }},
		{"exactly one of rule and verdict", func(c *catalogue.Control) { c.Verdict, c.Shown = judge.Training, "s" }},
		{"no vantage shows it able to fail", func(c *catalogue.Control) { c.Rule.Control = "" }},
		{"does not say how it is shown able to fail", func(c *catalogue.Control) { c.Rule, c.Verdict = nil, judge.Training }},
		{"no reference", func(c *catalogue.Control) { c.Refs = nil }},
	} {
		c := sound()
		test.spoil(&c)
		faults := catalogue.Validate([]catalogue.Control{c})
		if len(faults) != 1 || !strings.Contains(faults[0].Error(), test.says) {
			t.Errorf("want one fault that says %q, got %v", test.says, faults)
		}
	}
	if faults := catalogue.Validate([]catalogue.Control{sound(), sound()}); len(faults) != 1 || !strings.Contains(faults[0].Error(), "used twice") {
		t.Errorf("two controls of one id: %v", faults)
	}
	if faults := catalogue.Validate([]catalogue.Control{{}}); len(faults) < 10 {
		t.Errorf("an empty control has %d faults: %v", len(faults), faults)
	}
}

func TestSelect(t *testing.T) {
	all := controls()
	before := 0
	var smaller []string
	for _, profile := range catalogue.Profiles() {
		chosen, err := catalogue.Select(all, catalogue.Choice{Profile: profile})
		if err != nil {
			t.Fatal(err)
		}
		ids := ids(chosen)
		for _, id := range smaller {
			if !slices.Contains(ids, id) {
				t.Errorf("profile %s lacks %s of the smaller profile", profile, id)
			}
		}
		if len(ids) < before {
			t.Errorf("profile %s has %d controls, the smaller has %d", profile, len(ids), before)
		}
		before, smaller = len(ids), ids
	}
	if before != len(all) {
		t.Errorf("the largest profile has %d of %d controls", before, len(all))
	}
	quick, _ := catalogue.Select(all, catalogue.Choice{Profile: catalogue.Quick})
	if slices.ContainsFunc(quick, func(c catalogue.Control) bool { return c.NeedsTraining }) {
		t.Error("profile quick needs the training job")
	}
	chosen, err := catalogue.Select(all, catalogue.Choice{Profile: catalogue.Quick, Controls: "^kernel-(boot-id|release)$"})
	if got := ids(chosen); err != nil || !slices.Equal(got, []string{"kernel-boot-id", "kernel-release"}) {
		t.Errorf("chose %v, %v", got, err)
	}
}

func TestSelectRefuses(t *testing.T) {
	for _, test := range []struct {
		choice catalogue.Choice
		says   []string
	}{
		{catalogue.Choice{Profile: "fast"}, []string{`unknown profile "fast"`, "quick, nightly, certification, destructive"}},
		{catalogue.Choice{}, []string{`unknown profile ""`}},
		{catalogue.Choice{Profile: catalogue.Quick, Controls: "kernel-("}, []string{`--controls "kernel-("`, "no regular expression"}},
		{catalogue.Choice{Profile: catalogue.Quick, Controls: "^no-such$"}, []string{`matches "^no-such$"`, "katacert catalogue"}},
		{catalogue.Choice{Profile: catalogue.Quick, Controls: "^training-"}, []string{"no control of profile quick"}},
	} {
		chosen, err := catalogue.Select(controls(), test.choice)
		expectError(t, err, test.says...)
		if chosen != nil {
			t.Errorf("%+v chose %v and an error", test.choice, ids(chosen))
		}
	}
}

func TestFind(t *testing.T) {
	for _, want := range controls() {
		if got, err := catalogue.Find(controls(), want.ID); err != nil || got.ID != want.ID {
			t.Errorf("find %s: %s, %v", want.ID, got.ID, err)
		}
	}
	_, err := catalogue.Find(controls(), "kernel-bootid")
	expectError(t, err, `unknown control "kernel-bootid"`, "did you mean", "kernel-boot-id")
	_, err = catalogue.Find(controls(), "xyzzy")
	expectError(t, err, `unknown control "xyzzy"`, "`katacert catalogue` lists them")
	_, err = catalogue.Find(controls(), "")
	expectError(t, err, "`katacert catalogue` lists them")
}

func expectError(t *testing.T, err error, says ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one that says %q", says)
		return
	}
	for _, part := range says {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error is %q, it should say %q", err, part)
		}
	}
	if strings.ContainsRune(err.Error(), '\n') {
		t.Errorf("the error takes more than one line: %q", err)
	}
}

func ids(all []catalogue.Control) []string {
	out := make([]string, len(all))
	for i, c := range all {
		out[i] = c.ID
	}
	return out
}

func TestVantages(t *testing.T) {
	find := func(id string) catalogue.Control {
		c, err := catalogue.Find(controls(), id)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for id, want := range map[string][]evidence.Vantage{
		"kernel-boot-id":        {evidence.Reference, evidence.Subject},
		"proc-planted":          {evidence.Subject, evidence.Weakened("host-pid")},
		"hypervisor-cpuid":      {evidence.Subject},
		"tenant-kernel":         {evidence.Neighbour, evidence.Reference, evidence.Subject},
		"training-converges":    {evidence.Trainer},
		"training-block-volume": {evidence.Trainer, evidence.TrainerBlock},
	} {
		if got := find(id).Vantages(); !slices.Equal(got, want) {
			t.Errorf("control %s needs %v, want %v", id, got, want)
		}
	}
	for _, c := range controls() {
		if c.ShownBy() == "" {
			t.Errorf("control %s does not say how it is shown able to fail", c.ID)
		}
	}
}

func TestRefs(t *testing.T) {
	for short, want := range map[string]string{
		"NIST SC-39":     "NIST SP 800-53 rev 5 SC-39",
		"SP800-190 3.5":  "NIST SP 800-190 3.5",
		"CIS 5.2.12":     catalogue.CISBenchmark + " 5.2.12",
		"ATT&CK T1611":   "MITRE ATT&CK T1611",
		"CVE-2024-21626": "CVE-2024-21626",
	} {
		if got := catalogue.Refs(short); len(got) != 1 || got[0].String() != want {
			t.Errorf("%s is shown as %v, want %s", short, got, want)
		}
	}
	for _, c := range controls() {
		for _, ref := range c.Refs {
			if ref.ID == "" || ref.Source == "CVE" && !strings.HasPrefix(ref.ID, "CVE-") {
				t.Errorf("control %s has the reference %+v", c.ID, ref)
			}
		}
	}
}
