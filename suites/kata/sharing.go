package kata

import (
	"fmt"
	"strings"

	"github.com/katacert/katacert/suites/katanode"
)

// sharing are the settings by which a guest gets files, memory and devices of the
// node.
func sharing() []item {
	bindMounts := item{
		id: "kata-config-bind-mounts", title: "No path of the node is put into every sandbox",
		risk:   "Each named path of the node is mounted into the share of every guest, whoever's it is.",
		wanted: "empty", unset: "empty",
		mend: "Remove sandbox_bind_mounts from [runtime].",
		refs: []string{"NIST AC-3", "NIST SC-4", "ATT&CK T1611", "ATT&CK T1005"},
	}
	bindMounts.check, bindMounts.opens = empty(katanode.RuntimeSec, "sandbox_bind_mounts", "/etc/kubernetes")

	hooks := item{
		id: "kata-config-guest-hooks", title: "The guest runs no programs of its image around containers",
		risk:   "Every container's start and end runs what lies in that folder of the guest, as the guest's root and outside of the container.",
		wanted: `""`, unset: `""`,
		mend: "Remove guest_hook_path from the hypervisor's table, unless the image was built for it (NVIDIA's is).",
		refs: []string{"NIST CM-7", "NIST AC-6", "ATT&CK T1059"},
	}
	hooks.check, hooks.opens = blank("guest_hook_path", "/usr/share/oci/hooks")

	fileMemory := item{
		id: "kata-config-file-memory", title: "The guest's memory lies in no named file of the node",
		risk:   "Guest memory that is backed by a file of a folder can be opened by whoever may read there, and stays after the machine.",
		wanted: `""`, unset: `""; only Kata up to 3 knows it`,
		mend: "Remove file_mem_backend from the hypervisor's table.",
		refs: []string{"NIST SC-4", "NIST SC-28", "ATT&CK T1005"},
	}
	fileMemory.check, fileMemory.opens = blank("file_mem_backend", "/dev/shm")

	template := item{
		id: "kata-config-template", title: "Guests are not cloned from one template",
		risk:   "Guests of one template begin with the same memory: their address spaces are laid out alike, and pages that they share are a channel between tenants (CVE-2015-2877 is of that class).",
		wanted: "false", unset: "false",
		mend: "Remove enable_template from the table factory.",
		refs: []string{"NIST SC-4", "NIST SI-16", "CVE-2015-2877"},
	}
	template.check, template.opens = switched(katanode.Factory, "enable_template", false, false)
	template.check = unless(on("its machines run elsewhere", "remote"), template.check)

	vhostUser := item{
		id: "kata-config-vhost-user", title: "No storage daemon of the node shares a guest's memory",
		risk:   "A vhost-user daemon maps the whole memory of the guests that it serves; one that a guest takes over reads the others'.",
		wanted: "false", unset: "false",
		mend: "Remove enable_vhost_user_store from the hypervisor's table.",
		refs: []string{"NIST SC-4", "NIST CM-7", "ATT&CK T1611"},
	}
	vhostUser.check, vhostUser.opens = switched(katanode.Hypervisor, "enable_vhost_user_store", false, false)

	static := item{
		id: "kata-config-static-resources", title: "The machine is made as large as its pod from the start",
		risk:   "A machine that is made small and grows later takes processors and memory through hotplug, driven by requests of its shim, and its size is bound by limits of the node and not of the pod.",
		wanted: "true", unset: "false for the Go shim, true for runtime-rs",
		mend: "Set static_sandbox_resource_mgmt = true under [runtime] in a file of config.d, and let pods have limits.",
		refs: []string{"NIST SC-6", "NIST CM-6"},
	}
	static.check, static.opens = switched(katanode.RuntimeSec, "static_sandbox_resource_mgmt", true, false)

	return []item{sharedFileSystem(), daemonArguments(), bindMounts, hooks, fileMemory, template, cache(), vhostUser, imageDevice(), vfio(), static}
}

// sharedFileSystem asks that the node's files are served by a process of their own.
func sharedFileSystem() item {
	return item{
		id: "kata-config-shared-fs", title: "The machine monitor itself serves no files of the node",
		risk:   "With virtio-9p the monitor, as root and without a sandbox of its own, opens the node's files for the guest; links in them were followed out of the share before (CVE-2020-2026).",
		wanted: "virtio-fs or none", unset: `"virtio-fs"; "none" for NVIDIA's and confidential guests`,
		mend: `Set shared_fs = "virtio-fs", or "none" with images pulled or copied into the guest, under the hypervisor's table.`,
		refs: []string{"NIST AC-3", "NIST SC-39", "CVE-2020-2026", "ATT&CK T1611"},
		check: func(n *node) (reading, error) {
			if reason := on("it shares no files with its guests", "firecracker", "remote")(n); reason != "" {
				return reading{none: reason}, nil
			}
			kind, err := n.config.Text(katanode.Hypervisor, "shared_fs", "virtio-fs")
			r := reading{setting: n.config.Name(katanode.Hypervisor, "shared_fs"), found: said(n, katanode.Hypervisor, "shared_fs", fmt.Sprintf("%q", kind))}
			r.open = kind != "none" && !strings.Contains(kind, "virtio-fs")
			return r, err
		},
		opens: opensBy(katanode.Hypervisor, `shared_fs = "virtio-9p"`),
	}
}

// daemonArguments looks for arguments that take virtiofsd out of its confinement.
func daemonArguments() item {
	return item{
		id: "kata-config-virtiofsd-args", title: "virtiofsd is started with its sandbox and its seccomp filter",
		risk:   "virtiofsd serves the node's files to the guest as root. Without its sandbox and filter a guest that takes it over has the node's files (CVE-2026-47243, GHSA-2gv2-cffp-j227); with another folder to share it has them at once (GHSA-rr59-xxvx-96qr).",
		wanted: "nothing that opens virtiofsd", unset: `["--thread-pool-size=1", "--announce-submounts"]`,
		mend: "Take the named arguments out of virtio_fs_extra_args in the hypervisor's table.",
		refs: []string{"NIST AC-6", "NIST SC-39", "CVE-2026-47243", "ATT&CK T1611"},
		check: func(n *node) (reading, error) {
			if reason := withoutDaemon(n); reason != "" {
				return reading{none: reason}, nil
			}
			arguments, err := n.config.List(katanode.Hypervisor, "virtio_fs_extra_args")
			named := opensDaemon(arguments)
			return reading{setting: n.config.Name(katanode.Hypervisor, "virtio_fs_extra_args"), found: listed(arguments), open: len(named) > 0, why: strings.Join(named, ", ")}, err
		},
		opens: opensBy(katanode.Hypervisor, `virtio_fs_extra_args = ["--announce-submounts", "--sandbox=none"]`),
	}
}

// withoutDaemon says why a node runs no virtiofsd.
func withoutDaemon(n *node) string {
	if reason := on("it shares no files with its guests", "firecracker", "remote")(n); reason != "" {
		return reason
	}
	if reason := on("it serves its share itself", "dragonball")(n); reason != "" {
		return reason
	}
	if kind, _ := n.config.Text(katanode.Hypervisor, "shared_fs", "virtio-fs"); kind == "none" {
		return `shared_fs is "none": no virtiofsd runs`
	}
	return ""
}

// opensDaemon are the arguments of virtiofsd, with their values, that widen what
// it may do (virtiofsd's README.md, "Usage", and the older C program's -o options).
func opensDaemon(arguments []string) []string {
	var named []string
	joined := strings.Fields(strings.Join(arguments, " "))
	for at := 0; at < len(joined); at++ {
		name, value, has := strings.Cut(joined[at], "=")
		if !has && at+1 < len(joined) && !strings.HasPrefix(joined[at+1], "-") {
			value = joined[at+1]
		}
		switch name {
		case "--sandbox":
			if value != "namespace" {
				named = append(named, name+"="+value)
			}
		case "--seccomp":
			if value != "kill" {
				named = append(named, name+"="+value)
			}
		case "--shared-dir", "--modcaps", "--allow-mmap":
			named = append(named, strings.TrimSuffix(name+"="+value, "="))
		case "-o":
			value = strings.TrimPrefix(value, "=")
			for option := range strings.SplitSeq(value, ",") {
				key, set, _ := strings.Cut(option, "=")
				if key == "source" || key == "modcaps" || key == "sandbox" && set != "namespace" || key == "no_sandbox" || key == "seccomp" && set != "kill" {
					named = append(named, "-o "+option)
				}
			}
		}
	}
	return named
}

// cache asks for no stock of machines that wait.
func cache() item {
	return item{
		id: "kata-config-vm-cache", title: "No machines are kept for whoever comes next",
		risk:   "Machines of a stock are made by a daemon before it is known for whom, with its settings and not the handler's, and handed out over a socket.",
		wanted: "0", unset: "0",
		mend: "Remove vm_cache_number from [factory].",
		refs: []string{"NIST SC-4", "NIST CM-7"},
		check: func(n *node) (reading, error) {
			if n.config.Shim == katanode.RustShim {
				return reading{none: "runtime-rs keeps no stock of machines"}, nil
			}
			count, err := n.config.Number(katanode.Factory, "vm_cache_number", 0)
			return reading{setting: n.config.Name(katanode.Factory, "vm_cache_number"), found: said(n, katanode.Factory, "vm_cache_number", fmt.Sprint(count)), open: count != 0}, err
		},
		opens: opensBy(katanode.Factory, "vm_cache_number = 3"),
	}
}

// imageDevice asks how the guest's image is plugged. Cloud Hypervisor's pmem let a
// guest's root write to pages of the image that others share (CVE-2026-24834).
func imageDevice() item {
	return item{
		id: "kata-config-image-nvdimm", title: "The guest's image is plugged so that no guest can change it for others",
		risk:   "As persistent memory of Cloud Hypervisor the image could be written to by a guest's root, for that guest's agent and for every guest after it (CVE-2026-24834).",
		wanted: "a block device", unset: "a block device for Cloud Hypervisor since 3.27, persistent memory that is read-only for QEMU",
		mend: `Set disable_image_nvdimm = true (the Go shim) or vm_rootfs_driver = "virtio-blk-pci" (runtime-rs) under the hypervisor's table.`,
		refs: []string{"NIST SI-7", "NIST SC-4", "CVE-2026-24834", "CVE-2020-2025"},
		check: func(n *node) (reading, error) {
			if name := n.config.Hypervisor; name != "clh" && name != "cloud-hypervisor" {
				return reading{none: fmt.Sprintf("the hypervisor is %s: only Cloud Hypervisor's persistent memory is writable for guests", name)}, nil
			}
			if image, _ := n.config.Text(katanode.Hypervisor, "image", ""); image == "" {
				return reading{none: "the guest boots an initrd, and no image is plugged"}, nil
			}
			if n.config.Shim == katanode.RustShim {
				driver, err := n.config.Text(katanode.Hypervisor, "vm_rootfs_driver", "virtio-blk-pci")
				return reading{setting: n.config.Name(katanode.Hypervisor, "vm_rootfs_driver"), found: said(n, katanode.Hypervisor, "vm_rootfs_driver", driver), open: strings.Contains(driver, "pmem")}, err
			}
			disabled, err := n.config.Bool(katanode.Hypervisor, "disable_image_nvdimm", false)
			return reading{setting: n.config.Name(katanode.Hypervisor, "disable_image_nvdimm"), found: said(n, katanode.Hypervisor, "disable_image_nvdimm", fmt.Sprint(disabled)), open: !disabled}, err
		},
		opens: opensBy(katanode.Hypervisor, "disable_image_nvdimm = false\nvm_rootfs_driver = \"virtio-pmem\""),
	}
}

// vfio asks that a device which is handed to programs of a container stands behind
// an IOMMU of the guest.
func vfio() item {
	return item{
		id: "kata-config-vfio", title: "Devices that are handed to a container's own driver stand behind an IOMMU of the guest",
		risk:   "In mode vfio a program of the container drives the device itself; without an IOMMU in the guest it reads and writes all of the guest's memory through it.",
		wanted: "guest-kernel, or vfio with enable_iommu", unset: `"guest-kernel", enable_iommu = false`,
		mend: `Set vfio_mode = "guest-kernel" under [runtime], or enable_iommu = true under the hypervisor's table.`,
		refs: []string{"NIST SC-4", "NIST SC-39", "ATT&CK T1611"},
		check: func(n *node) (reading, error) {
			if reason := on("it plugs no devices of the node", "firecracker", "remote")(n); reason != "" {
				return reading{none: reason}, nil
			}
			mode, err := n.config.Text(katanode.RuntimeSec, "vfio_mode", "guest-kernel")
			if err != nil {
				return reading{}, err
			}
			iommu, err := n.config.Bool(katanode.Hypervisor, "enable_iommu", false)
			return reading{setting: n.config.Name(katanode.RuntimeSec, "vfio_mode"), found: fmt.Sprintf("%q with enable_iommu = %t", mode, iommu), open: mode == "vfio" && !iommu}, err
		},
		opens: func(n *node) (*node, error) {
			opened, err := n.with(katanode.RuntimeSec, `vfio_mode = "vfio"`)
			if err != nil {
				return nil, err
			}
			return opened.with(katanode.Hypervisor, "enable_iommu = false")
		},
	}
}
