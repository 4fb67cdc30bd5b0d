package filesystem

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/bounded"
)

const (
	// maxClimbing is up to how many levels above the volume the links lead; the
	// kubelet keeps a volume seven levels below the node's root.
	maxClimbing = 10
	// raceFor bounds the race; two threads run for as long.
	raceFor = 50 * time.Millisecond
	// linksWithin bounds everything, with what a file system may take to answer.
	linksWithin = 2 * time.Second
)

// shareLinks tries to write into a folder of the node through links that it makes
// in the pod's writable volume: absolute ones, chains of "..", and a link that
// takes the place of a folder while that is written into. What follows a link on
// the node's side of a shared folder follows it among the node's files (the
// effect of CVE-2020-2026). The witness alone can tell whether it worked: it
// reads the nonce that was written.
func shareLinks(ctx *probes.Context) evidence.Observation {
	target := ctx.Params[probes.ParamSharedFolder]
	if target == "" {
		return probes.Absent("was not told of a folder planted on the node")
	}
	limit := ctx.Scaled(linksWithin)
	o, ended := bounded.Within(limit, func() evidence.Observation { return writeThroughLinks(probes.ScratchDir, target, ctx.Nonce) })
	if !ended {
		return evidence.Observation{State: evidence.Failed, Detail: fmt.Sprintf("the volume did not answer within %v", limit)}
	}
	return o
}

func writeThroughLinks(volume, target, nonce string) (o evidence.Observation) {
	if _, err := os.Stat(volume); err != nil {
		return probes.Absent("the pod has no writable volume %s: %v", volume, err)
	}
	dir, err := os.MkdirTemp(volume, "katacert-links-")
	if err != nil {
		return probes.Unreadable(err)
	}
	defer func() {
		// The links go; what was written through them is the witness's to read.
		if err := os.RemoveAll(dir); err != nil && o.Detail == "" {
			o.Detail = "left behind: " + err.Error()
		}
	}()
	tried := []string{
		"absolute link: " + outcome(writeThroughLink(dir, "absolute", target, nonce)),
	}
	for levels := 1; levels <= maxClimbing; levels++ {
		up := strings.Repeat("../", levels) + strings.TrimPrefix(target, "/")
		tried = append(tried, fmt.Sprintf("link %02d levels up: %s", levels, outcome(writeThroughLink(dir, fmt.Sprintf("up-%02d", levels), up, nonce))))
	}
	r := race{dir: dir, target: target, nonce: nonce}
	tried = append(tried, "link in place of a folder: "+outcome(r.run()))
	return probes.Seen(evidence.Values{
		"tried": evidence.List(tried...), "swaps": evidence.Number(r.swaps), "writes": evidence.Number(r.writes),
	})
}

// outcome names what became of a way: the error number, or that something was
// written, wherever that is.
func outcome(err error) string {
	var errno unix.Errno
	switch {
	case err == nil:
		return "wrote"
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	default:
		return err.Error()
	}
}

func writeThroughLink(dir, name, to, nonce string) error {
	link := filepath.Join(dir, name)
	if err := os.Symlink(to, link); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(link, "katacert-"+nonce+"-"+name), []byte(nonce), 0o644)
}

// race writes through a name that is a folder at one moment and a link at the
// next.
type race struct {
	dir, target, nonce string
	swaps, writes      int64
}

func (r *race) run() error {
	folder, link := filepath.Join(r.dir, "folder"), filepath.Join(r.dir, "link")
	if err := errors.Join(os.Mkdir(folder, 0o755), os.Symlink(r.target, link)); err != nil {
		return err
	}
	ending := time.Now().Add(raceFor)
	swapped := make(chan error, 1)
	go func() {
		var err error
		for err == nil && time.Now().Before(ending) {
			if err = swap(folder, link); err == nil {
				r.swaps++
			}
		}
		swapped <- err
	}()
	path := filepath.Join(folder, "katacert-"+r.nonce+"-race")
	err := error(unix.ENOENT)
	for time.Now().Before(ending) {
		// O_CREAT without O_EXCL follows what the last component's folder is now.
		if writeErr := os.WriteFile(path, []byte(r.nonce), 0o644); writeErr == nil {
			r.writes, err = r.writes+1, nil
		} else if r.writes == 0 {
			err = writeErr
		}
	}
	return errors.Join(<-swapped, err)
}

// swap exchanges two names at once, and where the file system cannot do that, one
// after the other.
func swap(a, b string) error {
	err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EOPNOTSUPP) {
		return err
	}
	return errors.Join(os.Rename(a, a+"-aside"), os.Rename(b, a), os.Rename(a+"-aside", b))
}
