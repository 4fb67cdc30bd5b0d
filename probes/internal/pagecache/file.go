package pagecache

import (
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
)

const (
	// evictWithin bounds the wait for the kernel to write back pages that are
	// dirty because the image has just been unpacked, and to let go of them.
	evictWithin = 2 * time.Second
	evictEvery  = 10 * time.Millisecond
)

// File is an open file whose pages carry signs.
type File struct {
	file *os.File
	size int64
}

// Open opens the file and turns read-ahead off for this descriptor, so that
// reading a page brings in that page alone. It fails when the file is too short
// for all regions.
func Open(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f := &File{file: file, size: int64(len(probes.PageRegions())) * probes.PagesInRegion * probes.PageBytes}
	info, err := file.Stat()
	if err == nil && info.Size() < f.size {
		err = fmt.Errorf("%s has %d bytes, %d are needed", path, info.Size(), f.size)
	}
	if err == nil {
		// Where the advice is not understood, too much is read and the sign does
		// not come out: that is seen.
		_ = unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_RANDOM)
		return f, nil
	}
	return nil, errors.Join(err, file.Close())
}

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

// Evict asks the kernel to let go of the file's pages until it has, or
// evictWithin is over, and returns how many of them it still holds. Dirty pages
// go only once they are written, which the advice itself sets off; fsync(2) does
// not, for overlayfs keeps it from lower layers.
func (f *File) Evict() (left int, err error) {
	deadline := time.NewTimer(evictWithin)
	defer deadline.Stop()
	again := time.NewTicker(evictEvery)
	defer again.Stop()
	for {
		if err := unix.Fadvise(int(f.file.Fd()), 0, f.size, unix.FADV_DONTNEED); err != nil {
			return 0, fmt.Errorf("ask the kernel to drop the pages of %s: %w", f.file.Name(), err)
		}
		resident, err := f.resident(0, int(f.size/probes.PageBytes))
		if err != nil {
			return 0, err
		}
		left = 0
		for _, page := range resident {
			left += int(page & 1)
		}
		if left == 0 {
			return 0, nil
		}
		select {
		case <-again.C:
		case <-deadline.C:
			return left, nil
		}
	}
}

// Warm reads one byte of each page of the sign.
func (f *File) Warm(region string, sign Sign) error {
	offset, ok := probes.PageRegion(region)
	if !ok {
		return fmt.Errorf("%s has no region %q", f.file.Name(), region)
	}
	one := make([]byte, 1)
	for page := range probes.PagesInRegion {
		if !sign.Has(page) {
			continue
		}
		if _, err := f.file.ReadAt(one, offset+int64(page)*probes.PageBytes); err != nil {
			return fmt.Errorf("read page %d of region %s: %w", page, region, err)
		}
	}
	return nil
}

// Recover reads the sign that a region carries, without changing it. That is
// mincore(2)'s work: preadv2(2) with RWF_NOWAIT tells the same, but has started
// to read in what is missing since Linux 5.10, and overlayfs does not support it.
func (f *File) Recover(region string) (Sign, error) {
	offset, ok := probes.PageRegion(region)
	if !ok {
		return 0, fmt.Errorf("%s has no region %q", f.file.Name(), region)
	}
	resident, err := f.resident(offset, probes.PagesInRegion)
	if err != nil {
		return 0, err
	}
	var sign Sign
	for page := range resident {
		sign |= Sign(resident[page]&1) << page
	}
	return sign, nil
}

// resident asks mincore(2), page by page of PageBytes, so that kernels with
// larger pages answer too: for each, the page that holds it counts.
func (f *File) resident(offset int64, pages int) ([]byte, error) {
	mapped, err := unix.Mmap(int(f.file.Fd()), 0, int(f.size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", f.file.Name(), err)
	}
	defer func() { _ = unix.Munmap(mapped) }()
	kernelPage := int64(os.Getpagesize())
	answer := make([]byte, (f.size+kernelPage-1)/kernelPage)
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&mapped[0])), uintptr(f.size), uintptr(unsafe.Pointer(&answer[0]))); errno != 0 {
		return nil, fmt.Errorf("mincore of %s: %w", f.file.Name(), errno)
	}
	resident := make([]byte, pages)
	for page := range resident {
		resident[page] = answer[(offset+int64(page)*probes.PageBytes)/kernelPage]
	}
	return resident, nil
}
