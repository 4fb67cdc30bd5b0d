package platform

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes/internal/kernfs"
)

const (
	// leastMapping is the size in KiB from which a mapping counts as memory of a
	// guest: smaller ones are code, data and rings.
	leastMapping = 16 << 10
	maxMappings  = 64
)

// readMemory adds the large mappings of a monitor or a file server that are not
// private and anonymous alone: files that others may map too, and, from
// proc_pid_smaps(5), memory that the process lets the node merge with others'
// (VmFlags "mg", madvise(2) MADV_MERGEABLE).
func (r *sandboxReader) readMemory(m member) {
	if m.role != roleVMM && m.role != roleVirtiofsd {
		return
	}
	smaps, err := kernfs.Read(filepath.Join(m.dir, "smaps"))
	if err != nil {
		// A kernel without smaps, or one that does not let it be read, still tells maps,
		// and not what it may merge.
		r.unflagged = append(r.unflagged, fmt.Sprintf("pid=%d", m.pid))
		if smaps, err = kernfs.Read(filepath.Join(m.dir, "maps")); err != nil {
			r.unread = append(r.unread, fmt.Sprintf("pod_uid=%s role=%s pid=%d why=%s", m.uid, m.role, m.pid, encoded("memory: "+err.Error())))
			return
		}
	}
	count := 0
	for _, mapping := range mappings(string(smaps)) {
		if mapping.kib < leastMapping || mapping.path == "" && !mapping.mergeable || strings.HasPrefix(mapping.path, "[") && !mapping.mergeable {
			continue
		}
		if count++; count > maxMappings {
			r.cut = true
			return
		}
		r.memory = append(r.memory, fmt.Sprintf("pid=%d role=%s kib=%d perms=%s mergeable=%d path=%s %s", m.pid, m.role, mapping.kib, mapping.perms,
			bit(mapping.mergeable), encoded(mapping.path), r.whoMayOpen(m, mapping.path)))
	}
}

// mapping is one line of maps, with the flags that smaps adds.
type mapping struct {
	kib         int64
	perms, path string
	mergeable   bool
}

func mappings(smaps string) []mapping {
	var all []mapping
	for line := range strings.Lines(smaps) {
		line = strings.TrimRight(line, "\n")
		if flags, ok := strings.CutPrefix(line, "VmFlags:"); ok && len(all) > 0 {
			all[len(all)-1].mergeable = strings.Contains(flags+" ", " mg ")
			continue
		}
		fields := strings.Fields(line)
		if len(fields) < 5 || len(fields[1]) != 4 {
			continue
		}
		from, to, ok := strings.Cut(fields[0], "-")
		begin, err1 := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		if !ok || err1 != nil || err2 != nil {
			continue
		}
		all = append(all, mapping{kib: int64(end-begin) >> 10, perms: fields[1], path: mappedPath(line)})
	}
	return all
}

// mappedPath is what follows the five fields of a line of maps: a path may have blanks.
func mappedPath(line string) string {
	const fields = 5
	for range fields {
		_, line, _ = strings.Cut(strings.TrimLeft(line, " "), " ")
	}
	return strings.TrimLeft(line, " ")
}

// whoMayOpen tells of a mapped file whether it still has a name, and who may open
// it by that: its mode and owner. A file without a name (memfd, or deleted, as
// QEMU's memory backends are by design) is open to holders of a descriptor alone.
func (r *sandboxReader) whoMayOpen(m member, path string) string {
	named := strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "/memfd:") && !strings.HasSuffix(path, " (deleted)")
	if !named {
		return "named=0"
	}
	var stat unix.Stat_t
	if err := unix.Stat(r.inside(m, path), &stat); err != nil {
		return "named=1 mode=unknown"
	}
	return fmt.Sprintf("named=1 mode=%04o owner=%d", stat.Mode&0o7777, stat.Uid)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// maxFiles bounds how many open files are told of one process.
const maxFiles = 256

// readDescriptors adds what a process holds open of the node: files, folders and
// devices with the flags they were opened with (fdinfo of proc_pid_fdinfo(5)),
// and the tap devices behind /dev/net/tun.
func (r *sandboxReader) readDescriptors(m member) {
	folder := filepath.Join(m.dir, "fd")
	entries, err := os.ReadDir(folder)
	if err != nil {
		r.unread = append(r.unread, fmt.Sprintf("pod_uid=%s role=%s pid=%d why=%s", m.uid, m.role, m.pid, encoded("descriptors: "+err.Error())))
		return
	}
	count := 0
	for _, entry := range entries {
		target, err := os.Readlink(filepath.Join(folder, entry.Name()))
		if err != nil || !strings.HasPrefix(target, "/") || target == "/dev/null" {
			continue
		}
		info, _ := kernfs.Read(filepath.Join(m.dir, "fdinfo", entry.Name()))
		if target == "/dev/net/tun" {
			r.taps = append(r.taps, fmt.Sprintf("pid=%d iff=%s", m.pid, word(infoField(info, "iff"))))
		}
		if count++; count > maxFiles {
			// The file server holds every file open that the guest uses.
			r.cut = r.cut || m.role != roleVirtiofsd
			return
		}
		r.files = append(r.files, fmt.Sprintf("pid=%d role=%s fd=%s flags=%s path=%s", m.pid, m.role, entry.Name(), infoField(info, "flags"), encoded(target)))
	}
}

// infoField is a field of an fdinfo file.
func infoField(info []byte, name string) string {
	for line := range strings.Lines(string(info)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
