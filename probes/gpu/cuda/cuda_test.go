package cuda

import (
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// standIn compiles a driver library without a GPU and opens it.
func standIn(t *testing.T) *Device {
	t.Helper()
	library := filepath.Join(t.TempDir(), Library)
	if out, err := exec.Command("gcc", "-shared", "-fPIC", "-o", library, "testdata/libcuda.c").CombinedOutput(); err != nil {
		t.Fatalf("compile the stand-in of the driver library: %v\n%s", err, out)
	}
	driver, err := open(library)
	if err != nil {
		t.Fatal(err)
	}
	if version, err := driver.Version(); err != nil || version != 13010 {
		t.Errorf("version %d, %v", version, err)
	}
	devices, err := driver.Devices()
	if err != nil || len(devices) != 1 {
		t.Fatalf("devices %v, %v", devices, err)
	}
	return devices[0]
}

func use(t *testing.T, device *Device) *Context {
	t.Helper()
	c, err := device.Use()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestDevice(t *testing.T) {
	d := standIn(t)
	if d.Name != "Stand-in" || d.Bus != "0000:3B:00.0" || d.UUID != "GPU-00010203-0405-0607-0809-0a0b0c0d0e0f" ||
		d.Bytes != 1<<20 || d.Major != 75 || d.Minor != 76 || d.Multiprocessors != 16 || d.SharedBytes != 8 || d.ClockKHz != 13 {
		t.Errorf("device %+v", d)
	}
}

func TestMemory(t *testing.T) {
	c := use(t, standIn(t))
	if free, total, err := c.MemoryInfo(); err != nil || free != 1<<19 || total != 1<<20 {
		t.Errorf("memory %d of %d, %v", free, total, err)
	}
	a, err := c.Alloc(64)
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.Alloc(64)
	if err != nil {
		t.Fatal(err)
	}
	host, err := c.HostAlloc(64)
	if err != nil {
		t.Fatal(err)
	}
	sent := []uint32{1, 2, 3, 4}
	got := make([]uint32, 16)
	err = errors.Join(c.Fill(a, 9, 64), c.CopyIn(a, Bytes(sent)), c.CopyOutLocked(host, a), c.CopyInLocked(b, host),
		c.CopyWithin(b+32, b, 16), c.CopyOut(Bytes(got), b), c.Free(a), c.Free(b), host.Free())
	if want := []uint32{1, 2, 3, 4, 9, 9, 9, 9, 1, 2, 3, 4, 9, 9, 9, 9}; err != nil || !slices.Equal(got, want) {
		t.Errorf("memory holds %v, want %v: %v", got, want, err)
	}
	if took, err := c.Time(func() error { return nil }); err != nil || took != 1500*time.Microsecond {
		t.Errorf("took %v, %v", took, err)
	}
}

func TestErrorsNameTheCallAndTheCure(t *testing.T) {
	c := use(t, standIn(t))
	good, err := c.Load("good")
	if err != nil {
		t.Fatal(err)
	}
	if err := good.Launch("kernel", Grid{BlocksX: 2, ThreadsX: 3, ThreadsY: 4, SharedBytes: 5}, 1000, 1<<40); err != nil {
		t.Error(err)
	}
	_, allocErr := c.Alloc(2 << 20)
	var failure *Error
	if !errors.As(allocErr, &failure) || !failure.OutOfMemory() {
		t.Errorf("error %v is not known as lack of memory", allocErr)
	}
	_, jitErr := c.Load("no compiler")
	_, ptxErr := c.Load("nonsense")
	for _, test := range []struct {
		err  error
		want []string
	}{
		{allocErr, []string{"allocate 2097152 bytes", "cuMemAlloc_v2", "CUDA_ERROR_OUT_OF_MEMORY (2)", "nvidia-smi"}},
		{jitErr, []string{"CUDA_ERROR_JIT_COMPILER_NOT_FOUND (221)", "libnvidia-ptxjitcompiler.so.1"}},
		{ptxErr, []string{"unknown error (218)", "does not take this PTX", "line 3: nonsense"}},
		{good.Run("kernel", Grid{BlocksX: 2, ThreadsX: 3, ThreadsY: 4, SharedBytes: 5}, 1000, 1<<40), []string{"run kernel kernel", "CUDA_ERROR_LAUNCH_FAILED (719)", "Xid"}},
		{good.Launch("other", Grid{}), []string{"find kernel other"}},
	} {
		for _, want := range test.want {
			if test.err == nil || !strings.Contains(test.err.Error(), want) {
				t.Errorf("error %v does not say %q", test.err, want)
			}
		}
	}
	if err := good.Unload(); err != nil {
		t.Error(err)
	}
}

func TestNoLibrary(t *testing.T) {
	if _, err := open(filepath.Join(t.TempDir(), "none.so")); !errors.Is(err, ErrNoLibrary) {
		t.Errorf("error %v", err)
	}
	other := filepath.Join(t.TempDir(), "empty.so")
	if out, err := exec.Command("gcc", "-shared", "-fPIC", "-x", "c", "-o", other, "/dev/null").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := open(other); err == nil || !strings.Contains(err.Error(), "has no function cuInit") {
		t.Errorf("a library without functions: %v", err)
	}
}
