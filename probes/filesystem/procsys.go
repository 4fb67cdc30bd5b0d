package filesystem

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/bounded"
	"github.com/katacert/katacert/probes/internal/kernfs"
	"github.com/katacert/katacert/probes/internal/place"
)

const (
	// Bounds of the search: places that are looked at, links and folders directly
	// below one volume, and processes of one procfs.
	maxProcsysPlaces  = 256
	maxVolumeEntries  = 64
	maxForeignPids    = 4096
	maxForeignCmdline = 1024
	procsysWithin     = 2 * time.Second
)

// procsys reports what shows itself as a procfs or sysfs at any mount of the pod
// besides its own /proc and /sys, and what it tells of the kernel and its
// processes. It goes by what lies there and not by the type of the mount: a
// shared folder passes the node's procfs on under a type of its own.
func procsys(ctx *probes.Context) evidence.Observation {
	if ctx.Seek[probes.TokenArgv] == "" {
		return evidence.Observation{State: evidence.Failed, Detail: "was not told the hash of the planted token " + probes.TokenArgv}
	}
	table, err := mountTable(ownMountinfo)
	if err != nil {
		return probes.Unreadable(err)
	}
	var points []string
	for _, m := range table {
		points = append(points, m.Mountpoint)
	}
	limit := ctx.Scaled(procsysWithin)
	found, ended := bounded.Within(limit, func() *procsysFinds {
		finds := &procsysFinds{isToken: func(word string) bool { return ctx.Find(probes.TokenArgv, word) }}
		places, cut := procsysPlaces(points)
		finds.cut = cut
		for _, place := range places {
			finds.look(place)
		}
		return finds
	})
	if !ended {
		return evidence.Observation{State: evidence.Failed, Detail: fmt.Sprintf("a file system did not answer within %v", limit)}
	}
	values := evidence.Values{
		"looked_at":  evidence.Number(found.places),
		"proc":       evidence.List(found.proc...),
		"sys":        evidence.List(found.sys...),
		"processes":  evidence.List(found.processes...),
		"boot_ids":   evidence.List(found.bootIDs...),
		"vmcoreinfo": evidence.List(found.vmcoreinfo...),
	}
	if found.cut {
		values["unsearched"] = evidence.Number(1)
	}
	return probes.Seen(values)
}

// procsysPlaces are the mount points outside of the pod's own /proc and /sys, and
// the links and folders directly below them: a volume may hold a link that leads
// there. Cut says that there are more than are looked at.
func procsysPlaces(points []string) (places []string, cut bool) {
	var own []identity
	for _, path := range []string{"/proc", "/sys"} {
		if id, _, err := identify(path); err == nil {
			own = append(own, id)
		}
	}
	known := map[identity]bool{}
	add := func(path string) {
		id, _, err := identify(path)
		if err != nil || known[id] {
			return
		}
		// Another way to what is its own.
		if slices.ContainsFunc(own, func(mine identity) bool { return mine.dev == id.dev }) {
			return
		}
		if len(places) == maxProcsysPlaces {
			cut = true
			return
		}
		known[id] = true
		places = append(places, path)
	}
	for _, point := range points {
		if point == "/" || below(point, "/proc") || below(point, "/sys") || below(point, "/dev") {
			continue
		}
		add(point)
		names, more := firstNames(point)
		cut = cut || more
		for _, name := range names {
			add(filepath.Join(point, name))
		}
	}
	return places, cut
}

func below(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

// firstNames are the first entries of a folder, and whether there are more.
func firstNames(path string) (names []string, more bool) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, false
	}
	defer func() { _ = dir.Close() }()
	names, _ = dir.Readdirnames(maxVolumeEntries + 1)
	return names[:min(len(names), maxVolumeEntries)], len(names) > maxVolumeEntries
}

// procsysFinds is what showed itself as procfs or sysfs.
type procsysFinds struct {
	isToken                                   func(string) bool
	places                                    int64
	proc, sys, processes, bootIDs, vmcoreinfo []string
	// cut says that there were more places, or processes of one, than are looked at.
	cut bool
}

// look tells by the files that only the kernel provides. A mount of a part of
// procfs, /proc/sys, is looked at too.
func (f *procsysFinds) look(dir string) {
	f.places++
	for _, file := range []string{"sys/kernel/random/boot_id", "kernel/random/boot_id"} {
		if id, err := kernfs.Line(filepath.Join(dir, file)); err == nil && id != "" {
			f.proc = append(f.proc, dir)
			f.bootIDs = append(f.bootIDs, id)
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, "self")); err == nil {
		f.lookForProcess(dir)
	}
	if line, err := kernfs.Line(filepath.Join(dir, "kernel/vmcoreinfo")); err == nil {
		address, _, _ := strings.Cut(line, " ")
		f.sys = append(f.sys, dir)
		f.vmcoreinfo = append(f.vmcoreinfo, address)
	}
}

// lookForProcess searches a procfs for the planted process by its arguments.
func (f *procsysFinds) lookForProcess(dir string) {
	proc, err := os.Open(dir)
	if err != nil {
		return
	}
	defer func() { _ = proc.Close() }()
	names, _ := proc.Readdirnames(maxForeignPids + 1)
	f.cut = f.cut || len(names) > maxForeignPids
	for _, name := range names {
		if _, err := strconv.Atoi(name); err != nil {
			continue
		}
		if f.hasToken(filepath.Join(dir, name, "cmdline")) {
			f.processes = append(f.processes, filepath.Join(dir, name))
		}
	}
}

func (f *procsysFinds) hasToken(cmdline string) bool {
	file, err := os.Open(cmdline)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	line := make([]byte, maxForeignCmdline)
	n, _ := file.Read(line)
	for word := range strings.SplitSeq(string(line[:n]), "\x00") {
		if len(word) == place.TokenBytes && f.isToken(word) {
			return true
		}
	}
	return false
}
