package specs

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"github.com/katacert/katacert/fixtures/cluster/existing"
	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
)

// Environment variables that tell `ginkgo ./suites/...` what to certify.
// `katacert cluster up` prints them for the local cluster.
const (
	EnvKubeconfig   = "KATACERT_KUBECONFIG"
	EnvContext      = "KATACERT_CONTEXT"
	EnvProbeImage   = "KATACERT_PROBE_IMAGE"
	EnvTrainerImage = "KATACERT_TRAINER_IMAGE"
	EnvClasses      = "KATACERT_RUNTIME_CLASSES"
	EnvProfile      = "KATACERT_PROFILE"
)

// RunSuite certifies the cluster that the environment names against the given
// controls. Where the environment names none it says so and runs nothing.
func RunSuite(t *testing.T, name string, controls []catalogue.Control) {
	kubeconfig, probe := os.Getenv(EnvKubeconfig), os.Getenv(EnvProbeImage)
	if kubeconfig == "" || probe == "" {
		t.Skipf("no cluster to certify: set %s and %s (`katacert cluster up` prints both), or use `katacert certify`", EnvKubeconfig, EnvProbeImage)
	}
	gomega.RegisterFailHandler(ginkgo.Fail)
	cluster, err := existing.Open(kubeconfig, os.Getenv(EnvContext))
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, len(controls))
	for i, c := range controls {
		ids[i] = regexp.QuoteMeta(c.ID)
	}
	profile := catalogue.Profile(os.Getenv(EnvProfile))
	if profile == "" {
		profile = catalogue.Nightly
	}
	timeouts := certification.DefaultTimeouts(1)
	runner, _, err := certification.Prepare(t.Context(), certification.Options{
		Cluster:        certification.Cluster{Provider: "existing", Name: cluster.Name(), Config: cluster.RESTConfig()},
		RuntimeClasses: strings.FieldsFunc(os.Getenv(EnvClasses), func(r rune) bool { return r == ',' }),
		Choice:         catalogue.Choice{Profile: profile, Controls: "^(" + strings.Join(ids, "|") + ")$"},
		Require:        catalogue.Isolation,
		Images:         certification.Images{Probe: probe, Trainer: os.Getenv(EnvTrainerImage)},
		Out:            t.TempDir(),
		Timeouts:       timeouts,
		Progress:       log{},
	})
	if err != nil {
		t.Fatal(err)
	}
	Declare(runner.Plan(), timeouts.Ending(), func(ctx context.Context) *reports.Report { return runner.Run(ctx) })
	ginkgo.RunSpecs(t, name)
}

// log writes progress to Ginkgo's own writer, which shows it when a spec fails.
type log struct{}

func (log) Plan(int)                   {}
func (log) Phase(target, phase string) { ginkgo.GinkgoWriter.Println(target, phase) }
func (log) Done(int)                   {}
func (log) Note(line string)           { ginkgo.GinkgoWriter.Println(line) }
