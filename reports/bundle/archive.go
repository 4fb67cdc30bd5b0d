package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"time"
)

// part is one file on its way into an archive.
type part struct {
	name string
	size int64
	open func() io.Reader
}

func textPart(name string, text []byte) part {
	return part{name: name, size: int64(len(text)), open: func() io.Reader { return bytes.NewReader(text) }}
}

func filePart(name string, file io.ReaderAt, size int64) part {
	return part{name: name, size: size, open: func() io.Reader { return io.NewSectionReader(file, 0, size) }}
}

// pack writes the parts as a tar archive compressed by gzip: the same bytes for the
// same parts and time, from every program that was built by the same Go.
func pack(w io.Writer, at time.Time, parts []part) error {
	zipped := gzip.NewWriter(w)
	if err := packTar(zipped, at, parts); err != nil {
		return err
	}
	return zipped.Close()
}

// packTar writes the parts as a tar archive, and has nothing to choose: one owner,
// one mode, one time.
func packTar(w io.Writer, at time.Time, parts []part) error {
	archive := tar.NewWriter(w)
	for _, p := range parts {
		header := tar.Header{Typeflag: tar.TypeReg, Name: p.name, Size: p.size, Mode: 0o644, ModTime: at.UTC().Truncate(time.Second), Format: tar.FormatUSTAR}
		if err := archive.WriteHeader(&header); err != nil {
			return fmt.Errorf("pack %s: %w", p.name, err)
		}
		if _, err := io.Copy(archive, p.open()); err != nil {
			return fmt.Errorf("pack %s: %w", p.name, err)
		}
	}
	return archive.Close()
}
