package filesystem

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/bounded"
)

const specialWithin = 2 * time.Second

// specialFiles makes a device node and a setuid file in the pod's writable volume
// and leaves them there: the witness looks whether they are that on the node
// too, and removes them. The device is that of /dev/null, of no use to anyone.
func specialFiles(ctx *probes.Context) evidence.Observation {
	mark := ctx.Params[probes.ParamSpecialMark]
	if mark == "" {
		return probes.Absent("was not told how to name special files for the witness")
	}
	limit := ctx.Scaled(specialWithin)
	o, ended := bounded.Within(limit, func() evidence.Observation {
		return makeSpecialFiles(probes.ScratchDir, mark+"-"+ctx.Nonce+"-")
	})
	if !ended {
		return evidence.Observation{State: evidence.Failed, Detail: fmt.Sprintf("the volume did not answer within %v", limit)}
	}
	return o
}

func makeSpecialFiles(volume, prefix string) evidence.Observation {
	if _, err := os.Stat(volume); err != nil {
		return probes.Absent("the pod has no writable volume %s: %v", volume, err)
	}
	null := int(unix.Mkdev(1, 3))
	path := func(kind string) string { return filepath.Join(volume, prefix+kind) }
	tried := []string{
		"character device: " + outcome(unix.Mknod(path("chr"), unix.S_IFCHR|0o600, null)),
		"setuid file: " + outcome(makeSetuid(path("suid"))),
	}
	return probes.Seen(evidence.Values{"tried": evidence.List(tried...)})
}

// makeSetuid makes an empty file: there is nothing to run.
func makeSetuid(path string) error {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	return os.Chmod(path, 0o711|os.ModeSetuid)
}
