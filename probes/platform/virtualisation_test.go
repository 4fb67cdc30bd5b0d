package platform

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestVirtualisation(t *testing.T) {
	root := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme svm npt\n\nprocessor\t: 1\nflags\t\t: fpu vmx\n")
	write("sys/module/kvm_amd/parameters/nested", "1\n")
	write("sys/kernel/iommu_groups/0/type", "DMA\n")
	write("sys/kernel/iommu_groups/1/type", "DMA\n")
	gpu := "sys/bus/pci/devices/0000:41:00.0"
	write(gpu+"/vendor", "0x10de\n")
	write(gpu+"/class", "0x030200\n")
	write("sys/bus/pci/devices/0000:41:00.1/vendor", "0x10de\n")
	write("sys/bus/pci/devices/0000:41:00.1/class", "0x040300\n") // its audio function
	for link, to := range map[string]string{"driver": "../../../../bus/pci/drivers/vfio-pci", "iommu_group": "../../../kernel/iommu_groups/17"} {
		if err := os.Symlink(to, filepath.Join(root, gpu, link)); err != nil {
			t.Fatal(err)
		}
	}
	o := readVirtualisation(root)
	cpu, _ := o.Values.Text("cpu")
	nested, _ := o.Values.Text("nested")
	groups, _ := o.Values.Number("iommu_groups")
	found, _ := o.Values.List("gpus")
	if cpu != "svm" || nested != "on" || groups != 2 || !slices.Equal(found, []string{"0000:41:00.0 vfio-pci 17"}) {
		t.Errorf("%+v", o)
	}
}

func TestAMachineWithoutAny(t *testing.T) {
	root := t.TempDir()
	if o := readVirtualisation(root); o.State == "seen" {
		t.Errorf("without /proc/cpuinfo: %+v", o)
	}
	if err := os.MkdirAll(root+"/proc", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root+"/proc/cpuinfo", []byte("flags\t: fpu hypervisor\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := readVirtualisation(root)
	cpu, _ := o.Values.Text("cpu")
	nested, _ := o.Values.Text("nested")
	found, ok := o.Values.List("gpus")
	if cpu != "none" || nested != "off" || !ok || len(found) > 0 {
		t.Errorf("%+v", o)
	}
}
