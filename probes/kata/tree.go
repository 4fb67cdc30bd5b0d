package kata

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// tree is the node's root file system as the witness's pod shows it.
type tree struct {
	root *os.File
}

func openTree(path string) (*tree, error) {
	root, err := os.OpenFile(path, unix.O_DIRECTORY|unix.O_PATH, 0)
	if err != nil {
		return nil, fmt.Errorf("open the node's root: %w", err)
	}
	return &tree{root}, nil
}

func (t *tree) close() { _ = t.root.Close() }

// open opens a file of the node by its path there: links lead to where they lead
// on the node, and never out of its root (RESOLVE_IN_ROOT of openat2(2), Linux 5.6).
// A pipe in its place is not waited for.
func (t *tree) open(path string, flags uint64) (*os.File, error) {
	how := &unix.OpenHow{Flags: flags | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	fd, err := unix.Openat2(int(t.root.Fd()), path, how)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// regular opens a regular file for reading.
func (t *tree) regular(path string) (*os.File, unix.Stat_t, error) {
	var stat unix.Stat_t
	file, err := t.open(path, unix.O_RDONLY)
	if err != nil {
		return nil, stat, err
	}
	if err := unix.Fstat(int(file.Fd()), &stat); err != nil {
		_ = file.Close()
		return nil, stat, fmt.Errorf("stat %s: %w", path, err)
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFREG {
		_ = file.Close()
		return nil, stat, fmt.Errorf("%s is no regular file", path)
	}
	return file, stat, nil
}

// real is where an open file lies on the node once all links were followed; ""
// when the kernel does not say.
func (t *tree) real(file *os.File) string {
	at, err1 := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", file.Fd()))
	root, err2 := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", t.root.Fd()))
	if err1 != nil || err2 != nil {
		return ""
	}
	rest, below := strings.CutPrefix(at, strings.TrimSuffix(root, "/"))
	if !below || !filepath.IsAbs(rest) {
		return ""
	}
	return rest
}

// maxFileBytes bounds one configuration file; Kata's longest has 40 KiB.
const maxFileBytes = 256 << 10

// read returns the content of a configuration file and where it really lies.
func (t *tree) read(path string) (text, real string, err error) {
	file, _, err := t.regular(path)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err != nil {
		return "", "", fmt.Errorf("read %s: %w", path, err)
	}
	if len(data) > maxFileBytes {
		return "", "", fmt.Errorf("read %s: longer than %d bytes", path, maxFileBytes)
	}
	return string(data), t.real(file), nil
}

// maxEntries bounds how many entries of a folder are looked at.
const maxEntries = 256

// names lists a folder in alphabetical order; nothing when there is no such folder.
func (t *tree) names(folder string) ([]string, error) {
	dir, err := t.open(folder, unix.O_RDONLY|unix.O_DIRECTORY)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	names, err := dir.Readdirnames(maxEntries + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("list %s: %w", folder, err)
	}
	if len(names) > maxEntries {
		return nil, fmt.Errorf("list %s: more than %d entries", folder, maxEntries)
	}
	slices.Sort(names)
	return names, nil
}

// isFolder says whether a path leads to a folder; of a link, that it does not, as
// filepath.Walk takes it.
func (t *tree) isFolder(path string) bool {
	dir, err := t.open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW)
	if err != nil {
		return false
	}
	_ = dir.Close()
	return true
}

// glob lists the files that match a pattern whose last part alone may have
// wildcards, or else that one path.
func (t *tree) glob(pattern string) ([]string, error) {
	if !strings.Contains(pattern, "*") { // what containerd takes for a pattern
		return []string{pattern}, nil
	}
	folder, last := filepath.Split(pattern)
	if strings.ContainsAny(folder, "*?[") {
		return nil, fmt.Errorf("the pattern %s has wildcards in the name of a folder", pattern)
	}
	names, err := t.names(folder)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, name := range names {
		match, err := filepath.Match(last, name)
		if err != nil {
			return nil, fmt.Errorf("pattern %s: %w", pattern, err)
		}
		if match {
			paths = append(paths, filepath.Join(folder, name))
		}
	}
	return paths, nil
}
