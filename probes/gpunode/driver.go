package gpunode

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes/internal/kernfs"
)

// Where the driver's files are: on the node itself, and where the GPU Operator's driver
// container shows its root (https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/gpu-driver-configuration.html).
var driverRoots = []string{"/", "/run/nvidia/driver"}

// libraryFolders are those of Debian's and Red Hat's kind, for both architectures.
var libraryFolders = []string{"usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib64"}

const (
	// maxModules bounds modules.dep; a distribution's kernel has less than 2 MiB of it.
	maxModules = 8 << 20
	// maxDriverFile bounds what is hashed; the largest kernel module has some 100 MiB.
	maxDriverFile = 512 << 20
)

// loadedDriver is the version of NVIDIA's driver that the kernel has loaded, and the
// kernel's release; both are empty where there is none.
func loadedDriver() (version, release string) {
	version = first(kernfs.Line("/sys/module/nvidia/version"))
	var name unix.Utsname
	if version == "" || unix.Uname(&name) != nil {
		return "", ""
	}
	return version, unix.ByteSliceToString(name.Release[:])
}

// driver hashes the loaded driver's kernel module and CUDA's library, "role=module
// path=/lib/modules/…/nvidia.ko bytes=… sha256=…". What the kernel has loaded may be
// another file than lies there now: the version alone is the kernel's own word.
func (f *files) driver(version, release string) []string {
	if version == "" {
		return nil
	}
	var lines []string
	add := func(role, name string) {
		switch size, sum, err := f.hash(name); {
		case err == nil:
			lines = append(lines, fmt.Sprintf("role=%s path=%s bytes=%d sha256=%s", role, word(name), size, sum))
		case !errors.Is(err, os.ErrNotExist):
			f.unread = append(f.unread, name+": "+err.Error())
		}
	}
	for _, root := range driverRoots {
		modules := path.Join(root, "lib/modules", release)
		for line := range strings.Lines(f.read(path.Join(modules, "modules.dep"), maxModules)) {
			name, _, _ := strings.Cut(line, ":")
			if base, _, _ := strings.Cut(path.Base(name), ".ko"); base == "nvidia" {
				add("module", path.Join(modules, name))
				break // a kernel loads one; what names more is no depmod's file
			}
		}
		for _, folder := range libraryFolders {
			add("library", path.Join(root, folder, "libcuda.so."+version))
		}
	}
	return lines
}

// hash gives the size and the SHA-256 of a regular file.
func (f *files) hash(name string) (size int64, sum string, err error) {
	file, err := f.open(name)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return 0, "", err
	}
	if !info.Mode().IsRegular() || info.Size() > maxDriverFile {
		return 0, "", fmt.Errorf("no regular file of at most %d bytes", maxDriverFile)
	}
	digest := sha256.New()
	size, err = io.Copy(digest, io.LimitReader(file, maxDriverFile))
	return size, hex.EncodeToString(digest.Sum(nil)), err
}
