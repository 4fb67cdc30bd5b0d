//go:build cgo

// Package management reads NVIDIA GPUs through the driver's management library
// (NVML): who they are, in what state, and who uses them.
package management

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// maxDevices and maxProcesses bound what is listed.
const (
	maxDevices   = 16
	maxProcesses = 64
)

// Probe is the probe gpu-nvml on the given library. It also tells how the next tenant
// finds a GPU set.
func Probe(library nvml.Interface) probes.Probe {
	return probes.Probe{
		ID: "gpu-nvml", Rounds: []evidence.Round{evidence.Look, evidence.Aftermath}, From: probes.AnyPod,
		Observe: func(*probes.Context) evidence.Observation { return observe(library) },
	}
}

// failure names a call that NVML refused.
func failure(library nvml.Interface, call string, code nvml.Return) error {
	return fmt.Errorf("%s: %s (%d)%s", call, library.ErrorString(code), int(code), advice(code))
}

// advice says what to do about failures that set-ups of containers cause.
func advice(code nvml.Return) string {
	switch code {
	case nvml.ERROR_DRIVER_NOT_LOADED:
		return ": the kernel that serves this container has no NVIDIA driver loaded"
	case nvml.ERROR_NO_PERMISSION:
		return ": are the device nodes /dev/nvidia* open to this container?"
	case nvml.ERROR_LIB_RM_VERSION_MISMATCH:
		return ": the libraries in the container are of another version than the kernel driver"
	case nvml.ERROR_GPU_IS_LOST:
		return ": the GPU fell off the bus; see the Xid messages of the node's kernel and reset it"
	case nvml.ERROR_RESET_REQUIRED:
		return ": reset the GPU before it is used again"
	}
	return ""
}

func observe(library nvml.Interface) evidence.Observation {
	switch code := library.Init(); code {
	case nvml.SUCCESS:
	case nvml.ERROR_LIBRARY_NOT_FOUND, nvml.ERROR_DRIVER_NOT_LOADED:
		return probes.Absent("%v", failure(library, "nvmlInit_v2", code))
	default:
		return evidence.Observation{State: evidence.Failed, Detail: failure(library, "nvmlInit_v2", code).Error()}
	}
	defer func() { _ = library.Shutdown() }()
	values, err := read(library)
	if err != nil {
		return evidence.Observation{State: evidence.Failed, Detail: err.Error()}
	}
	return probes.Seen(values)
}

// read lists the GPUs. What a GPU does not support is left out; every other
// refusal is an error.
func read(library nvml.Interface) (evidence.Values, error) {
	version, code := library.SystemGetDriverVersion()
	if code != nvml.SUCCESS {
		return nil, failure(library, "nvmlSystemGetDriverVersion", code)
	}
	count, code := library.DeviceGetCount()
	if code != nvml.SUCCESS {
		return nil, failure(library, "nvmlDeviceGetCount_v2", code)
	}
	if count > maxDevices {
		return nil, fmt.Errorf("%d GPUs are more than the %d that are looked at", count, maxDevices)
	}
	var gpus, uuids, parts, users []string
	for i := range count {
		device, code := library.DeviceGetHandleByIndex(i)
		if code != nvml.SUCCESS {
			return nil, failure(library, fmt.Sprintf("nvmlDeviceGetHandleByIndex_v2(%d)", i), code)
		}
		reading := &reader{library: library}
		gpus = append(gpus, reading.gpu(device))
		uuids = append(uuids, reading.uuid)
		if reading.divided {
			parts = append(parts, reading.parts(device)...)
		}
		users = append(users, reading.processes(device)...)
		if reading.err != nil {
			return nil, fmt.Errorf("GPU %d: %w", i, reading.err)
		}
	}
	return evidence.Values{
		"driver":    evidence.Text(version),
		"gpus":      evidence.List(gpus...),
		"uuids":     evidence.List(uuids...),
		"parts":     evidence.List(parts...),
		"processes": evidence.List(users...),
	}, nil
}

// reader collects the readings of one GPU and the first error among them.
type reader struct {
	library nvml.Interface
	fields  []string
	uuid    string
	// divided says that the GPU is in MIG mode.
	divided bool
	err     error
}

// add keeps a reading; one that the GPU does not support is left out.
func (r *reader) add(name, call string, code nvml.Return, value any) {
	if code != nvml.SUCCESS {
		r.keep(call, code)
		return
	}
	r.fields = append(r.fields, name+"="+strings.Join(strings.Fields(fmt.Sprint(value)), "_"))
}

// keep keeps the first refusal. That a GPU does not support something is none.
func (r *reader) keep(call string, code nvml.Return) {
	if r.err == nil && code != nvml.ERROR_NOT_SUPPORTED && code != nvml.ERROR_FUNCTION_NOT_FOUND {
		r.err = failure(r.library, call, code)
	}
}

func (r *reader) line() string { return strings.Join(r.fields, " ") }

func (r *reader) gpu(device nvml.Device) string {
	var code nvml.Return
	r.uuid, code = device.GetUUID()
	r.add("uuid", "nvmlDeviceGetUUID", code, r.uuid)
	name, code := device.GetName()
	r.add("name", "nvmlDeviceGetName", code, name)
	pci, code := device.GetPciInfo()
	r.add("bus", "nvmlDeviceGetPciInfo_v3", code, fmt.Sprintf("%08x:%02x:%02x.0", pci.Domain, pci.Bus, pci.Device))
	memory, code := device.GetMemoryInfo()
	r.add("memory", "nvmlDeviceGetMemoryInfo", code, memory.Total)
	r.add("memory_used", "nvmlDeviceGetMemoryInfo", code, memory.Used)
	mig, _, code := device.GetMigMode()
	r.divided = code == nvml.SUCCESS && mig == nvml.DEVICE_MIG_ENABLE
	r.add("mig", "nvmlDeviceGetMigMode", code, on(r.divided))
	ecc, _, code := device.GetEccMode()
	r.add("ecc", "nvmlDeviceGetEccMode", code, on(ecc == nvml.FEATURE_ENABLED))
	uncorrected, code := device.GetTotalEccErrors(nvml.MEMORY_ERROR_TYPE_UNCORRECTED, nvml.AGGREGATE_ECC)
	r.add("ecc_uncorrected", "nvmlDeviceGetTotalEccErrors", code, uncorrected)
	limit, code := device.GetPowerManagementLimit()
	r.add("power_limit_mw", "nvmlDeviceGetPowerManagementLimit", code, limit)
	standard, code := device.GetPowerManagementDefaultLimit()
	r.add("power_default_mw", "nvmlDeviceGetPowerManagementDefaultLimit", code, standard)
	mode, code := device.GetComputeMode()
	r.add("compute_mode", "nvmlDeviceGetComputeMode", code, int(mode))
	return r.line()
}

// processes are those that use the GPU as far as the driver tells this container.
func (r *reader) processes(device nvml.Device) []string {
	list, code := device.GetComputeRunningProcesses()
	if code != nvml.SUCCESS {
		r.keep("nvmlDeviceGetComputeRunningProcesses_v3", code)
		return nil
	}
	var lines []string
	for _, process := range list[:min(len(list), maxProcesses)] {
		lines = append(lines, fmt.Sprintf("uuid=%s pid=%d memory=%d", r.uuid, process.Pid, process.UsedGpuMemory))
	}
	return lines
}

func on(is bool) string {
	if is {
		return "on"
	}
	return "off"
}
