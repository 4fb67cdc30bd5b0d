package plant

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/katacert/katacert/probes/internal/kernfs"
)

const (
	// The search for cgroups is bounded in depth below /sys/fs/cgroup and in the
	// number of directories; the pods of a node are at a depth of 3 to 6.
	maxCgroupDepth = 9
	maxCgroups     = 50000
)

func findCgroups(s *site) []string {
	root := kernfs.Below(s.hostRoot, "/sys/fs/cgroup")
	var found []string
	level, seen := []string{root}, 0
	for range maxCgroupDepth {
		var next []string
		for _, dir := range level {
			entries, _ := os.ReadDir(dir)
			for _, entry := range entries {
				if !entry.IsDir() {
					continue
				}
				if seen++; seen > maxCgroups {
					return found
				}
				path := filepath.Join(dir, entry.Name())
				if s.owns(entry.Name()) {
					found = append(found, path)
				}
				next = append(next, path)
			}
		}
		level = next
	}
	return found
}

func removeCgroups(s *site) error {
	var failures error
	for _, dir := range findCgroups(s) {
		// rmdir(2) is how a cgroup is removed; its files go with it.
		if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failures = errors.Join(failures, err)
		}
	}
	return failures
}
