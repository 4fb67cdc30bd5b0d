//go:build e2e

package vmnode

import (
	"context"
	"strings"
	"testing"

	"github.com/katacert/katacert/fixtures/cluster/local"
	"github.com/katacert/katacert/fixtures/images"
	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
	"github.com/katacert/katacert/suites/judge"
)

// A class that is a sandbox on one node and plain runc on the other is not
// certified, and the fails name the node that is to blame, and no other.
func TestKataIsPlainOnOneNode(t *testing.T) {
	set, err := images.Build(t.Context(), images.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pause, err := set.Image(images.Pause, "amd64")
	if err != nil {
		t.Fatal(err)
	}
	c, err := local.Up(t.Context(), local.Options{
		Name: "onenode-e2e", Ephemeral: true, PauseImage: pause, VM: &local.VM{},
		Broken: local.Broken{ExtraHandlers: []local.ExtraHandler{local.KataOnOneNode}}, Progress: func(line string) { t.Log(line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	refs, err := images.Push(t.Context(), set, images.PushOptions{Prefix: c.RegistryPrefix(), Transport: c.RegistryTransport(), Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	runner, _, err := certification.Prepare(t.Context(), certification.Options{
		Cluster:        certification.Cluster{Provider: c.Provider(), Name: c.Name(), Config: c.RESTConfig(), Disposable: true},
		RuntimeClasses: []string{local.KataOnOneNode.RuntimeClass}, Choice: catalogue.Choice{Profile: catalogue.Quick},
		Require: catalogue.Isolation, Images: certification.Images{Probe: refs[images.Probe], Trainer: refs[images.Trainer]},
		Out: t.TempDir(), Timeouts: certification.DefaultTimeouts(max(c.TimeoutScale(), 2)), Progress: notes{t},
	})
	if err != nil {
		t.Fatal(err)
	}
	report := runner.Run(t.Context())
	if report.Outcome != reports.NotCertified {
		t.Errorf("the outcome is %s", report.Outcome)
	}
	levels := map[string]catalogue.Level{}
	for _, control := range report.Controls {
		levels[control.ID] = control.Level
	}
	blamed := 0
	for _, v := range report.Verdicts {
		if v.Result != judge.Fail || levels[v.Control] != catalogue.Isolation {
			continue
		}
		if !strings.HasPrefix(v.Target, c.NodeName()+"-vm/") {
			// That the class has another handler's name than its shim's is true of
			// the first node too.
			if v.Control != "runtimeclass-handler" {
				t.Errorf("%s fails for %s: %s", v.Control, v.Target, v.Reason)
			}
			continue
		}
		blamed++
	}
	if blamed < 5 {
		t.Errorf("%d controls blame the node in the virtual machine", blamed)
	}
}

// notes logs what a run notes, and drops its progress.
type notes struct{ t *testing.T }

func (notes) Plan(int)                     {}
func (n notes) Phase(target, phase string) { n.t.Log(target, phase) }
func (notes) Done(int)                     {}
func (n notes) Note(line string)           { n.t.Log(line) }
