package reports

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"

	"golang.org/x/sync/errgroup"
)

// Write writes the report into dir in every format and returns the paths of the
// files that are complete. Each file appears under its name only when all of it
// is on disk. When a file cannot be written the others still are, and the error
// names it.
func Write(dir string, r *Report) ([]string, error) {
	concluded := r.concluded()
	formats := Formats()
	faults := make([]error, len(formats))
	path := func(i int) string { return filepath.Join(dir, formats[i].File) }
	write := func(i int) {
		faults[i] = writeFile(path(i), func(w io.Writer) error { return formats[i].Write(w, concluded) })
	}
	// report.json comes first and alone, because the others can be made from it.
	write(0)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := 1; i < len(formats); i++ {
		group.Go(func() error { write(i); return nil })
	}
	_ = group.Wait() // faults has the errors
	if slices.ContainsFunc(faults[1:], full) {
		// Files that are written at once compete for the last room on a disk. The order
		// of the formats decides who has it.
		for i := 1; i < len(formats); i++ {
			if faults[i] == nil {
				faults[i] = os.Remove(path(i))
			}
		}
		for i := 1; i < len(formats); i++ {
			write(i)
		}
	}
	var written []string
	for i, format := range formats {
		if faults[i] == nil {
			written = append(written, path(i))
			continue
		}
		faults[i] = explain(path(i), dir, format.Name, faults[i])
	}
	return written, errors.Join(faults...)
}

// full says whether an error is that of a disk without room.
func full(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// WriteFile writes the report in one format to path, which appears only when all of
// it is on disk.
func WriteFile(path string, format Writer, r *Report) error {
	concluded := r.concluded()
	if err := writeFile(path, func(w io.Writer) error { return format.Write(w, concluded) }); err != nil {
		return fmt.Errorf("write the report as %s to %s: %w", format.Name, path, err)
	}
	return nil
}

// concluded returns a copy of the report whose outcome follows from its
// verdicts.
func (r *Report) concluded() *Report {
	c := *r
	c.Schema = Schema
	c.Verdicts = slices.Clone(r.Verdicts)
	c.Conclude()
	return &c
}

// writeFile makes a file by way of a temporary one beside it, so that a killed
// run or a full disk never leaves half a file under the final name. A device or a
// pipe is written to and stays what it is.
func writeFile(path string, write func(io.Writer) error) (err error) {
	switch info, err := os.Stat(path); {
	case err != nil: // there is none yet, or what is in the way says so below
	case info.IsDir():
		return fmt.Errorf("%s is a folder: name a file in it", path)
	case !info.Mode().IsRegular():
		return writeInto(path, write)
	default: // a link stays one
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
	}
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temp.Name()))
		}
	}()
	if err = writeThrough(temp, write); err == nil {
		err = temp.Chmod(0o644)
	}
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		return err
	}
	if err = os.Rename(temp.Name(), path); err != nil {
		return err
	}
	return syncFolder(dir)
}

// writeInto writes to what is no file and cannot be replaced by one.
func writeInto(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(writeThrough(file, write), file.Close())
}

// writeThrough writes in large pieces. An error is told once: the buffer repeats it.
func writeThrough(file *os.File, write func(io.Writer) error) error {
	buffered := bufio.NewWriterSize(file, 1<<16)
	if err := write(buffered); err != nil {
		return err
	}
	return buffered.Flush()
}

// syncFolder makes a rename in the folder last.
func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func explain(path, dir, format string, err error) error {
	again := fmt.Sprintf("then `katacert report %s --format %s` writes it again", dir, format)
	if format == "json" {
		again = "and certify again: the other formats are made from this file"
	}
	switch {
	case full(err):
		return fmt.Errorf("write report %s: %w; the files already written are kept: free some space, %s", path, err, again)
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission):
		return fmt.Errorf("write report %s: %w; make the folder and let this user write to it, %s", path, err, again)
	default:
		return fmt.Errorf("write report %s: %w; %s", path, err, again)
	}
}
