package platform

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// shimPrefix begins the name of every containerd shim's binary
// (containerd, core/runtime/v2/README.md, "Shim Architecture").
const shimPrefix = "containerd-shim-"

// maxShimBytes bounds how much of one shim's binary is hashed.
const maxShimBytes = 512 << 20

// shims lists the sandboxes that run on the node: for each running shim the pod
// it serves, by its bundle, and the digest of the very binary that runs.
func shims(*probes.Context) evidence.Observation {
	return listShims(procfs)
}

// Shims reads the shims of a tree, see Tree.
func Shims(tree Tree) evidence.Observation { return listShims(tree.Proc) }

// conmon is the program by which CRI-O watches each plain container (github.com/containers/conmon);
// a sandbox with a shim, as Kata's, has none.
const conmon = "conmon"

// isShim says whether the process runs a sandbox for the node's container runtime.
func (p process) isShim() bool {
	return (strings.HasPrefix(p.exe, shimPrefix) || p.exe == conmon) && !p.contained()
}

func listShims(root string) evidence.Observation {
	all, truncated, err := processes(root)
	if err != nil {
		return probes.Unreadable(err)
	}
	digests := digester{}
	var sandboxes []string
	for _, p := range all {
		if !p.isShim() {
			continue
		}
		annotations, digest := sandboxAnnotations(p), digests.of(p)
		if digest == "" && p.ended() {
			continue // containerd runs a shim for moments, to start and to delete
		}
		if p.exe == conmon {
			delete(annotations, annotationHandler) // told of the pod and not of its containers, and conmon runs both
		}
		line := fmt.Sprintf("pod_uid=%s sandbox=%s handler=%s shim=%s sha256=%s pid=%d",
			word(annotations[annotationSandboxUID]), word(annotations[annotationSandboxID]),
			word(annotations[annotationHandler]), p.exe, digest, p.pid)
		sandboxes = append(sandboxes, line)
	}
	values := evidence.Values{"sandboxes": evidence.List(sandboxes...)}
	if truncated {
		values["truncated"] = evidence.Number(1)
	}
	return probes.Seen(values)
}

// word keeps a value from reading as several.
func word(value string) string { return strings.Join(strings.Fields(value), "_") }

// digester hashes executables, each file once.
type digester map[fileID]string

type fileID struct{ device, inode uint64 }

// of returns the SHA-256 of the binary that the process runs, read through
// procfs so that it is the binary in memory and not one put in its place; ""
// when it cannot be read whole.
func (d digester) of(p process) string {
	file, err := os.Open(filepath.Join(p.dir, "exe"))
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }()
	var stat unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &stat); err != nil || stat.Size > maxShimBytes {
		return ""
	}
	id := fileID{stat.Dev, stat.Ino}
	if digest, known := d[id]; known {
		return digest
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return ""
	}
	d[id] = hex.EncodeToString(hash.Sum(nil))
	return d[id]
}
