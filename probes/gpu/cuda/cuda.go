// Package cuda reaches the CUDA driver API by loading libcuda.so.1 at run time:
// no toolkit is needed to build, and a machine without the library gets an error
// that says so. Only what katacert's GPU probes need is bound.
//
// Source of every signature: the CUDA Driver API reference, version 12.
package cuda

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"

	"github.com/ebitengine/purego"
)

// Library is the name by which the driver's library is loaded.
const Library = "libcuda.so.1"

// ErrNoLibrary says that there is no CUDA driver library here: no NVIDIA driver,
// or a container into which nothing has brought it.
var ErrNoLibrary = errors.New("no CUDA driver library")

// Pointer is an address in a GPU's memory.
type Pointer uint64

// api are the functions of the library, bound by the names in their tags.
type api struct {
	init               func(flags uint32) status                                                                                    `cuda:"cuInit"`
	driverVersion      func(version *int32) status                                                                                  `cuda:"cuDriverGetVersion"`
	errorName          func(code status, name **byte) status                                                                        `cuda:"cuGetErrorName"`
	deviceCount        func(count *int32) status                                                                                    `cuda:"cuDeviceGetCount"`
	device             func(device *int32, ordinal int32) status                                                                    `cuda:"cuDeviceGet"`
	deviceName         func(name *byte, length int32, device int32) status                                                          `cuda:"cuDeviceGetName"`
	deviceUUID         func(uuid *[16]byte, device int32) status                                                                    `cuda:"cuDeviceGetUuid_v2"`
	deviceMemory       func(bytes *uint64, device int32) status                                                                     `cuda:"cuDeviceTotalMem_v2"`
	deviceAttribute    func(value *int32, attribute, device int32) status                                                           `cuda:"cuDeviceGetAttribute"`
	deviceBus          func(id *byte, length int32, device int32) status                                                            `cuda:"cuDeviceGetPCIBusId"`
	contextRetain      func(context *uintptr, device int32) status                                                                  `cuda:"cuDevicePrimaryCtxRetain"`
	contextRelease     func(device int32) status                                                                                    `cuda:"cuDevicePrimaryCtxRelease_v2"`
	contextSet         func(context uintptr) status                                                                                 `cuda:"cuCtxSetCurrent"`
	contextSynchronize func() status                                                                                                `cuda:"cuCtxSynchronize"`
	moduleLoad         func(m *uintptr, image *byte, n uint32, options *int32, values *uintptr) status                              `cuda:"cuModuleLoadDataEx"`
	moduleUnload       func(m uintptr) status                                                                                       `cuda:"cuModuleUnload"`
	moduleFunction     func(function *uintptr, m uintptr, name *byte) status                                                        `cuda:"cuModuleGetFunction"`
	launch             func(function uintptr, gx, gy, gz, bx, by, bz, shared uint32, stream uintptr, params, extra *uintptr) status `cuda:"cuLaunchKernel"`
	memoryInfo         func(free, total *uint64) status                                                                             `cuda:"cuMemGetInfo_v2"`
	alloc              func(p *Pointer, bytes uint64) status                                                                        `cuda:"cuMemAlloc_v2"`
	free               func(p Pointer) status                                                                                       `cuda:"cuMemFree_v2"`
	hostAlloc          func(p *uintptr, bytes uint64, flags uint32) status                                                          `cuda:"cuMemHostAlloc"`
	hostFree           func(p uintptr) status                                                                                       `cuda:"cuMemFreeHost"`
	copyIn             func(to Pointer, from *byte, bytes uint64) status                                                            `cuda:"cuMemcpyHtoD_v2"`
	copyOut            func(to *byte, from Pointer, bytes uint64) status                                                            `cuda:"cuMemcpyDtoH_v2"`
	copyInAsync        func(to Pointer, from uintptr, bytes uint64, stream uintptr) status                                          `cuda:"cuMemcpyHtoDAsync_v2"`
	copyOutAsync       func(to uintptr, from Pointer, bytes uint64, stream uintptr) status                                          `cuda:"cuMemcpyDtoHAsync_v2"`
	copyWithinAsync    func(to, from Pointer, bytes uint64, stream uintptr) status                                                  `cuda:"cuMemcpyDtoDAsync_v2"`
	setWords           func(to Pointer, word uint32, words uint64) status                                                           `cuda:"cuMemsetD32_v2"`
	eventCreate        func(event *uintptr, flags uint32) status                                                                    `cuda:"cuEventCreate"`
	eventDestroy       func(event uintptr) status                                                                                   `cuda:"cuEventDestroy_v2"`
	eventRecord        func(event, stream uintptr) status                                                                           `cuda:"cuEventRecord"`
	eventSynchronize   func(event uintptr) status                                                                                   `cuda:"cuEventSynchronize"`
	eventElapsed       func(millis *float32, start, end uintptr) status                                                             `cuda:"cuEventElapsedTime"`
}

// Driver is the CUDA driver of this process.
type Driver struct {
	api api
}

// Open loads the driver's library and initialises it. The error is ErrNoLibrary
// where there is none, and an *Error where the driver finds no GPU or is not fit.
func Open() (*Driver, error) { return open(Library) }

func open(library string) (*Driver, error) {
	handle, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoLibrary, err)
	}
	d := &Driver{}
	if err := bind(handle, &d.api); err != nil {
		return nil, err
	}
	if err := d.check("cuInit", d.api.init(0)); err != nil {
		return nil, err
	}
	return d, nil
}

// bind looks up every function of the table.
func bind(handle uintptr, table *api) error {
	value := reflect.ValueOf(table).Elem()
	for i := range value.NumField() {
		name := value.Type().Field(i).Tag.Get("cuda")
		symbol, err := purego.Dlsym(handle, name)
		if err != nil {
			return fmt.Errorf("%s has no function %s: the driver is older than CUDA 11.4 or the library is a stub: %w", Library, name, err)
		}
		// The fields are unexported, so their addresses are taken by hand.
		field := reflect.NewAt(value.Field(i).Type(), value.Field(i).Addr().UnsafePointer())
		purego.RegisterFunc(field.Interface(), symbol)
	}
	return nil
}

// Version is the newest CUDA version that the driver serves, as 1000 × major +
// 10 × minor.
func (d *Driver) Version() (int, error) {
	var version int32
	err := d.check("cuDriverGetVersion", d.api.driverVersion(&version))
	return int(version), err
}

// Device is one GPU, as the process sees it.
type Device struct {
	driver *Driver
	handle int32
	// Ordinal counts the process's GPUs from 0.
	Ordinal int
	Name    string
	// UUID is as NVML and the kubelet write it: GPU-8-4-4-4-12 hex digits.
	UUID string
	// Bus is the PCI address: domain:bus:device.function.
	Bus string
	// Bytes is the size of the memory.
	Bytes uint64
	// Major and Minor are the compute capability.
	Major, Minor int
	// Multiprocessors is how many there are, and SharedBytes how much shared
	// memory a block gets without asking for more.
	Multiprocessors, SharedBytes int
	// ClockKHz is the highest clock of the multiprocessors.
	ClockKHz int
}

// Attributes of a device (enum CUdevice_attribute).
const (
	attributeSharedPerBlock  = 8
	attributeClockRate       = 13
	attributeMultiprocessors = 16
	attributeMajor           = 75
	attributeMinor           = 76
)

// Devices lists the GPUs that the process sees; it fails where there is none.
func (d *Driver) Devices() ([]*Device, error) {
	var count int32
	if err := d.check("cuDeviceGetCount", d.api.deviceCount(&count)); err != nil {
		return nil, err
	}
	devices := make([]*Device, 0, count)
	for ordinal := range int(count) {
		device, err := d.describe(ordinal)
		if err != nil {
			return nil, fmt.Errorf("GPU %d: %w", ordinal, err)
		}
		devices = append(devices, device)
	}
	return devices, nil
}

func (d *Driver) describe(ordinal int) (*Device, error) {
	device := &Device{driver: d, Ordinal: ordinal}
	var (
		name [256]byte
		bus  [32]byte
		uuid [16]byte
	)
	if err := d.check("cuDeviceGet", d.api.device(&device.handle, int32(ordinal))); err != nil {
		return nil, err
	}
	if err := errors.Join(
		d.check("cuDeviceGetName", d.api.deviceName(&name[0], int32(len(name)), device.handle)),
		d.check("cuDeviceGetUuid_v2", d.api.deviceUUID(&uuid, device.handle)),
		d.check("cuDeviceGetPCIBusId", d.api.deviceBus(&bus[0], int32(len(bus)), device.handle)),
		d.check("cuDeviceTotalMem_v2", d.api.deviceMemory(&device.Bytes, device.handle)),
	); err != nil {
		return nil, err
	}
	device.Name, device.Bus = text(name[:]), text(bus[:])
	device.UUID = fmt.Sprintf("GPU-%x-%x-%x-%x-%x", uuid[0:4], uuid[4:6], uuid[6:8], uuid[8:10], uuid[10:16])
	for _, wanted := range []struct {
		attribute int32
		into      *int
	}{
		{attributeSharedPerBlock, &device.SharedBytes}, {attributeClockRate, &device.ClockKHz},
		{attributeMultiprocessors, &device.Multiprocessors}, {attributeMajor, &device.Major}, {attributeMinor, &device.Minor},
	} {
		var value int32
		if err := d.check("cuDeviceGetAttribute", d.api.deviceAttribute(&value, wanted.attribute, device.handle)); err != nil {
			return nil, err
		}
		*wanted.into = int(value)
	}
	return device, nil
}

// text reads a text up to its NUL.
func text(raw []byte) string {
	for i, c := range raw {
		if c == 0 {
			return string(raw[:i])
		}
	}
	return string(raw)
}

// Context is the use of one GPU by the calling goroutine, which is bound to its
// thread until Close: the driver keeps what is current by thread.
type Context struct {
	device *Device
	api    *api
}

// Use makes the GPU current for the calling goroutine.
func (dev *Device) Use() (*Context, error) {
	runtime.LockOSThread()
	var handle uintptr
	if err := dev.driver.check("cuDevicePrimaryCtxRetain", dev.driver.api.contextRetain(&handle, dev.handle)); err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	c := &Context{device: dev, api: &dev.driver.api}
	if err := dev.driver.check("cuCtxSetCurrent", c.api.contextSet(handle)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Device is the GPU in use.
func (c *Context) Device() *Device { return c.device }

// Close gives the GPU back, and with it everything that is still allocated.
func (c *Context) Close() error {
	defer runtime.UnlockOSThread()
	return c.check("cuDevicePrimaryCtxRelease_v2", c.api.contextRelease(c.device.handle))
}

// Synchronize waits until the GPU has done all it was given; an error in a
// kernel shows here.
func (c *Context) Synchronize() error {
	return c.check("cuCtxSynchronize", c.api.contextSynchronize())
}

func (c *Context) check(call string, code status) error { return c.device.driver.check(call, code) }
