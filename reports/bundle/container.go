package bundle

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"runtime"
)

// checkContainer packs the files again and holds the archive against it, byte by
// byte: no bit between the files, in their headers or in the compression may differ.
// Another version of Go may compress otherwise; then the tar archive is compared.
// It returns what is to be noted.
func (o *opened) checkContainer(fault func(check, text string)) string {
	at, err := compare(o.file, func(w io.Writer) error { return pack(w, o.manifest.Finished, o.parts()) })
	if err == nil {
		return ""
	}
	if o.manifest.Packer.Go == runtime.Version() || !errors.Is(err, errDiffers) {
		fault(checkArchive, fmt.Sprintf("it is not packed as katacert packs these files, from byte %d on (%v)", at, err))
		return ""
	}
	if _, err := o.file.Seek(0, io.SeekStart); err == nil {
		var unzipped *gzip.Reader
		if unzipped, err = gzip.NewReader(bufio.NewReader(o.file)); err == nil {
			at, err = compareStream(unzipped, func(w io.Writer) error { return packTar(w, o.manifest.Finished, o.parts()) })
		}
		if err != nil {
			fault(checkArchive, fmt.Sprintf("it is not packed as katacert packs these files, from byte %d of the tar archive on (%v)", at, err))
			return ""
		}
	}
	return fmt.Sprintf("The archive was packed by a program of %.40s, this one is of %s and may compress otherwise: the compressed bytes were not compared, the files and all else in the archive were.", o.manifest.Packer.Go, runtime.Version())
}

// errDiffers says that two streams are not the same.
var errDiffers = errors.New("the bytes differ")

// compare holds what write writes against a file.
func compare(file io.ReadSeeker, write func(io.Writer) error) (int64, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	return compareStream(bufio.NewReaderSize(file, 1<<16), write)
}

func compareStream(r io.Reader, write func(io.Writer) error) (int64, error) {
	c := &comparer{r: r}
	if err := write(c); err != nil {
		return c.same, err
	}
	var more [1]byte
	if n, err := io.ReadFull(r, more[:]); n > 0 {
		return c.same, fmt.Errorf("%w: there is more behind its end", errDiffers)
	} else if !errors.Is(err, io.EOF) {
		return c.same, fmt.Errorf("%w: %.200s", errDiffers, err.Error())
	}
	return c.same, nil
}

// comparer takes what is written to it as what the reader must give.
type comparer struct {
	r io.Reader
	// same is how many bytes were the same, before the first that was not.
	same  int64
	reads []byte
}

// Write fails at the first difference.
func (c *comparer) Write(p []byte) (int, error) {
	if cap(c.reads) < len(p) {
		c.reads = make([]byte, len(p))
	}
	have := c.reads[:len(p)]
	n, err := io.ReadFull(c.r, have)
	if i := mismatch(have[:n], p); i < len(p) {
		c.same += int64(i)
		return i, errDiffers
	}
	c.same += int64(n)
	if err != nil && len(p) > 0 {
		return n, errDiffers
	}
	return n, nil
}

// mismatch is the first index at which have is not want.
func mismatch(have, want []byte) int {
	if bytes.Equal(have, want) {
		return len(want)
	}
	for i := range have {
		if have[i] != want[i] {
			return i
		}
	}
	return len(have)
}
