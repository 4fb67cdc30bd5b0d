package filesystem

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/bounded"
	"github.com/katacert/katacert/probes/internal/place"
)

const (
	// maxHandleMounts bounds through how many file systems the handle is tried.
	maxHandleMounts   = 64
	openHandleWithin  = 2 * time.Second
	handleFormExample = "<type>:<hex>"
)

// openByHandle tries to open the file that the witness planted outside of the
// pod by its handle, through one mount of every file system that the pod has: with
// CAP_DAC_READ_SEARCH a single file mounted into a container is enough to read
// all others of its file system ("shocker").
func openByHandle(ctx *probes.Context) evidence.Observation {
	given := ctx.Params[probes.ParamHandle]
	if given == "" {
		return probes.Absent("was not told the handle of a planted file")
	}
	handle, err := parseHandle(given)
	if err != nil {
		return probes.Unreadable(err)
	}
	limit := ctx.Scaled(openHandleWithin)
	o, ended := bounded.Within(limit, func() evidence.Observation {
		return openThrough(handleMounts(), handle, func(content string) bool { return ctx.Find(probes.TokenHandle, content) })
	})
	if !ended {
		return evidence.Observation{State: evidence.Failed, Detail: fmt.Sprintf("a file system did not answer within %v", limit)}
	}
	return o
}

// openThrough tries the handle through each mount. Refused by all of them is a
// refusal, not supported by any of them is no interface.
func openThrough(mounts []string, handle unix.FileHandle, isToken func(string) bool) evidence.Observation {
	var (
		found                       []string
		tried, refused, unsupported int64
		known                       = map[uint64]bool{}
		first                       error
	)
	for _, mount := range mounts {
		content, device, err := readByHandle(mount, handle, known)
		if errors.Is(err, errKnownDevice) {
			continue
		}
		known[device] = true
		tried++
		switch {
		case err == nil && isToken(content):
			found = append(found, mount)
		case errors.Is(err, unix.EPERM):
			refused++
			first = cmp.Or(first, err)
		case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP):
			unsupported++
			first = cmp.Or(first, err)
		}
	}
	switch {
	case tried == 0:
		return probes.Absent("none of the pod's mounts can be opened")
	case refused == tried:
		return probes.Unreadable(first)
	case unsupported == tried:
		return probes.Absent("%v, and through every other mount", first)
	}
	return probes.Seen(evidence.Values{"found": evidence.List(found...), "mounts": evidence.Number(tried), "refused": evidence.Number(refused)})
}

// handleMounts are the mount points that lead to files; the pseudo file systems
// of the kernel hold none.
func handleMounts() []string {
	mounts := []string{"/"}
	table, _ := mountTable(ownMountinfo)
	for _, m := range table {
		if !pseudoTypes[m.FSType] && len(mounts) < maxHandleMounts {
			mounts = append(mounts, m.Mountpoint)
		}
	}
	return mounts
}

var errKnownDevice = errors.New("a mount of this file system was tried")

// readByHandle reads what may be a token through one mount, unless its file
// system is known.
func readByHandle(mount string, handle unix.FileHandle, known map[uint64]bool) (content string, device uint64, err error) {
	id, kind, err := identify(mount)
	if err != nil || kind != unix.S_IFDIR && kind != unix.S_IFREG || known[id.dev] {
		return "", 0, errKnownDevice
	}
	at, err := unix.Open(mount, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", 0, errKnownDevice
	}
	defer func() { _ = unix.Close(at) }()
	fd, err := unix.OpenByHandleAt(at, handle, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC)
	if err != nil {
		return "", id.dev, fmt.Errorf("open_by_handle_at through %s: %w", mount, err)
	}
	file := os.NewFile(uintptr(fd), mount)
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, place.TokenBytes))
	return string(data), id.dev, err
}

func parseHandle(text string) (unix.FileHandle, error) {
	kind, digits, _ := strings.Cut(text, ":")
	number, err := strconv.ParseInt(kind, 10, 32)
	if err != nil {
		return unix.FileHandle{}, fmt.Errorf("handle %.80q is not %s: %w", text, handleFormExample, err)
	}
	data, err := hex.DecodeString(digits)
	if err != nil || len(data) == 0 || len(data) > 128 { // MAX_HANDLE_SZ
		return unix.FileHandle{}, fmt.Errorf("handle %.80q is not %s of 1 to 128 bytes", text, handleFormExample)
	}
	return unix.NewFileHandle(int32(number), data), nil
}
