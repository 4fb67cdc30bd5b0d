package reports_test

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/internal/sample"
)

// BenchmarkWrite writes every format of large runs. Time and memory must grow
// with the number of verdicts and no faster.
func BenchmarkWrite(b *testing.B) {
	for _, size := range []struct {
		name    string
		targets int
	}{{"100x100", 100}, {"1000x100", 1000}} {
		b.Run(size.name, func(b *testing.B) {
			r := sample.Large(size.targets, 100)
			dir := b.TempDir()
			var peak uint64
			before := processorTime(b)
			stop := watchHeap(&peak)
			b.ResetTimer()
			for b.Loop() {
				if _, err := reports.Write(dir, r); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((processorTime(b)-before).Seconds()*1e3/float64(b.N), "cpu-ms/op")
			stop()
			b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
			b.ReportMetric(float64(folderSize(b, dir))/(1<<20), "files-MiB")
		})
	}
}

// BenchmarkFormat tells the formats apart.
func BenchmarkFormat(b *testing.B) {
	r := sample.Large(1000, 100)
	for _, format := range reports.Formats() {
		b.Run(format.Name, func(b *testing.B) {
			before := processorTime(b)
			for b.Loop() {
				if err := format.Write(io.Discard, r); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((processorTime(b)-before).Seconds()*1e3/float64(b.N), "cpu-ms/op")
		})
	}
}

// processorTime is what this process has used, which other processes on a busy machine
// do not lengthen.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// watchHeap samples the size of the heap, that of the report included.
func watchHeap(peak *uint64) (stop func()) {
	runtime.GC()
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			*peak = max(*peak, m.HeapInuse)
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	return func() { close(done); <-ended }
}

func folderSize(b *testing.B, dir string) (size int64) {
	b.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		b.Fatal(err)
	}
	for _, file := range files {
		info, err := os.Stat(filepath.Join(dir, file.Name()))
		if err != nil {
			b.Fatal(err)
		}
		size += info.Size()
	}
	return size
}
