//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// machine is what a run could leave on the machine besides its cluster: by kind,
// so that a difference can be named.
type machine map[string][]string

func lookAtMachine(t *testing.T) machine {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	m := machine{"mounts": strings.Split(strings.TrimSpace(string(mounts)), "\n")}
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range interfaces {
		addresses, _ := i.Addrs()
		m["links"] = append(m["links"], fmt.Sprint(i.Name, " ", addresses))
	}
	backing, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	for _, path := range backing {
		if file, err := os.ReadFile(path); err == nil {
			m["loop devices"] = append(m["loop devices"], path+" "+strings.TrimSpace(string(file)))
		}
	}
	return m
}

// clusterRemains lists what there is of a cluster: processes, cgroups, state.
func clusterRemains(name string) (processes, others []string) {
	cgroup := "katacert-cluster-" + name
	// Where systemd owns the tree, the cgroup is a scope.
	for _, pattern := range []string{"/sys/fs/cgroup/" + cgroup, "/sys/fs/cgroup/" + cgroup + ".scope", "/sys/fs/cgroup/*/" + cgroup} {
		paths, _ := filepath.Glob(pattern)
		others = append(others, paths...)
	}
	running, _ := filepath.Glob("/proc/[0-9]*")
	for _, process := range running {
		groups, _ := os.ReadFile(filepath.Join(process, "cgroup"))
		if slices.ContainsFunc([]string{"/", "\n", ".scope"}, func(end string) bool { return bytes.Contains(groups, []byte(cgroup+end)) }) {
			line, _ := os.ReadFile(filepath.Join(process, "cmdline"))
			processes = append(processes, process+" "+string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}
	_ = filepath.WalkDir(filepath.Join(state, "katacert", "clusters", name), func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			others = append(others, path)
		}
		return nil
	})
	return processes, others
}

// requireNothing waits until nothing is left of a cluster, and the machine is as
// it was before.
func (m machine) requireNothing(t *testing.T, cluster string) {
	t.Helper()
	await(t, "nothing is left of cluster "+cluster, func() string {
		processes, others := clusterRemains(cluster)
		return strings.Join(append(processes, others...), "\n")
	})
	m.requireSame(t)
}

// requireSame waits until the machine is as it was before.
func (m machine) requireSame(t *testing.T) {
	t.Helper()
	await(t, "the machine is as it was", func() string {
		var difference strings.Builder
		now := lookAtMachine(t)
		for _, kind := range []string{"mounts", "links", "loop devices"} {
			for _, item := range now[kind] {
				if !slices.Contains(m[kind], item) {
					fmt.Fprintf(&difference, "new among the %s: %s\n", kind, item)
				}
			}
			for _, item := range m[kind] {
				if !slices.Contains(now[kind], item) {
					fmt.Fprintf(&difference, "missing among the %s: %s\n", kind, item)
				}
			}
		}
		return difference.String()
	})
}

// await waits until rest returns nothing.
func await(t *testing.T, what string, rest func() string) {
	t.Helper()
	deadline := time.After(cleanTimeout)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		left := rest()
		if left == "" {
			return
		}
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("after %s it does not hold that %s:\n%s", cleanTimeout, what, left)
		}
	}
}
