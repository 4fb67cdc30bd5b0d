//go:build e2e

package e2e

import (
	"context"
	"testing"

	"github.com/katacert/katacert/fixtures/cluster/local"
	"github.com/katacert/katacert/fixtures/images"
	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
)

// A class whose handler containerd and the node list, and whose shim is not there, is
// reported at once with the event of its pod and what to do, and not by a time-out.
func TestListedHandlerWithoutShim(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), buildTimeout)
	defer cancel()
	set, err := images.Build(ctx, images.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pause, err := set.Image(images.Pause, "amd64")
	if err != nil {
		t.Fatal(err)
	}
	broken := local.KataWithoutShim
	c, err := local.Up(ctx, local.Options{Name: "noshim-e2e", Ephemeral: true, PauseImage: pause,
		Broken: local.Broken{ExtraHandlers: []local.ExtraHandler{broken}}, Progress: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	refs, err := images.Push(ctx, set, images.PushOptions{Prefix: c.RegistryPrefix(), Transport: c.RegistryTransport(), Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	timeouts := certification.DefaultTimeouts(1)
	runner, _, err := certification.Prepare(ctx, certification.Options{
		Cluster:        certification.Cluster{Provider: c.Provider(), Name: c.Name(), Config: c.RESTConfig(), Disposable: true},
		RuntimeClasses: []string{broken.RuntimeClass}, Choice: catalogue.Choice{Profile: catalogue.Quick},
		Require: catalogue.Isolation, Images: certification.Images{Probe: refs[images.Probe], Trainer: refs[images.Trainer]},
		Out: t.TempDir(), Timeouts: timeouts, Progress: silent{},
	})
	if err != nil {
		t.Fatal(err)
	}
	listed := false
	for _, target := range runner.Plan().Targets {
		for _, handler := range target.Node.Status.RuntimeHandlers {
			listed = listed || handler.Name == broken.Handler
		}
	}
	if !listed {
		t.Errorf("the node does not list handler %s", broken.Handler)
	}
	report := runner.Run(ctx)
	if report.Outcome != reports.Partial {
		t.Errorf("the outcome is %s", report.Outcome)
	}
	// The event of the pod names the shim, and the mend follows it.
	requireWholeOfSubject(t, report, broken.Shim)
	requireWholeOfSubject(t, report, "runtime_path of the handler")
	requireAtOnce(t, report, timeouts.Pods)
}
