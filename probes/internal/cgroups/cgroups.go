// Package cgroups finds the cgroups of the running process in the cgroup file
// systems it can see.
package cgroups

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"

	"github.com/katacert/katacert/probes/internal/kernfs"
)

// Name is how the cgroup with that number is called that the witness of a run
// makes.
func Name(run string, number int) string { return fmt.Sprintf("katacert-%s-%016x", run, number) }

// Own is a directory below which the process may be able to make cgroups: the
// one of the cgroup it is in.
type Own struct {
	// Controllers are those of the hierarchy (version 1); empty for version 2.
	Controllers []string
	// Dir is the directory of the process's cgroup.
	Dir string
}

// OfSelf returns the process's cgroup in every hierarchy that is mounted where
// the process can see it. It fails when procfs does not tell.
func OfSelf() ([]Own, error) {
	memberships, err := kernfs.Read("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	table, err := kernfs.Read("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	mounts, err := mountinfo.GetMountsFromReader(bytes.NewReader(table), notCgroup)
	if err != nil {
		return nil, fmt.Errorf("parse /proc/self/mountinfo: %w", err)
	}
	return locateAll(string(memberships), mounts), nil
}

func locateAll(memberships string, mounts []*mountinfo.Info) []Own {
	var all []Own
	for line := range strings.Lines(memberships) {
		// hierarchy-id:controllers:path, see cgroups(7).
		fields := strings.SplitN(strings.TrimRight(line, "\n"), ":", 3)
		if len(fields) == 3 {
			all = append(all, locate(mounts, fields[1], fields[2])...)
		}
	}
	return all
}

func notCgroup(m *mountinfo.Info) (skip, stop bool) {
	return m.FSType != "cgroup" && m.FSType != "cgroup2", false
}

func locate(mounts []*mountinfo.Info, controllers, cgroup string) []Own {
	var found []Own
	for _, m := range mounts {
		var own Own
		if controllers == "" {
			if m.FSType != "cgroup2" {
				continue
			}
		} else {
			own.Controllers = strings.Split(controllers, ",")
			options := strings.Split(m.VFSOptions, ",")
			if m.FSType != "cgroup" || !slices.Contains(options, own.Controllers[0]) {
				continue
			}
		}
		// A mount shows the hierarchy from its root field downwards.
		below, ok := strings.CutPrefix(cgroup, strings.TrimRight(m.Root, "/"))
		if !ok || (below != "" && below[0] != '/') {
			continue
		}
		own.Dir = path.Join(m.Mountpoint, below)
		found = append(found, own)
	}
	return found
}
