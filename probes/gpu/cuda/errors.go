package cuda

import (
	"fmt"
	"unsafe"
)

// status is a CUresult.
type status uint32

// Statuses that callers tell apart (enum CUresult).
const (
	success            status = 0
	outOfMemory        status = 2
	noDevice           status = 100
	jitCompilerMissing status = 221
)

// Error is a call of the driver that failed.
type Error struct {
	// Call is the function's name, Name the driver's own for the failure.
	Call, Name string
	// Code is the CUresult.
	Code uint32
}

// Error says which call failed, how the driver names that, and what to do.
func (e *Error) Error() string {
	message := fmt.Sprintf("%s: %s (%d)", e.Call, e.Name, e.Code)
	if advice := advices[status(e.Code)]; advice != "" {
		message += ": " + advice
	}
	return message
}

// OutOfMemory says whether the GPU had not as much memory to give.
func (e *Error) OutOfMemory() bool { return status(e.Code) == outOfMemory }

// NoDevice says that the driver is there and sees no GPU.
func (e *Error) NoDevice() bool { return status(e.Code) == noDevice }

// advices say what to do about the failures that set-ups of containers and
// sandboxes cause.
var advices = map[status]string{
	outOfMemory:        "somebody else holds the GPU's memory; see nvidia-smi on the node",
	3:                  "the driver was not initialised in this process",
	34:                 "the library is a stub for linking; bring the node's own libcuda.so.1 into the container",
	46:                 "the GPU is in exclusive mode and somebody else uses it, or it was not given back",
	noDevice:           "the driver library is here but no GPU is: was a GPU requested, and are /dev/nvidia* in the container?",
	101:                "the number names no GPU of this process",
	214:                "the GPU found an error in its memory that it cannot correct; see nvidia-smi -q and reset it",
	218:                "the driver does not take this PTX",
	jitCompilerMissing: "libnvidia-ptxjitcompiler.so.1 is not in the container: bring all of the driver's libraries (driver capability \"compute\")",
	222:                "the driver is older than the PTX; update it",
	304:                "a system call failed: is /dev/nvidia-uvm in the container, and does the sandbox serve it?",
	700:                "a kernel reached memory that it does not have",
	702:                "a kernel ran longer than the display's watchdog allows",
	719:                "a kernel ended with an error; see the Xid messages of the node's kernel",
	802:                "the system is not ready: is the fabric manager running on this NVSwitch system?",
	803:                "the libraries in the container are of another version than the node's kernel driver",
	804:                "the libraries in the container are newer than the node's driver, and this GPU does not bear that",
	999:                "the driver gives no reason; a device node that is missing (/dev/nvidia-uvm) is the usual one",
}

// check turns a status into an error.
func (d *Driver) check(call string, code status) error {
	if code == success {
		return nil
	}
	failure := &Error{Call: call, Name: "unknown error", Code: uint32(code)}
	var name *byte
	if d.api.errorName != nil && d.api.errorName(code, &name) == success && name != nil {
		failure.Name = text(unsafe.Slice(name, nameLength(name)))
	}
	return failure
}

// nameLength is the length of a text of the driver's that ends with NUL.
func nameLength(name *byte) int {
	const longest = 128 // of the driver's names; keeps a broken library from being read on and on
	for i := range longest {
		if *(*byte)(unsafe.Add(unsafe.Pointer(name), i)) == 0 {
			return i
		}
	}
	return longest
}
