package kata

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
	"github.com/katacert/katacert/suites/katanode"
)

// tenants are the settings that decide what a tenant may change by the annotations
// and the privileges of its pod.
func tenants() []item {
	return []item{enabledAnnotations(), pathAnnotations(), validPaths(), passedAnnotations(), privilegedDevices()}
}

// enabledAnnotations asks that no annotation of the hypervisor's is open.
func enabledAnnotations() item {
	i := item{
		id: "kata-config-annotations", title: "No tenant changes its machine by annotations",
		risk:   "A pod's author sets these for its own machine: parameters of the guest's kernel with which the agent opens or the defences close, or a size that neither the RuntimeClass's overhead nor the pod's limits know.",
		wanted: "empty", unset: `["enable_iommu", "kernel_params", "kernel_verity_params"], and for runtime-rs "default_vcpus" and "default_memory"`, expected: judge.Fail,
		mend: "Set enable_annotations = [] under the hypervisor's table in a file of config.d, or forbid annotations io.katacontainers.config.* to tenants by admission.",
		refs: []string{"NIST AC-3", "NIST AC-6", "NIST CM-7", "CVE-2020-27151", "ATT&CK T1611", "ATT&CK T1562"},
	}
	i.check, i.opens = empty(katanode.Hypervisor, "enable_annotations", ".*")
	i.check = func(n *node) (reading, error) {
		open, err := n.config.List(katanode.Hypervisor, "enable_annotations")
		r := reading{setting: n.config.Name(katanode.Hypervisor, "enable_annotations"), found: listed(open), open: len(open) > 0}
		if wider := widerThanNames(open); len(wider) > 0 {
			r.why = "they are regular expressions that match anywhere in a name, and so open " + strings.Join(wider, ", ") + " too"
		}
		return r, err
	}
	return i
}

// nodeAnnotations are annotations of the hypervisor's that name something on the node, or
// what is run there.
var nodeAnnotations = []string{"path", "jailer_path", "ctlpath", "virtio_fs_daemon", "virtio_fs_extra_args", "kernel", "image", "initrd", "firmware", "firmware_volume",
	"file_mem_backend", "pflashes", "vhost_user_store_path", "entropy_source", "guest_hook_path"}

// matched are the names that any of the patterns opens: Kata matches them anywhere
// in a name.
func matched(patterns, names []string) []string {
	var open []string
	for _, name := range names {
		if slices.ContainsFunc(patterns, func(pattern string) bool {
			expression, err := regexp.Compile(pattern)
			return err == nil && expression.MatchString(name)
		}) {
			open = append(open, name)
		}
	}
	return open
}

// widerThanNames are annotations that patterns open besides those that they name.
func widerThanNames(patterns []string) []string {
	return slices.DeleteFunc(matched(patterns, nodeAnnotations), func(name string) bool { return slices.Contains(patterns, name) })
}

// pathAnnotations asks that no tenant names what is run or opened on the node. It is
// of level isolation: the program is run as the node's root.
func pathAnnotations() item {
	return item{
		id: "kata-config-path-annotations", title: "No tenant names a program or a file of the node by annotations",
		risk:   "A tenant's pod chooses what the shim runs or opens on the node, as root and outside of every sandbox (CVE-2020-27151 and GHSA-rr59-xxvx-96qr are of that class).",
		wanted: "none", unset: "none", level: catalogue.Isolation,
		mend: "Set enable_annotations = [] under the hypervisor's table in a file of config.d; names that stand there are regular expressions which match anywhere, so write ^default_vcpus$ for the one.",
		refs: []string{"NIST AC-3", "NIST AC-6", "CVE-2020-27151", "ATT&CK T1611", "ATT&CK T1610"},
		check: func(n *node) (reading, error) {
			if reason := on("it runs and opens nothing of this node", "remote")(n); reason != "" {
				return reading{none: reason}, nil
			}
			patterns, err := n.config.List(katanode.Hypervisor, "enable_annotations")
			open := matched(patterns, nodeAnnotations)
			r := reading{setting: "annotations that name something of the node", found: "none", open: len(open) > 0}
			if r.open {
				r.found, r.why = strings.Join(open, ", "), "opened by "+listed(patterns)
			}
			return r, err
		},
		opens: opensBy(katanode.Hypervisor, `enable_annotations = ["path"]`),
	}
}

// validLists bound what annotations may name.
var validLists = []string{"valid_hypervisor_paths", "valid_jailer_paths", "valid_ctlpaths", "valid_virtio_fs_daemon_paths", "valid_vhost_user_store_paths",
	"valid_file_mem_backends", "valid_entropy_sources"}

// validPaths asks that the lists name single files.
func validPaths() item {
	return item{
		id: "kata-config-valid-paths", title: "What annotations may name is listed file by file",
		risk:   "A pattern that matches a folder of the node lets every file that somebody gets there be run or opened by the shim, once an annotation is open.",
		wanted: "no wildcards", unset: "the installed program alone",
		mend: "Name the installed programs in the lists valid_* of the hypervisor's table, without *, ? and [.",
		refs: []string{"NIST AC-3", "NIST CM-7", "CVE-2020-27151"},
		check: func(n *node) (reading, error) {
			var wide []string
			for _, key := range validLists {
				paths, err := n.config.List(katanode.Hypervisor, key)
				if err != nil {
					return reading{}, err
				}
				for _, path := range paths {
					if strings.ContainsAny(path, "*?[") {
						wide = append(wide, fmt.Sprintf("%s: %q", key, path))
					}
				}
			}
			r := reading{setting: n.config.Header(katanode.Hypervisor) + " valid_*", found: "no wildcards", open: len(wide) > 0}
			if r.open {
				r.found = strings.Join(wide, ", ")
			}
			return r, nil
		},
		opens: opensBy(katanode.Hypervisor, `valid_hypervisor_paths = ["/usr/bin/*"]`),
	}
}

// passedAnnotations asks that the container runtime passes on no more annotations than
// Kata's own, and none of Kata's from single containers.
func passedAnnotations() item {
	return item{
		id: "kata-config-passed-annotations", title: "The container runtime passes no more annotations to the shim than Kata's own",
		risk:   "Annotations that a tenant writes reach the shim unfiltered; those of io.katacontainers.config.runtime and .agent it obeys whatever enable_annotations says.",
		wanted: "io.katacontainers.* of pods at most", unset: `pod_annotations = ["io.katacontainers.*"] of containerd; CRI-O passes every annotation on`,
		mend: "In containerd's drop-in narrow pod_annotations of the handler to what is needed, and take io.katacontainers out of container_annotations. CRI-O has no such setting: refuse annotations of io.katacontainers to tenants on admission.",
		refs: []string{"NIST AC-3", "NIST CM-7", "ATT&CK T1610"},
		check: func(n *node) (reading, error) {
			r := reading{files: n.runtime.Files, setting: "pod_annotations and container_annotations of the handler", found: listed(n.runtime.PodAnnotations) + " and " + listed(n.runtime.ContainerAnnotations)}
			if n.runtime.Engine == katanode.CRIO {
				r.setting, r.found = "annotations that CRI-O passes on", "every one of the pod"
			}
			var wide []string
			for _, pattern := range n.runtime.PodAnnotations {
				if !strings.HasPrefix(pattern, "io.katacontainers.") && strings.ContainsAny(pattern, "*?[") {
					wide = append(wide, pattern)
				}
			}
			for _, pattern := range n.runtime.ContainerAnnotations {
				if strings.HasPrefix(pattern, "io.katacontainers.") || strings.HasPrefix(pattern, "*") || strings.HasPrefix(pattern, "io.*") {
					wide = append(wide, pattern)
				}
			}
			r.open, r.why = len(wide) > 0, strings.Join(wide, ", ")
			return r, nil
		},
		opens: func(n *node) (*node, error) {
			opened := *n
			opened.runtime.PodAnnotations = []string{"*"}
			return &opened, nil
		},
	}
}

// privilegedDevices asks that a privileged pod is not handed the node's devices.
func privilegedDevices() item {
	return item{
		id: "kata-config-privileged-devices", title: "A privileged pod is not handed the node's devices",
		risk:   "The container runtime then gives every device of the node to a privileged container, and Kata plugs the block devices among them into the guest: its root reads and writes the node's disks.",
		wanted: "true", unset: "true, as kata-deploy writes it",
		mend: "Set privileged_without_host_devices = true for the handler in containerd's or CRI-O's drop-in.",
		refs: []string{"NIST AC-6", "NIST CM-7", "CIS 5.2.2", "ATT&CK T1611"},
		check: func(n *node) (reading, error) {
			return reading{files: n.runtime.Files, setting: "privileged_without_host_devices of the handler", found: fmt.Sprint(n.runtime.HostDevicesWithheld), open: !n.runtime.HostDevicesWithheld}, nil
		},
		opens: func(n *node) (*node, error) {
			opened := *n
			opened.runtime.HostDevicesWithheld = false
			return &opened, nil
		},
	}
}
