package vmm_test

import (
	"fmt"
	"maps"
	"path"
	"strings"
	"testing"

	"github.com/katacert/katacert/fixtures/recordings"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
	"github.com/katacert/katacert/suites/vmm"
)

// layout changes a recorded node into one with another hypervisor, or a broken one.
type layout func(tree recordings.Tree)

// without ends every process of that executable.
func without(exe string) layout {
	return func(tree recordings.Tree) {
		for _, pid := range tree.PIDs(exe) {
			maps.DeleteFunc(tree, func(name, _ string) bool { return strings.HasPrefix(name, "proc/"+pid+"/") })
		}
	}
}

// in replaces texts, given in pairs, in a file of every process of that executable.
func in(exe, file string, pairs ...string) layout {
	return func(tree recordings.Tree) {
		for _, pid := range tree.PIDs(exe) {
			name := path.Join("proc", pid, file)
			tree[name] = strings.NewReplacer(pairs...).Replace(tree[name])
		}
	}
}

// state replaces texts in the runtime's own state file.
func state(pairs ...string) layout {
	return func(tree recordings.Tree) {
		for name := range tree {
			if base := path.Base(name); base == "state.json" || base == "persist.json" {
				tree[name] = strings.NewReplacer(pairs...).Replace(tree[name])
			}
		}
	}
}

// beside adds a process of a plain container that calls itself a monitor, as a child
// of that parent.
func beside(parent, nspid string) layout {
	return func(tree recordings.Tree) {
		for _, file := range []string{"status", "cmdline", "ns", "cgroup", "threads", "links", "maps", "mountinfo", "fd"} {
			tree["proc/777/"+file] = tree["proc/412/"+file]
		}
		tree["proc/777/status"] = strings.NewReplacer("Pid:\t412", "Pid:\t777", "PPid:\t1", "PPid:\t"+parent, "NSpid:\t412", "NSpid:\t"+nspid).Replace(tree["proc/777/status"])
		tree["proc/777/links"] = "exe /usr/bin/qemu-system-x86_64\nroot /\ncwd /\n"
		tree["proc/777/cmdline"] = "qemu-system-x86_64\n-name\nsandbox-8e316c8050bffb24b44318cc2f6adc7df5162ff895f6861c3a2a41aa409df093\n"
	}
}

const (
	kataShim = "containerd-shim-kata-v2"
	qemu     = "qemu-system-x86_64"
)

// Every layout in which Kata runs a sandbox is read for what it is: each control's
// verdict, and what its reason must say.
func TestLayouts(t *testing.T) {
	type want map[string]struct {
		result judge.Result
		says   string
	}
	for _, test := range []struct {
		name    string
		of      string
		changes []layout
		want    want
	}{
		{"Dragonball is a part of the shim", recordings.RuntimeRS, []layout{without(qemu), without("virtiofsd"),
			in(kataShim, "fd", "10 socket:[116662]", "10 anon_inode:kvm-vm"), state(`"hypervisor_type": "qemu"`, `"hypervisor_type": "dragonball"`, `"shared_fs": "virtio-fs"`, `"shared_fs": "inline-virtio-fs"`)},
			want{
				"vmm-posture":       {judge.Fail, "containerd-shim-kata-v2"},
				"vmm-seccomp":       {judge.Fail, "5 of 5 threads"},
				"vmm-netns":         {judge.Fail, "in the node's network namespace"},
				"virtiofsd-posture": {judge.NotApplicable, "inline-virtio-fs"},
			}},
		{"Dragonball in the pod's network", recordings.RuntimeRS, []layout{without(qemu), without("virtiofsd"), in(kataShim, "fd", "10 socket:[116662]", "10 anon_inode:kvm-vm"),
			func(tree recordings.Tree) {
				pid := tree.PIDs(kataShim)[0]
				thread := strings.Count(tree["proc/"+pid+"/threads"], "\n")
				tree["proc/"+pid+"/threads"] += "vmm_master CapEff: 000001ffffffffff NoNewPrivs: 0 Seccomp: 0\n"
				tree[fmt.Sprintf("proc/%s/task/%d/ns", pid, thread)] = strings.ReplaceAll(tree["proc/"+pid+"/ns"], "net:[4026531840]", "net:[4026532227]")
			}},
			want{"vmm-netns": {judge.Pass, "not the node's"}, "vmm-seccomp": {judge.Fail, "6 of 6 threads"}}},
		{"a remote hypervisor has no monitor here", recordings.RuntimeRS, []layout{without(qemu), without("virtiofsd"), state(`"hypervisor_type": "qemu"`, `"hypervisor_type": "remote"`)},
			want{
				"vmm-posture":    {judge.NotApplicable, "elsewhere (hypervisor remote)"},
				"vmm-netns":      {judge.NotApplicable, "elsewhere"},
				"memory-sharing": {judge.NotApplicable, "elsewhere"},
				"debug-console":  {judge.NotApplicable, "elsewhere"},
			}},
		{"Cloud Hypervisor confined by itself", recordings.RuntimeRS, []layout{in(qemu, "threads", "Seccomp: 0", "Seccomp: 2", "NoNewPrivs: 0", "NoNewPrivs: 1"),
			in(qemu, "links", "/usr/bin/qemu-system-x86_64", "/opt/kata/bin/cloud-hypervisor")},
			want{"vmm-seccomp": {judge.Pass, "cloud-hypervisor"}, "vmm-posture": {judge.Fail, "runs as root"}}},
		{"a remote hypervisor of the Go shim", recordings.GoShim, []layout{without(qemu), without("virtiofsd"), state(`"Type":"qemu"`, `"Type":""`, `"HypervisorType":"qemu"`, `"HypervisorType":"remote"`)},
			want{"vmm-posture": {judge.NotApplicable, "elsewhere (hypervisor remote)"}, "vmm-boot-files": {judge.NotApplicable, "elsewhere"}}},
		{"Firecracker in its jail, without a shared folder", recordings.RuntimeRS, []layout{without("virtiofsd"), state(`"shared_fs": "virtio-fs"`, `"shared_fs": ""`),
			in(qemu, "threads", "Seccomp: 0", "Seccomp: 2", "NoNewPrivs: 0", "NoNewPrivs: 1", "000001ffffffffff", "0000000000000000"),
			in(qemu, "status", "Uid:\t0\t0\t0\t0", "Uid:\t123\t123\t123\t123"), in(qemu, "cmdline", "vhost-user-fs-pci", "none"),
			in(qemu, "links", "/usr/bin/qemu-system-x86_64", "/firecracker")},
			want{"vmm-seccomp": {judge.Pass, "firecracker"}, "vmm-posture": {judge.Pass, "firecracker"}, "virtiofsd-posture": {judge.NotApplicable, "has no virtiofsd"},
				"virtiofsd-arguments": {judge.NotApplicable, "has no virtiofsd"}}},
		{"one thread of four without a filter", recordings.GoShim, []layout{in(qemu, "threads", "Seccomp: 0", "Seccomp: 2"), func(tree recordings.Tree) {
			tree["proc/491/threads"] += "vnc_worker CapEff: 000001ffffffffff NoNewPrivs: 0 Seccomp: 0\n"
		}}, want{"vmm-seccomp": {judge.Fail, "1 of 5 threads without a seccomp filter (vnc_worker)"}}},
		{"a lost monitor is no sandbox without one", recordings.GoShim, []layout{without(qemu)},
			want{"vmm-posture": {judge.Error, "no process on the node that is its virtual machine monitor"}, "memory-sharing": {judge.Error, "no process"}, "vmm-boot-files": {judge.Error, "no process"}}},
		{"a lost file server of a monitor that is told of none by arguments", recordings.GoShim, []layout{without("virtiofsd"), in(qemu, "cmdline", "vhost-user-fs-pci", "none"),
			in(qemu, "links", "/usr/bin/qemu-system-x86_64", "/opt/kata/bin/cloud-hypervisor")},
			want{"virtiofsd-posture": {judge.Error, "shares files by virtio-fs, and the process"}, "virtiofsd-arguments": {judge.Error, "was not found"}}},
		{"a lost file server is no sandbox without one", recordings.GoShim, []layout{without("virtiofsd")},
			want{"virtiofsd-posture": {judge.Error, "served files by a process which was not found"}, "virtiofsd-arguments": {judge.Error, "which was not found"}}},
		{"a monitor that left its shim is found by its pid file", recordings.GoShim, []layout{in(qemu, "status", "PPid:\t465", "PPid:\t1")},
			want{"vmm-posture": {judge.Fail, "qemu-system-x86_64 (pid 491)"}}},
		{"a container that calls itself a monitor", recordings.GoShim, []layout{without(qemu), beside("412", "777\t1")},
			want{"vmm-posture": {judge.Error, "no process on the node"}}},
		{"a container that takes the pid of the monitor's record", recordings.GoShim, []layout{without(qemu), beside("412", "777\t1"), state(`"Pid":491`, `"Pid":777`)},
			want{"vmm-posture": {judge.Error, "no process on the node"}}},
		{"sandbox_cgroup_only=false in both of the kubelet's spellings", recordings.GoShim, []layout{
			in("virtiofsd", "cgroup", "/kata_overhead/", "/kubepods.slice/kubepods-poddaf37f47_ce79_4685_a823_cb373f182e54.slice/")}, want{"vmm-cgroup": {judge.Pass, "pod's cgroup"}}},
		{"the share of another sandbox", recordings.GoShim, []layout{in("virtiofsd", "cmdline", "/sandboxes/2354ba1d", "/sandboxes/ffffba1d")}, want{"virtiofsd-arguments": {judge.Fail, "not the sandbox's own folder"}}},
		{"a share that leads out again", recordings.GoShim, []layout{in("virtiofsd", "cmdline", "dc67f9/shared", "dc67f9/../../../..")}, want{"virtiofsd-arguments": {judge.Fail, "not the sandbox's own folder"}}},
		{"--sandbox=none", recordings.GoShim, []layout{in("virtiofsd", "cmdline", "--announce-submounts", "--sandbox=none")}, want{"virtiofsd-arguments": {judge.Fail, "--sandbox none"}}},
		{"--seccomp none in two words", recordings.GoShim, []layout{in("virtiofsd", "cmdline", "--announce-submounts", "--seccomp\nnone")}, want{"virtiofsd-arguments": {judge.Fail, "--seccomp none"}}},
		{"the worker works in the node's files", recordings.GoShim, []layout{in("virtiofsd", "mountinfo", "/kata-containers/shared/sandboxes/2354ba1d312cb28154892ff0c2f72d57a39ed506cfb4c5f3d3dd6a0524dc67f9/mounts", "/")},
			want{"virtiofsd-posture": {judge.Fail, "has the node's files as its root"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			tree := readTree(t, test.of)
			for _, change := range test.changes {
				change(tree)
			}
			records := lookAt(t, test.of, tree)
			for id, want := range test.want {
				c, err := catalogue.Find(vmm.Controls(), id)
				if err != nil {
					t.Fatal(err)
				}
				if v := c.Judge(judge.Gather(records)); v.Result != want.result || !strings.Contains(v.Reason, want.says) {
					t.Errorf("%s: %s (%s), want %s (%s)", id, v.Result, v.Reason, want.result, want.says)
				}
			}
		})
	}
}
