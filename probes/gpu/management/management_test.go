//go:build cgo

package management

import (
	"slices"
	"strings"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxa100"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/server"

	"github.com/katacert/katacert/probes/evidence"
)

// eightGPUs is a server of the mock's, which tells all that is asked.
func eightGPUs() *server.Server {
	machine := dgxa100.New()
	for _, device := range machine.Devices {
		missing(device.(*server.Device))
	}
	machine.ErrorStringFunc = nvml.ErrorString
	return machine
}

func TestServerOfEightGPUs(t *testing.T) {
	o := observe(eightGPUs())
	uuids, _ := o.Values.List("uuids")
	gpus, _ := o.Values.List("gpus")
	if o.State != evidence.Seen || len(uuids) != 8 || len(gpus) != 8 {
		t.Fatalf("observed %+v", o)
	}
	for _, want := range []string{"uuid=GPU-", "name=Mock_NVIDIA_A100-SXM4-40GB", "mig=off", "memory=", "bus=0000"} {
		if !strings.Contains(gpus[0], want) {
			t.Errorf("%s does not say %s", gpus[0], want)
		}
	}
	if strings.Contains(gpus[0], "power_limit_mw") {
		t.Errorf("%s tells what the GPU does not support", gpus[0])
	}
}

// missing lets the mock refuse, as not supported, what it does not implement.
func missing(device *server.Device) {
	device.GetEccModeFunc = func() (nvml.EnableState, nvml.EnableState, nvml.Return) {
		return nvml.FEATURE_ENABLED, nvml.FEATURE_ENABLED, nvml.SUCCESS
	}
	device.GetTotalEccErrorsFunc = func(nvml.MemoryErrorType, nvml.EccCounterType) (uint64, nvml.Return) { return 3, nvml.SUCCESS }
	device.GetPowerManagementLimitFunc = func() (uint32, nvml.Return) { return 0, nvml.ERROR_NOT_SUPPORTED }
	device.GetPowerManagementDefaultLimitFunc = func() (uint32, nvml.Return) { return 0, nvml.ERROR_NOT_SUPPORTED }
	device.GetComputeModeFunc = func() (nvml.ComputeMode, nvml.Return) { return nvml.COMPUTEMODE_DEFAULT, nvml.SUCCESS }
	device.GetComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) {
		return []nvml.ProcessInfo{{Pid: 41, UsedGpuMemory: 7}}, nvml.SUCCESS
	}
	device.GetMigModeFunc = func() (int, int, nvml.Return) { return nvml.DEVICE_MIG_DISABLE, nvml.DEVICE_MIG_DISABLE, nvml.SUCCESS }
}

// cut divides a GPU of the mock's, which has places for four parts and makes those of
// the given UUIDs.
func cut(device *server.Device, uuids ...string) {
	device.GetMigModeFunc = func() (int, int, nvml.Return) { return nvml.DEVICE_MIG_ENABLE, nvml.DEVICE_MIG_ENABLE, nvml.SUCCESS }
	device.GetMaxMigDeviceCountFunc = func() (int, nvml.Return) { return 4, nvml.SUCCESS }
	device.GetMigDeviceHandleByIndexFunc = func(i int) (nvml.Device, nvml.Return) {
		if i >= len(uuids) {
			return nil, nvml.ERROR_NOT_FOUND
		}
		return &mock.Device{
			GetUUIDFunc:              func() (string, nvml.Return) { return uuids[i], nvml.SUCCESS },
			GetNameFunc:              func() (string, nvml.Return) { return "A100 MIG 1g.5gb", nvml.SUCCESS },
			GetMemoryInfoFunc:        func() (nvml.Memory, nvml.Return) { return nvml.Memory{Total: 5 << 30}, nvml.SUCCESS },
			GetGpuInstanceIdFunc:     func() (int, nvml.Return) { return 7 + i, nvml.SUCCESS },
			GetComputeInstanceIdFunc: func() (int, nvml.Return) { return 0, nvml.SUCCESS },
		}, nvml.SUCCESS
	}
}

// Of GPUs that the hardware divides, the parts are told, and of which they are.
func TestPartsOfGPUs(t *testing.T) {
	machine := eightGPUs()
	of, empty := machine.Devices[2].(*server.Device), machine.Devices[5].(*server.Device)
	cut(of, "MIG-a", "MIG-b")
	cut(empty)
	o := observe(machine)
	parts, _ := o.Values.List("parts")
	gpus, _ := o.Values.List("gpus")
	uuids, _ := o.Values.List("uuids")
	if o.State != evidence.Seen || len(uuids) != 8 {
		t.Fatalf("observed %+v", o)
	}
	want := []string{
		"uuid=MIG-a of=" + of.UUID + " name=A100_MIG_1g.5gb memory=5368709120 gpu_instance=7 compute_instance=0",
		"uuid=MIG-b of=" + of.UUID + " name=A100_MIG_1g.5gb memory=5368709120 gpu_instance=8 compute_instance=0",
	}
	if !slices.Equal(parts, want) {
		t.Errorf("got %q, want %q", parts, want)
	}
	for _, gpu := range gpus {
		if divided := strings.Contains(gpu, of.UUID) || strings.Contains(gpu, empty.UUID); strings.Contains(gpu, "mig=on") != divided {
			t.Errorf("a GPU says %s", gpu)
		}
	}
}

// What NVML refuses of one GPU is an error that names the GPU and the call; what the GPU
// does not support is left out; and a part that is not this container's is none.
func TestRefusedReadings(t *testing.T) {
	const refused, unsupported = nvml.ERROR_UNKNOWN, nvml.ERROR_NOT_SUPPORTED
	for call, refuse := range map[string]func(*server.Device, nvml.Return){
		"nvmlDeviceGetUUID": func(d *server.Device, r nvml.Return) { d.GetUUIDFunc = func() (string, nvml.Return) { return "", r } },
		"nvmlDeviceGetName": func(d *server.Device, r nvml.Return) { d.GetNameFunc = func() (string, nvml.Return) { return "", r } },
		"nvmlDeviceGetPciInfo_v3": func(d *server.Device, r nvml.Return) {
			d.GetPciInfoFunc = func() (nvml.PciInfo, nvml.Return) { return nvml.PciInfo{}, r }
		},
		"nvmlDeviceGetMemoryInfo": func(d *server.Device, r nvml.Return) {
			d.GetMemoryInfoFunc = func() (nvml.Memory, nvml.Return) { return nvml.Memory{}, r }
		},
		"nvmlDeviceGetMigMode": func(d *server.Device, r nvml.Return) {
			d.GetMigModeFunc = func() (int, int, nvml.Return) { return 0, 0, r }
		},
		"nvmlDeviceGetEccMode": func(d *server.Device, r nvml.Return) {
			d.GetEccModeFunc = func() (nvml.EnableState, nvml.EnableState, nvml.Return) { return 0, 0, r }
		},
		"nvmlDeviceGetTotalEccErrors": func(d *server.Device, r nvml.Return) {
			d.GetTotalEccErrorsFunc = func(nvml.MemoryErrorType, nvml.EccCounterType) (uint64, nvml.Return) { return 0, r }
		},
		"nvmlDeviceGetPowerManagementLimit": func(d *server.Device, r nvml.Return) {
			d.GetPowerManagementLimitFunc = func() (uint32, nvml.Return) { return 0, r }
		},
		"nvmlDeviceGetPowerManagementDefaultLimit": func(d *server.Device, r nvml.Return) {
			d.GetPowerManagementDefaultLimitFunc = func() (uint32, nvml.Return) { return 0, r }
		},
		"nvmlDeviceGetComputeMode": func(d *server.Device, r nvml.Return) {
			d.GetComputeModeFunc = func() (nvml.ComputeMode, nvml.Return) { return 0, r }
		},
		"nvmlDeviceGetComputeRunningProcesses_v3": func(d *server.Device, r nvml.Return) {
			d.GetComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) { return nil, r }
		},
		"nvmlDeviceGetMaxMigDeviceCount": func(d *server.Device, r nvml.Return) {
			d.GetMaxMigDeviceCountFunc = func() (int, nvml.Return) { return 0, r }
		},
		"nvmlDeviceGetMigDeviceHandleByIndex(0)": func(d *server.Device, r nvml.Return) {
			d.GetMigDeviceHandleByIndexFunc = func(int) (nvml.Device, nvml.Return) { return nil, r }
		},
		"MIG device 0: nvmlDeviceGetGpuInstanceId": func(d *server.Device, r nvml.Return) {
			part(d).GetGpuInstanceIdFunc = func() (int, nvml.Return) { return 0, r }
		},
		"MIG device 0: nvmlDeviceGetComputeInstanceId": func(d *server.Device, r nvml.Return) {
			part(d).GetComputeInstanceIdFunc = func() (int, nvml.Return) { return 0, r }
		},
	} {
		for _, code := range []nvml.Return{refused, unsupported} {
			machine := eightGPUs()
			device := machine.Devices[3].(*server.Device)
			cut(device, "MIG-a")
			refuse(device, code)
			o := observe(machine)
			if code == refused && (o.State != evidence.Failed || !strings.Contains(o.Detail, "GPU 3: "+call+": ")) {
				t.Errorf("%s is refused: %s %q", call, o.State, o.Detail)
			}
			if code == unsupported && o.State != evidence.Seen {
				t.Errorf("%s is not supported: %s %q", call, o.State, o.Detail)
			}
		}
	}
	machine := eightGPUs()
	cut(machine.Devices[3].(*server.Device))
	machine.Devices[3].(*server.Device).GetMigDeviceHandleByIndexFunc = func(int) (nvml.Device, nvml.Return) { return nil, nvml.ERROR_NO_PERMISSION }
	if o := observe(machine); o.State != evidence.Seen {
		t.Errorf("the parts are another container's: %s %q", o.State, o.Detail)
	}
}

// part makes the first part of a GPU one that is always the same.
func part(device *server.Device) *mock.Device {
	handle, _ := device.GetMigDeviceHandleByIndexFunc(0)
	device.GetMaxMigDeviceCountFunc = func() (int, nvml.Return) { return 1, nvml.SUCCESS }
	device.GetMigDeviceHandleByIndexFunc = func(int) (nvml.Device, nvml.Return) { return handle, nvml.SUCCESS }
	return handle.(*mock.Device)
}

func TestRefusals(t *testing.T) {
	library := func(init, count nvml.Return) *mock.Interface {
		return &mock.Interface{
			InitFunc:                   func() nvml.Return { return init },
			ShutdownFunc:               func() nvml.Return { return nvml.SUCCESS },
			ErrorStringFunc:            nvml.ErrorString,
			SystemGetDriverVersionFunc: func() (string, nvml.Return) { return "580.1", nvml.SUCCESS },
			DeviceGetCountFunc:         func() (int, nvml.Return) { return 0, count },
		}
	}
	for _, test := range []struct {
		name    string
		library nvml.Interface
		state   evidence.State
		says    string
	}{
		{"no library", library(nvml.ERROR_LIBRARY_NOT_FOUND, nvml.SUCCESS), evidence.Absent, "nvmlInit_v2"},
		{"no driver", library(nvml.ERROR_DRIVER_NOT_LOADED, nvml.SUCCESS), evidence.Absent, "no NVIDIA driver loaded"},
		{"other version", library(nvml.ERROR_LIB_RM_VERSION_MISMATCH, nvml.SUCCESS), evidence.Failed, "another version"},
		{"no GPU", library(nvml.SUCCESS, nvml.SUCCESS), evidence.Seen, ""},
		{"no permission", library(nvml.SUCCESS, nvml.ERROR_NO_PERMISSION), evidence.Failed, "/dev/nvidia*"},
		{"lost", library(nvml.SUCCESS, nvml.ERROR_GPU_IS_LOST), evidence.Failed, "fell off the bus"},
		{"to be reset", library(nvml.SUCCESS, nvml.ERROR_RESET_REQUIRED), evidence.Failed, "reset the GPU before"},
		{"no version", withoutVersion(library(nvml.SUCCESS, nvml.SUCCESS)), evidence.Failed, "nvmlSystemGetDriverVersion"},
		{"too many", counting(library(nvml.SUCCESS, nvml.SUCCESS), maxDevices+1), evidence.Failed, "more than the 16"},
		{"no handle", counting(library(nvml.SUCCESS, nvml.SUCCESS), 1), evidence.Failed, "nvmlDeviceGetHandleByIndex_v2(0)"},
	} {
		o := observe(test.library)
		if o.State != test.state || !strings.Contains(o.Detail, test.says) {
			t.Errorf("%s: %s %q", test.name, o.State, o.Detail)
		}
	}
}

func withoutVersion(library *mock.Interface) *mock.Interface {
	library.SystemGetDriverVersionFunc = func() (string, nvml.Return) { return "", nvml.ERROR_UNKNOWN }
	return library
}

// counting says that there are so many GPUs, none of which can be had.
func counting(library *mock.Interface, n int) *mock.Interface {
	library.DeviceGetCountFunc = func() (int, nvml.Return) { return n, nvml.SUCCESS }
	library.DeviceGetHandleByIndexFunc = func(int) (nvml.Device, nvml.Return) { return nil, nvml.ERROR_INVALID_ARGUMENT }
	return library
}
