//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/judge"
)

// Ctrl-C ends a run at once, with a report of every control and nothing left.
func TestInterrupt(t *testing.T) {
	useCluster(t)
	before := lookAtMachine(t)
	c := startCertify(t, nil, onCluster("--profile", "quick", "--runtime-class", "gvisor")...)
	c.until(t, "look again")
	c.signal(t, os.Interrupt)
	run := c.finish(t)
	run.requireCode(t, 3)
	r := run.report
	if r.Outcome != reports.Partial || r.Run.Interrupted == "" {
		t.Errorf("outcome %s, interrupted %q", r.Outcome, r.Run.Interrupted)
	}
	errors := 0
	for _, v := range r.Verdicts {
		if v.Result == judge.Error {
			errors++
		}
	}
	if len(r.Verdicts) != len(r.Controls) || errors == 0 {
		t.Errorf("%d controls have %d verdicts, %d of them errors", len(r.Controls), len(r.Verdicts), errors)
	}
	requireTexts(t, run.stdout, "PARTIAL", "interrupted")
	requireVerified(t, run.dir, "")
	if len(r.Leftovers) > 0 {
		t.Errorf("the run left %v", r.Leftovers)
	}
	requireNoNamespaces(t)
	before.requireSame(t)
}

// What a killed run leaves in a cluster that goes on is removed by the next run,
// which is certified.
func TestKilledOnKeptCluster(t *testing.T) {
	useCluster(t)
	before := lookAtMachine(t)
	c := startCertify(t, nil, onCluster("--profile", "quick", "--runtime-class", "gvisor")...)
	c.until(t, "look again")
	c.signal(t, syscall.SIGKILL)
	c.wait(t)
	runs, err := filepath.Glob(filepath.Join(c.out, "*"))
	if err != nil || len(runs) != 1 {
		t.Fatalf("the killed run left the folders %v", runs)
	}
	if records := readEvidence(t, runs[0]); len(records) == 0 {
		t.Error("the killed run kept no evidence")
	}
	r, err := reports.Read(runs[0])
	if err != nil {
		t.Fatal(err)
	}
	requireWhole(t, r, "it was killed")
	requireFormats(t, runs[0], r)
	katacert(t, "bundle", runs[0]).requireCode(t, 0)
	requireVerified(t, runs[0], "")
	left := runNamespaces(t)
	if len(left) == 0 {
		t.Fatal("the killed run left no namespace, so there is nothing to sweep")
	}
	next := certify(t, onCluster("--profile", "quick", "--runtime-class", "gvisor")...)
	next.requireCode(t, 0)
	killed := filepath.Base(runs[0])
	requireTexts(t, next.stderr, "removing what the killed run "+killed+" left in the cluster, which may take", "removed what "+killed+" had left in the cluster")
	for _, name := range runNamespaces(t) {
		t.Errorf("namespace %s is still there", name)
	}
	before.requireSame(t)
}

// A killed run takes the cluster that it brought up with it, whatever it was
// doing, and the next run is certified.
func TestKilledWithItsCluster(t *testing.T) {
	const name = "certify-kill"
	before := lookAtMachine(t)
	args := []string{"--name", name, "--profile", "quick", "--runtime-class", "gvisor"}
	for _, moment := range []string{"starting etcd", "starting the node's components", ": deploy", ": look again"} {
		t.Run(strings.TrimPrefix(moment, ": "), func(t *testing.T) {
			c := startCertify(t, nil, args...)
			c.until(t, moment)
			c.signal(t, syscall.SIGKILL)
			c.wait(t)
			before.requireNothing(t, name)
		})
	}
	next := certify(t, args...)
	next.requireCode(t, 0)
	before.requireNothing(t, name)
	r := katacert(t, "cleanup")
	r.requireCode(t, 0)
	requireTexts(t, r.stdout, "nothing was left behind")
}
