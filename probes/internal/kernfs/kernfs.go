// Package kernfs reads the small text files by which the kernel tells about
// itself (procfs, sysfs), with a bound on their size.
package kernfs

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// MaxBytes bounds one file; the largest that probes read, /proc/interrupts of a
// node with some hundred CPUs, has about 1 MiB.
const MaxBytes = 4 << 20

// Read returns the content of a kernel file. It fails when the file cannot be
// opened or read, or holds more than MaxBytes.
func Read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return ReadFile(file)
}

// ReadFile returns the rest of an open file, with the same bound.
func ReadFile(file *os.File) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(file, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("read %s: longer than %d bytes", file.Name(), MaxBytes)
	}
	return data, nil
}

// Line returns the content of a kernel file that holds one value, without the
// white space and the NUL bytes around it.
func Line(path string) (string, error) {
	data, err := Read(path)
	return strings.Trim(string(data), " \t\r\n\x00"), err
}

// Below returns a path as the root file system mounted at root shows it, for
// example /host and /etc/machine-id give /host/etc/machine-id.
func Below(root, path string) string {
	return strings.TrimRight(root, "/") + path
}
