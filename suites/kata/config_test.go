package kata

import (
	"strings"
	"testing"

	"github.com/katacert/katacert/fixtures/recordings"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

// Every layout is read by the real probe, and no control is left without a verdict
// that was earned.
func TestEveryLayoutIsRead(t *testing.T) {
	for _, layout := range recordings.Layouts() {
		t.Run(layout.Name, func(t *testing.T) {
			node, handler := laidOut(t, layout.Name)
			for id, v := range judged(recorded(t, node, handler)) {
				if v.Result == judge.Error || v.Result == judge.Invalid || v.Result == judge.Pass && !v.Shown {
					t.Errorf("%s: %s, shown %t (%s)", id, v.Result, v.Shown, v.Reason)
				}
				packaged := layout.Name == "kata-3.2-stratovirt" || layout.Name == "kata-3.21-openshift"
				if packaged && strings.HasPrefix(id, "kata-advisory-") && v.Result != judge.NotApplicable {
					t.Errorf("%s of a distribution's package: %s (%s)", id, v.Result, v.Reason)
				}
			}
		})
	}
}

// What each layout makes of a setting that differs between them.
func TestWhatLayoutsSay(t *testing.T) {
	for _, test := range []struct {
		layout, control string
		want            judge.Result
		says            string
	}{
		{"kata-4.1-qemu-go", "kata-config-vmm-seccomp", judge.Fail, "[hypervisor.qemu] seccompsandbox"},
		{"kata-4.1-qemu-rs", "kata-config-vmm-seccomp", judge.Fail, "[hypervisor.qemu] seccomp_sandbox"},
		{"kata-4.1-clh-go", "kata-config-vmm-seccomp", judge.Pass, "[hypervisor.clh] disable_seccomp"},
		{"kata-4.1-clh-go", "kata-config-privileged-devices", judge.Pass, "/var/lib/rancher/k3s/agent/etc/containerd/config-v3.toml.d/20-kata.toml"},
		{"kata-4.1-qemu-rs", "kata-config-template", judge.Pass, "[hypervisor.qemu.factory] enable_template: false"},
		{"kata-4.1-qemu-rs", "kata-config-vm-cache", judge.NotApplicable, "runtime-rs"},
		{"kata-4.1-dragonball", "kata-config-netns", judge.Pass, "runtime-rs/configuration.toml"},
		{"kata-4.1-dragonball", "kata-config-rootless", judge.NotApplicable, "inside the shim"},
		{"kata-4.1-dragonball", "kata-config-virtiofsd-args", judge.NotApplicable, "serves its share itself"},
		{"kata-4.1-firecracker", "kata-config-shared-fs", judge.NotApplicable, "shares no files"},
		{"kata-4.1-remote", "kata-config-netns", judge.NotApplicable, "run elsewhere"},
		{"kata-4.1-remote", "guest-image-immutable", judge.NotApplicable, "boot elsewhere"},
		{"kata-3.30-qemu", "kata-config-path-annotations", judge.Fail, "virtio_fs_extra_args"},
		{"kata-3.2-stratovirt", "kata-config-netns", judge.Pass, "config.d/20-netns.toml"},
		{"kata-3.30-qemu-rs", "kata-advisory-2026-47243", judge.Fail, "3.30.0"},
		{"kata-3.30-qemu-rs", "kata-config-path-annotations", judge.Fail, "virtio_fs_extra_args"},
		{"kata-4.1-openvmm", "kata-config-vmm-seccomp", judge.NotApplicable, "no setting of seccomp"},
		{"kata-4.1-openvmm", "kata-config-rootless", judge.NotApplicable, "reads no setting for it"},
		{"kata-4.1-firecracker", "kata-config-rootless", judge.NotApplicable, "with or without its jailer"},
		{"kata-3.2-stratovirt", "kata-config-vmm-seccomp", judge.Fail, "-disable-seccomp = off"},
		{"kata-3.2-stratovirt", "kata-config-rootless", judge.NotApplicable, "reads no setting for it"},
		{"kata-4.1-openvmm", "kata-advisory-dragonball-memory", judge.NotApplicable, "hypervisor is openvmm"},
		{"kata-4.1-qemu-crio", "kata-config-passed-annotations", judge.Fail, "admission"},
		{"kata-4.1-qemu-crio", "kata-config-privileged-devices", judge.Pass, "/etc/crio/crio.conf.d/99-kata-deploy"},
		{"kata-3.21-openshift", "kata-config-vmm-seccomp", judge.Fail, "[hypervisor.qemu] seccompsandbox"},
		{"kata-3.21-openshift", "kata-config-netns", judge.Pass, "/usr/share/kata-containers/defaults/configuration.toml"},
		{"kata-3.21-openshift", "guest-image-immutable", judge.Pass, "none of the 2 files"},
		{"kata-3.21-openshift", "kata-advisory-virtiofsd-args", judge.NotApplicable, "distributor's advisories of CVE-2026-44210"},
	} {
		node, handler := laidOut(t, test.layout)
		v := judged(recorded(t, node, handler))[test.control]
		if v.Result != test.want || !strings.Contains(v.Reason, test.says) {
			t.Errorf("%s of %s: %s (%s), want %s because %q", test.control, test.layout, v.Result, v.Reason, test.want, test.says)
		}
	}
}

// A setting under the name by which only the other shim reads it is not on.
func TestSettingOfTheOtherShim(t *testing.T) {
	node, handler := laidOut(t, "kata-4.1-qemu-rs")
	node = node.With(recordings.DropInsRS+"50.toml", "[hypervisor.qemu]\nseccompsandbox = \"on,obsolete=deny\"\n")
	v := judged(recorded(t, node, handler))["kata-config-vmm-seccomp"]
	if v.Result != judge.Fail || !strings.Contains(v.Reason, "only the Go shim reads; runtime-rs runs the subject") {
		t.Errorf("%s (%s)", v.Result, v.Reason)
	}
}

// A configuration that leaves out how the image is plugged: runtime-rs takes a block device.
func TestImageOfCloudHypervisorByDefault(t *testing.T) {
	node, handler := laidOut(t, "kata-4.1-clh-rs")
	left := false
	for path, text := range node {
		if without := strings.ReplaceAll(text, "vm_rootfs_driver = \"virtio-blk-pci\"\n", ""); without != text {
			node[path], left = without, true
		}
	}
	v := judged(recorded(t, node, handler))["kata-config-image-nvdimm"]
	if !left || v.Result != judge.Pass || !strings.Contains(v.Reason, "which no file sets") {
		t.Errorf("left out: %t, %s (%s)", left, v.Result, v.Reason)
	}
}

// Kata's own archive without its VERSION is an error: nothing says that another than
// Kata's project takes care of it.
func TestArchiveWithoutVersion(t *testing.T) {
	node, handler := laidOut(t, "kata-4.1-qemu-go")
	delete(node, "opt/kata/VERSION")
	v := judged(recorded(t, node, handler))["kata-advisory-annotations"]
	if v.Result != judge.Error || !strings.Contains(v.Reason, "the version of Kata is not known") {
		t.Errorf("%s (%s)", v.Result, v.Reason)
	}
}

// What could not be read is an error, and says what.
func TestUnreadable(t *testing.T) {
	for name, test := range map[string]struct {
		change func(recordings.Node) recordings.Node
		says   string
	}{
		"a configuration that is not there": {func(n recordings.Node) recordings.Node {
			return n.With("etc/containerd/conf.d/zz.toml", "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.kata-qemu.options]\nConfigPath = '/nowhere.toml'\n")
		}, "/nowhere.toml could not be read"},
		"a drop-in that is no TOML": {func(n recordings.Node) recordings.Node {
			return n.With("opt/kata/share/defaults/kata-containers/runtimes/qemu/config.d/1", "[runtime\n")
		}, "config.d/1 could not be read: line 1"},
		"a handler of another runtime": {func(n recordings.Node) recordings.Node {
			return n.With("etc/containerd/conf.d/zz.toml", "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.kata-qemu]\nruntime_type = 'io.containerd.runc.v2'\nruntime_path = ''\n")
		}, "containerd's configuration has io.containerd.runc.v2"},
		"no handler": {func(n recordings.Node) recordings.Node {
			return n.With("etc/containerd/conf.d/kata-deploy.toml", "")
		}, "knows the handler \"kata-qemu\""},
	} {
		t.Run(name, func(t *testing.T) {
			node, handler := laidOut(t, "kata-4.1-qemu-go")
			for id, v := range judged(recorded(t, test.change(node), handler)) {
				if v.Result != judge.Error || !strings.Contains(v.Reason, test.says) {
					t.Errorf("%s: %s (%s), want an error because %q", id, v.Result, v.Reason, test.says)
				}
			}
		})
	}
}

// Every pass stands on all of its evidence.
func TestNoPassWithoutItsEvidence(t *testing.T) {
	node, handler := laidOut(t, recordings.Hardened)
	build := func() *scene.Scene {
		s := scene.New()
		for _, r := range recorded(t, node, handler) {
			for _, o := range r.Observations {
				s.Put(r.Vantage, r.Round, o)
			}
		}
		return s
	}
	whole := build()
	for _, c := range onNode() {
		before := c.Judge(whole.Evidence())
		if before.Result != judge.Pass {
			continue
		}
		for _, basis := range before.Rests {
			for name, spoil := range map[string]func(*scene.Scene){
				"dropped":    func(s *scene.Scene) { s.Drop(basis.Vantage, basis.Round) },
				"untrusted":  func(s *scene.Scene) { s.Break(basis.Vantage, basis.Round, "the nonce does not match") },
				"not run":    func(s *scene.Scene) { s.Forget(basis.Vantage, basis.Round, basis.Probe) },
				"not there":  func(s *scene.Scene) { s.Got(basis.Vantage, basis.Round, basis.Probe, evidence.Absent, "") },
				"unreadable": func(s *scene.Scene) { s.Saw(basis.Vantage, basis.Round, basis.Probe, evidence.Values{}) },
			} {
				s := scene.New()
				for _, r := range whole.Records() {
					for _, o := range r.Observations {
						s.Put(r.Vantage, r.Round, o)
					}
				}
				spoil(s)
				if v := c.Judge(s.Evidence()); v.Result == judge.Pass || v.Result == judge.Fail {
					t.Errorf("%s with %s/%s/%s %s: %s (%s)", c.ID, basis.Vantage, basis.Round, basis.Probe, name, v.Result, v.Reason)
				}
			}
		}
	}
}

// What logs in elsewhere stays on the node.
func TestSecretsStayOnTheNode(t *testing.T) {
	node, handler := laidOut(t, "kata-4.1-qemu-go")
	for _, r := range recorded(t, node, handler) {
		for _, o := range r.Observations {
			for name, value := range o.Values {
				if strings.Contains(value.String(), "never-leaves") {
					t.Errorf("%s %s tells a secret: %s", o.Probe, name, value)
				}
			}
		}
	}
}
