package kata

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// program is a file that Kata runs or boots, in evidence.
type program struct {
	// Role is what Kata takes it for: shim, hypervisor, jailer, virtiofsd, kernel,
	// image, initrd or firmware.
	Role string `json:"role"`
	Path string `json:"path"`
	// Real is where it lies once links were followed; names of kernels and images
	// carry their version there.
	Real string `json:"real,omitempty"`
	// Bytes is its size; Mode its permissions, in octal, and UID its owner.
	Bytes int64  `json:"bytes"`
	Mode  string `json:"mode,omitempty"`
	UID   uint32 `json:"uid"`
	// Go is set for a program that was built by the Go compiler.
	Go bool `json:"go,omitempty"`
	// SHA256 is its digest, where that was asked for.
	SHA256 string `json:"sha256,omitempty"`
	// Version is what the file itself tells, where it was hashed and tells one.
	Version string `json:"version,omitempty"`
	Problem string `json:"problem,omitempty"`
}

// roles by the key of a [hypervisor.NAME] table.
var roles = map[string]string{"path": "hypervisor", "jailer_path": "jailer", "virtio_fs_daemon": "virtiofsd",
	"kernel": "kernel", "image": "image", "initrd": "initrd", "firmware": "firmware"}

// maxPrograms bounds how many files are looked at.
const maxPrograms = 32

// programs are the files that Kata's configuration names, and the shim. One that a
// drop-in replaces by another is among them: which wins is for the judge.
func programs(t *tree, shims []string, all []statement) []program {
	var found []program
	add := func(role, path string) {
		known := func(p program) bool { return p.Role == role && p.Path == path }
		if path != "" && !slices.ContainsFunc(found, known) && len(found) < maxPrograms {
			found = append(found, look(t, role, path))
		}
	}
	for _, shim := range shims {
		add("shim", shim)
	}
	for _, s := range all {
		if !s.header && len(s.path) == 3 && s.path[0] == "hypervisor" && roles[s.path[2]] != "" {
			for _, path := range s.values {
				add(roles[s.path[2]], path)
			}
		}
	}
	return found
}

func look(t *tree, role, path string) program {
	p := program{Role: role, Path: path}
	file, stat, err := t.regular(path)
	if err != nil {
		p.Problem = err.Error()
		return p
	}
	defer func() { _ = file.Close() }()
	p.Real, p.Bytes, p.UID, p.Mode = t.real(file), stat.Size, stat.Uid, fmt.Sprintf("%04o", stat.Mode&0o7777)
	if role == "shim" {
		p.Go, err = madeByGo(file)
		if err != nil {
			p.Problem = fmt.Sprintf("read %s: %v", path, err)
		}
	}
	return p
}

// goMark begins the build information in every program of the Go compiler
// (debug/buildinfo). It is put together here, so that this program, which is
// built by it too, does not hold it twice.
var goMark = []byte("\xff Go build" + "inf:")

// madeByGo looks for Go's mark in a program, in pieces of 1 MiB.
func madeByGo(file io.Reader) (bool, error) {
	const piece = 1 << 20
	buffer := make([]byte, piece+len(goMark))
	carried := 0
	for {
		n, err := io.ReadFull(file, buffer[carried:])
		if bytes.Contains(buffer[:carried+n], goMark) {
			return true, nil
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		carried = copy(buffer, buffer[carried+n-len(goMark):carried+n])
	}
}

// shimPaths are where a handler's shim may lie: runtime_path where it is given, and
// for io.containerd.NAME.VERSION the program containerd-shim-NAME-VERSION in
// containerd's PATH (containerd, core/runtime/v2/README.md).
func shimPaths(t *tree, found runtime, path string) []string {
	if len(found.paths) > 0 {
		return found.paths
	}
	if path == "" {
		path = usualPath
	}
	var shims []string
	for _, kind := range found.types {
		parts := strings.Split(kind, ".")
		if len(parts) < 2 {
			continue
		}
		name := fmt.Sprintf("containerd-shim-%s-%s", parts[len(parts)-2], parts[len(parts)-1])
		shims = append(shims, firstOf(t, filepath.SplitList(path), name))
	}
	return shims
}

// firstOf is the first file of that name in the folders; where there is none, the
// name in the first folder, so that its absence is told.
func firstOf(t *tree, folders []string, name string) string {
	for _, folder := range folders {
		path := filepath.Join(folder, name)
		if file, _, err := t.regular(path); err == nil {
			_ = file.Close()
			return path
		}
	}
	if len(folders) == 0 {
		return name
	}
	return filepath.Join(folders[0], name)
}

// digest hashes the file of a program until the deadline, and looks on the way for
// the version that it tells.
func digest(t *tree, p *program, deadline time.Time) {
	if p.Problem != "" {
		return
	}
	file, _, err := t.regular(p.Path)
	if err != nil {
		p.Problem = err.Error()
		return
	}
	defer func() { _ = file.Close() }()
	_ = unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_SEQUENTIAL)
	sum, version := sha256.New(), newTold(p.Role)
	if err := copyUntil(io.MultiWriter(sum, version), file, deadline); err != nil {
		p.Problem = fmt.Sprintf("hash %s: %v", p.Path, err)
		return
	}
	p.SHA256, p.Version = hex.EncodeToString(sum.Sum(nil)), version.version()
}

func copyUntil(to io.Writer, file *os.File, deadline time.Time) error {
	const piece = 4 << 20
	for {
		_, err := io.CopyN(to, file, piece)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case time.Now().After(deadline):
			return fmt.Errorf("not done within its time")
		}
	}
}
