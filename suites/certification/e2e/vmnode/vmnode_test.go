//go:build e2e

package vmnode

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/katacert/katacert/fixtures/cluster/local"
	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/judge"
)

const (
	name        = "vmnode-e2e"
	firstNode   = "katacert-" + name
	machineNode = firstNode + "-vm"
)

// A cluster with a node in a virtual machine comes up from nothing; gVisor is
// certified on both nodes and runc on neither, reports tell the nodes apart, and
// when the cluster's keeper is killed nothing is left.
func TestNodeInAVirtualMachine(t *testing.T) {
	katacert(t, 0, "cluster", "up", "--name", name, "--vm-node")
	t.Cleanup(func() { _ = local.Down(context.Background(), name) })
	if status := katacert(t, 0, "cluster", "status"); !strings.Contains(status, machineNode+" (virtual machine: 2 processors, 4.0 GiB") {
		t.Errorf("the status is\n%s", status)
	}

	t.Run("gVisor is certified on both", func(t *testing.T) {
		report := certify(t, 0, "--name", name, "--vm-node", "--runtime-class", "gvisor")
		if report.Outcome != reports.Certified || len(report.Targets) != 2 {
			t.Fatalf("%s on %d targets", report.Outcome, len(report.Targets))
		}
		requireJudged(t, report)
		first, machine := nodeOf(t, report, firstNode), nodeOf(t, report, machineNode)
		if machine.Cgroup != 2 || !strings.Contains(machine.OS, "Debian") || machine.Kernel == first.Kernel || machine.Kernel == "" {
			t.Errorf("the nodes are %+v and %+v", first, machine)
		}
	})
	t.Run("runc is not", func(t *testing.T) {
		report := certify(t, 1, "--name", name, "--runtime-class", "runc", "--nodes", machineNode)
		if report.Outcome != reports.NotCertified {
			t.Errorf("runc in the virtual machine is %s", report.Outcome)
		}
		requireJudged(t, report)
	})
	t.Run("a machine that ends is told and starts again", func(t *testing.T) {
		before := machines()
		if len(before) != 1 {
			t.Fatalf("%d processes run the virtual machine", len(before))
		}
		if err := syscall.Kill(before[0], syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		await(t, "another machine runs", func() bool { now := machines(); return len(now) == 1 && now[0] != before[0] })
		deaths := readRecord(t).Deaths
		if i := slices.IndexFunc(deaths, func(d death) bool { return d.Daemon == "machine" }); i < 0 || !strings.Contains(deaths[i].Log, "console:") {
			t.Errorf("the record tells of %+v", deaths)
		}
	})
	t.Run("nothing is left of a cluster that is killed", func(t *testing.T) {
		if len(machines()) == 0 {
			t.Fatal("the virtual machine's process was not found, so the check would prove nothing")
		}
		if err := syscall.Kill(readRecord(t).Keeper, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		await(t, "all processes of the cluster are gone", func() bool { return len(machines()) == 0 })
		katacert(t, 0, "cluster", "down", "--name", name)
	})
}

// death is the end of a daemon in a cluster's record.
type death struct{ Daemon, Log string }

// record is what is looked at of a cluster's record.
type record struct {
	Keeper int
	Deaths []death
}

func readRecord(t *testing.T) record {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(os.Getenv("XDG_STATE_HOME"), "katacert/clusters", name, "cluster.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// requireJudged fails where a control came to no judgement.
func requireJudged(t *testing.T, report *reports.Report) {
	t.Helper()
	for _, v := range report.Verdicts {
		if v.Result == judge.Error || v.Result == judge.Invalid {
			t.Errorf("%s of %s is %s: %s", v.Control, v.Target, v.Result, v.Reason)
		}
	}
}

func nodeOf(t *testing.T, report *reports.Report, name string) reports.Node {
	t.Helper()
	for _, target := range report.Targets {
		if target.Node.Name == name {
			return target.Node
		}
	}
	t.Fatalf("no target on node %s", name)
	return reports.Node{}
}

// machines lists the processes of the cluster that run a virtual machine.
func machines() []int {
	var found []int
	files, _ := filepath.Glob("/proc/[0-9]*/cgroup")
	for _, file := range files {
		groups, _ := os.ReadFile(file)
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil && bytes.Contains(groups, []byte("katacert-cluster-"+name)) && bytes.HasPrefix(line, []byte("qemu-system")) {
			found = append(found, pid)
		}
	}
	return found
}
