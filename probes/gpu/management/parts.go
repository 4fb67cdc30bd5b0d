//go:build cgo

package management

import (
	"fmt"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// maxParts bounds how many parts of one GPU are listed; the hardware makes up to seven
// (NVML_DEVICE_MIG's documentation: "Multi-Instance GPU", GPU instance profiles).
const maxParts = 16

// parts are those that the hardware has divided a GPU into (MIG), as far as this
// container is shown them: "uuid=MIG-… of=GPU-… name=… memory=… gpu_instance=1
// compute_instance=0". A GPU that is not divided has none.
func (r *reader) parts(device nvml.Device) []string {
	count, code := device.GetMaxMigDeviceCount()
	if code != nvml.SUCCESS {
		r.keep("nvmlDeviceGetMaxMigDeviceCount", code)
		return nil
	}
	var lines []string
	for i := range min(count, maxParts) {
		part, code := device.GetMigDeviceHandleByIndex(i)
		switch code {
		case nvml.SUCCESS:
		case nvml.ERROR_NOT_FOUND, nvml.ERROR_NO_PERMISSION: // not made, or somebody else's
			continue
		default:
			r.keep(fmt.Sprintf("nvmlDeviceGetMigDeviceHandleByIndex(%d)", i), code)
			continue
		}
		one := &reader{library: r.library}
		lines = append(lines, one.part(part, r.uuid))
		if r.err == nil && one.err != nil {
			r.err = fmt.Errorf("MIG device %d: %w", i, one.err)
		}
	}
	return lines
}

func (r *reader) part(device nvml.Device, of string) string {
	uuid, code := device.GetUUID()
	r.add("uuid", "nvmlDeviceGetUUID", code, uuid)
	r.add("of", "", nvml.SUCCESS, of)
	name, code := device.GetName()
	r.add("name", "nvmlDeviceGetName", code, name)
	memory, code := device.GetMemoryInfo()
	r.add("memory", "nvmlDeviceGetMemoryInfo", code, memory.Total)
	instance, code := device.GetGpuInstanceId()
	r.add("gpu_instance", "nvmlDeviceGetGpuInstanceId", code, instance)
	compute, code := device.GetComputeInstanceId()
	r.add("compute_instance", "nvmlDeviceGetComputeInstanceId", code, compute)
	return r.line()
}
