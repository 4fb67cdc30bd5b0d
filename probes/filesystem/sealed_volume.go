package filesystem

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/bounded"
)

const sealedWithin = 2 * time.Second

// onlyPrivileged are the vantages with the privilege to mount: the guest's root,
// and the control vantage on the node's own kernel.
func onlyPrivileged(v evidence.Vantage) bool {
	return v == evidence.GuestRoot || v == evidence.Weakened("privileged")
}

// sealedVolume tries to change the file that the witness put into the volume
// which the pod may only read: as it is, by the roots of processes, and after
// mounts of its own that are not read-only. Where the runtime shares the node's
// folder writable and leaves it to the guest to mount it read-only, the guest's
// root has its way (CVE-2020-28914). The mounts are made in a namespace that ends
// with the attempt.
func sealedVolume(ctx *probes.Context) evidence.Observation {
	name := ctx.Params[probes.ParamSealedFile]
	if name == "" {
		return probes.Absent("was not told of a file in a volume of the node")
	}
	limit := ctx.Scaled(sealedWithin)
	o, ended := bounded.Within(limit, func() evidence.Observation {
		return writeSealed(probes.SealedDir, probes.ScratchDir, name, ctx.Nonce)
	})
	if !ended {
		return evidence.Observation{State: evidence.Failed, Detail: fmt.Sprintf("the volume did not answer within %v", limit)}
	}
	return o
}

func writeSealed(volume, scratch, name, nonce string) evidence.Observation {
	path := filepath.Join(volume, name)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return probes.Absent("what the pod has at %s is not the node's folder of that volume: the file that the node put there is not in it", volume)
	} else if err != nil {
		return probes.Unreadable(err)
	}
	tried := []string{
		"as it is: " + outcome(overwrite(path, nonce)),
		"by its own root: " + outcome(overwrite("/proc/self/root"+path, nonce)),
		"by the root of process 1: " + outcome(overwrite("/proc/1/root"+path, nonce)),
	}
	done := make(chan []string, 1)
	go func() { done <- writeMounted(volume, scratch, name, nonce) }()
	return probes.Seen(evidence.Values{"tried": evidence.List(append(tried, <-done...)...)})
}

// writeMounted mounts the volume anew. Its thread enters a mount namespace of its
// own and never runs anything else: it ends with the goroutine.
func writeMounted(volume, scratch, name, nonce string) []string {
	runtime.LockOSThread()
	const remounted, elsewhere = "remounted writable: ", "mounted elsewhere: "
	err := unix.Unshare(unix.CLONE_NEWNS)
	if err == nil {
		err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	}
	if err != nil {
		return []string{remounted + outcome(err), elsewhere + outcome(err)}
	}
	return []string{
		remounted + outcome(errors.Join(
			unix.Mount("", volume, "", unix.MS_REMOUNT|unix.MS_BIND, ""),
			overwrite(filepath.Join(volume, name), nonce))),
		elsewhere + outcome(writeElsewhere(volume, scratch, name, nonce)),
	}
}

func writeElsewhere(volume, scratch, name, nonce string) error {
	dir, err := os.MkdirTemp(scratch, "katacert-sealed-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(dir) }()
	if err := unix.Mount(volume, dir, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	defer func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }()
	return errors.Join(
		unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_BIND, ""),
		overwrite(filepath.Join(dir, name), nonce))
}

// overwrite writes the nonce at the beginning of a file that is there.
func overwrite(path, nonce string) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(nonce)
	return errors.Join(err, file.Sync(), file.Close())
}
