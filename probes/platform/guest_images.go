package platform

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

// guestImages tells of the files from which this run's guests were started, by the
// runtime's own state: kernel, initrd and image.
func guestImages(ctx *probes.Context) evidence.Observation {
	return GuestImages(Tree{Proc: procfs, Root: ctx.HostRoot}, ctx.Run)
}

// GuestImages reads the files of a run's guests from a tree: who may write them, who
// of the sandbox holds them open for writing, and by what a change would show.
func GuestImages(tree Tree, run string) evidence.Observation {
	r, err := newReader(tree)
	if err != nil {
		return probes.Unreadable(err)
	}
	var images []string
	for _, p := range r.shims(run) {
		bundle := bundleOf(p)
		uid, id := word(bundle.Annotations[annotationSandboxUID]), word(bundle.Annotations[annotationSandboxID])
		if !strings.HasPrefix(p.exe, shimPrefix+"kata") {
			continue
		}
		state := readState(tree.Root, id)
		members := r.members(p, id, state)
		for _, path := range state.images {
			images = append(images, fmt.Sprintf("pod_uid=%s path=%s %s", uid, encoded(path), r.image(members, path)))
		}
	}
	if r.count == 0 {
		return probes.Absent("there is no sandbox of this run on the node")
	}
	values := evidence.Values{"images": evidence.List(images...)}
	if r.cut {
		values["truncated"] = evidence.Number(1)
	}
	return probes.Seen(values)
}

func (r *sandboxReader) image(members []member, path string) string {
	var stat unix.Stat_t
	if err := unix.Stat(r.inside(members[0], path), &stat); err != nil {
		return "unread=" + encoded(err.Error())
	}
	var writers []string
	for _, m := range members {
		folder := filepath.Join(m.dir, "fd")
		entries, err := os.ReadDir(folder)
		if err != nil {
			return "unread=" + encoded(err.Error())
		}
		for _, entry := range entries {
			var open unix.Stat_t
			if err := unix.Stat(filepath.Join(folder, entry.Name()), &open); err != nil || open.Ino != stat.Ino || open.Dev != stat.Dev {
				continue
			}
			info, _ := kernfs.Read(filepath.Join(m.dir, "fdinfo", entry.Name()))
			flags, err := strconv.ParseUint(infoField(info, "flags"), 8, 64)
			if err != nil || flags&unix.O_ACCMODE != unix.O_RDONLY {
				writers = append(writers, fmt.Sprintf("%s/%d", m.exe, m.pid))
			}
		}
	}
	return fmt.Sprintf("mode=%04o owner=%d writers=%s file=%d.%d.%d.%d.%d", stat.Mode&0o7777, stat.Uid, strings.Join(writers, ","),
		stat.Dev, stat.Ino, stat.Size, stat.Mtim.Nano(), stat.Ctim.Nano())
}
