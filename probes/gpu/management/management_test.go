//go:build cgo

package management

import (
	"strings"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxa100"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/server"

	"github.com/katacert/katacert/probes/evidence"
)

func TestServerOfEightGPUs(t *testing.T) {
	machine := dgxa100.New()
	for _, device := range machine.Devices {
		missing(device.(*server.Device))
	}
	o := observe(machine)
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

func TestRefusals(t *testing.T) {
	library := func(init, count nvml.Return) nvml.Interface {
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
	} {
		o := observe(test.library)
		if o.State != test.state || !strings.Contains(o.Detail, test.says) {
			t.Errorf("%s: %s %q", test.name, o.State, o.Detail)
		}
	}
}
