package platform

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

// shimPrefix begins the name of every containerd shim's binary
// (containerd, core/runtime/v2/README.md, "Shim Architecture").
const shimPrefix = "containerd-shim-"

// maxShimBytes bounds how much of one shim's binary is hashed.
const maxShimBytes = 512 << 20

// Annotations by which containerd's CRI plugin tells a shim about its sandbox.
const (
	annotationSandboxID  = "io.kubernetes.cri.sandbox-id"
	annotationSandboxUID = "io.kubernetes.cri.sandbox-uid"
	annotationHandler    = "io.containerd.cri.runtime-handler"
)

// shims lists the sandboxes that run on the node: for each running shim the pod
// it serves, by its bundle, and the digest of the very binary that runs.
func shims(*probes.Context) evidence.Observation {
	return listShims(procfs)
}

// Shims reads the shims of a tree, see Tree.
func Shims(tree Tree) evidence.Observation { return listShims(tree.Proc) }

func (p process) isShim() bool { return strings.HasPrefix(p.exe, shimPrefix) && !p.contained() }

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

// bundle is what the OCI bundle of a sandbox says of it.
type bundle struct {
	Annotations map[string]string `json:"annotations"`
	Linux       struct {
		Namespaces []struct{ Type, Path string } `json:"namespaces"`
	} `json:"linux"`
}

// netns is the path of the pod's network namespace on the node, if it is named.
func (b bundle) netns() string {
	for _, namespace := range b.Linux.Namespaces {
		if namespace.Type == "network" {
			return namespace.Path
		}
	}
	return ""
}

// sandboxAnnotations reads the annotations of the OCI bundle that a shim serves;
// the map is empty where there is none to be found.
func sandboxAnnotations(p process) map[string]string { return bundleOf(p).Annotations }

// bundleOf reads the OCI bundle that a shim serves. containerd starts a shim
// inside its bundle; one that went elsewhere still names the bundle by its
// arguments. It is empty where neither helps.
func bundleOf(p process) bundle {
	candidates := []string{filepath.Join(p.dir, "cwd/config.json")}
	if arguments, err := kernfs.Read(filepath.Join(p.dir, "cmdline")); err == nil {
		if namespace, id := argument(arguments, "-namespace"), argument(arguments, "-id"); namespace != "" && id != "" {
			// The path is of the shim's own mount namespace.
			candidates = append(candidates, filepath.Join(p.dir, "root/run/containerd/io.containerd.runtime.v2.task", namespace, id, "config.json"))
		}
	}
	for _, path := range candidates {
		data, err := kernfs.Read(path)
		if err != nil {
			continue
		}
		var config bundle
		if err := json.Unmarshal(data, &config); err == nil && config.Annotations[annotationSandboxID] != "" {
			return config
		}
	}
	return bundle{}
}

// argument returns the value of a flag ("-id", "--id", "-id=value") among
// NUL-separated arguments, if it may be part of a path.
func argument(arguments []byte, flag string) string {
	words := strings.Split(string(bytes.TrimRight(arguments, "\x00")), "\x00")
	for i, w := range words {
		name, value, joined := strings.Cut(w, "=")
		if name != flag && name != "-"+flag {
			continue
		}
		if !joined && i+1 < len(words) {
			value = words[i+1]
		}
		if value == ".." || value == "." || strings.Contains(value, "/") {
			return ""
		}
		return value
	}
	return ""
}

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
