package filesystem

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// maxListItems and maxListBytes bound each list of this probe. A node has
// several mounts for every container.
const (
	maxListItems = 1200
	maxListBytes = 48 << 10
)

// mounts reports what mountinfo tells of where the files of the container come
// from: paths and device numbers that mean something on the node. The witness
// reads the node's own mounts, those of process 1.
func mounts(ctx *probes.Context) evidence.Observation {
	path := ownMountinfo
	if ctx.Vantage == evidence.Witness {
		path = "/proc/1/mountinfo"
	}
	table, err := mountTable(path)
	if err != nil {
		return probes.Unreadable(err)
	}
	var overlays, roots, devices bag
	// The latest mounts come last, and matter most where a list is cut short:
	// the pods of this run have just been started.
	for _, m := range slices.Backward(table) {
		if m.FSType == "overlay" {
			overlays.add(overlayDirs(m.VFSOptions)...)
		}
		if isTellingRoot(m) {
			roots.add(m.Root)
		}
		if m.Major != 0 {
			devices.add(fmt.Sprintf("%d:%d", m.Major, m.Minor))
		}
	}
	values := evidence.Values{
		"overlay_dirs": evidence.List(overlays.items...),
		"bind_roots":   evidence.List(roots.items...),
		"devices":      evidence.List(devices.items...),
	}
	if overlays.full || roots.full || devices.full {
		values["truncated"] = evidence.Number(1)
	}
	return probes.Seen(values)
}

// isTellingRoot says whether the root of a mount within its file system names
// a place, as that of a bind mount does. On file systems in memory that takes a
// path of several parts: "/null" is the same everywhere.
func isTellingRoot(m *mountinfo.Info) bool {
	if pseudoTypes[m.FSType] || !strings.HasPrefix(m.Root, "/") || m.Root == "/" {
		return false
	}
	inMemory := m.FSType == "tmpfs" || m.FSType == "devtmpfs" || m.FSType == "ramfs"
	return !inMemory || strings.Count(m.Root, "/") > 1
}

// overlayDirs returns the absolute paths among the directories that the options
// of an overlay mount name (Documentation/filesystems/overlayfs.rst). Runtimes
// may give lower directories relative to a working directory of theirs, which
// names no place.
func overlayDirs(options string) []string {
	var dirs []string
	for _, option := range splitEscaped(options, ',') {
		name, value, _ := strings.Cut(option, "=")
		switch name {
		case "upperdir", "workdir", "lowerdir+", "datadir+":
			dirs = append(dirs, unescape(value))
		case "lowerdir":
			for _, dir := range splitEscaped(value, ':') {
				dirs = append(dirs, unescape(dir))
			}
		}
	}
	return slices.DeleteFunc(dirs, func(dir string) bool { return !strings.HasPrefix(dir, "/") || dir == "/" })
}

// splitEscaped splits at a separator that no backslash precedes.
func splitEscaped(s string, separator byte) []string {
	var parts []string
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case separator:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

func unescape(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// bag collects distinct texts up to the bounds of a list.
type bag struct {
	items []string
	bytes int
	known map[string]bool
	full  bool
}

func (b *bag) add(items ...string) {
	for _, item := range items {
		if b.known[item] {
			continue
		}
		if len(b.items) == maxListItems || b.bytes+len(item) > maxListBytes {
			b.full = true
			return
		}
		if b.known == nil {
			b.known = map[string]bool{}
		}
		b.known[item] = true
		b.items = append(b.items, item)
		b.bytes += len(item)
	}
}
