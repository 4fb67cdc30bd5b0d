package devices

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

const (
	// maxEntries bounds the walk below /dev, maxSet how many nodes are listed.
	maxEntries = 4096
	maxSet     = 512
)

// standardNodes are those that every container has
// (github.com/opencontainers/runtime-spec, config-linux.md, "Default Devices"), and
// the terminals that every kernel makes, whatever its machine.
var standardNodes = regexp.MustCompile(`^/dev/(null|zero|full|random|urandom|tty\w*|vcs\w*|console|ptmx|fd|stdin|stdout|stderr|core|(pts|mqueue|shm)(/.*)?)$`)

// deviceSet lists the device nodes below /dev but for the standard ones, as "path
// type major:minor" with type c or b.
func deviceSet(ctx *probes.Context) evidence.Observation {
	set, truncated := listDevices(kernfs.Below(ctx.HostRoot, "/dev"))
	if ctx.Vantage == evidence.Witness && len(set) == 0 {
		// Some nodes show no devices below their root; the privileged witness has
		// them all.
		set, truncated = listDevices("/dev")
	}
	values := evidence.Values{"nodes": evidence.List(set...)}
	if truncated {
		values["truncated"] = evidence.Number(1)
	}
	return probes.Seen(values)
}

func listDevices(root string) (set []string, truncated bool) {
	entries := 0
	// Folders that cannot be read are passed over.
	_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if entries++; entries > maxEntries || len(set) == maxSet {
			truncated = true
			return fs.SkipAll
		}
		name := "/dev" + strings.TrimPrefix(path, root)
		if entry.IsDir() && standardNodes.MatchString(name) {
			return fs.SkipDir
		}
		var stat unix.Stat_t
		if entry.Type()&os.ModeDevice == 0 || standardNodes.MatchString(name) || unix.Lstat(path, &stat) != nil {
			return nil
		}
		kind := "c"
		if stat.Mode&unix.S_IFMT == unix.S_IFBLK {
			kind = "b"
		}
		set = append(set, fmt.Sprintf("%s %s %d:%d", name, kind, unix.Major(stat.Rdev), unix.Minor(stat.Rdev)))
		return nil
	})
	return set, truncated
}
