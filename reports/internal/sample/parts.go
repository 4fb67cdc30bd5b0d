package sample

import (
	"strings"
	"time"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

func base(id, class, handler string) *reports.Report {
	return &reports.Report{
		Schema: reports.Schema,
		Run: reports.Run{ID: "20260314-092653-a1b2c3", Tool: "katacert", Version: "v0.3.0", Started: Began, Finished: Began.Add(11400 * time.Millisecond),
			Profile: catalogue.Nightly, Require: catalogue.Isolation},
		Cluster: reports.Cluster{Provider: "local", Name: "katacert", Server: "https://127.0.0.1:6443", Kubernetes: "v1.37.2"},
		Notices: []string{"the training pod runs katacert's own trainer in place of nvcr.io/nvidia/pytorch:22.10-py3"},
		Targets: []reports.Target{target(id, "worker-1", class, handler)},
		Images: []reports.Image{
			{Name: "probe", Ref: "registry.example/katacert/probe:v0.3.0", Digest: "sha256:" + strings.Repeat("ab", 32)},
			{Name: "trainer", Ref: "registry.example/katacert/trainer:v0.3.0", Digest: "sha256:" + strings.Repeat("cd", 32)},
		},
		Controls: controls(),
		Skipped:  []reports.Skip{{What: "node worker-2", Why: "it is cordoned"}},
		Timings:  append([]reports.Timing{{Phase: "deploy witness", Started: Began, Duration: 2100 * time.Millisecond}}, timings(id, Began.Add(2100*time.Millisecond))...),
	}
}

func target(id, node, class, handler string) reports.Target {
	return reports.Target{
		ID: id, RuntimeClass: class, Handler: handler, APIRequests: 61, ProbeCPU: 180 * time.Millisecond,
		Node: reports.Node{Name: node, Kernel: "6.12.43+deb13-amd64", OS: "Debian GNU/Linux 13 (trixie)", Architecture: "amd64",
			ContainerRuntime: "containerd://2.2.1", Kubelet: "v1.37.2"},
		Runtime: reports.Runtime{Kind: judge.KindVM, Shim: "containerd-shim-kata-v2", Digest: strings.Repeat("7a", 32)},
		Parts:   kata(),
	}
}

func kata() []reports.Part {
	return []reports.Part{
		{Role: "shim", Path: "/opt/kata/bin/containerd-shim-kata-v2", Version: "4.1.0", From: "/opt/kata/VERSION", SHA256: strings.Repeat("7a", 32)},
		{Role: "hypervisor", Path: "/opt/kata/bin/qemu-system-x86_64", Version: "11.0.1", From: "/opt/kata/bin/qemu-system-x86_64", SHA256: strings.Repeat("b1", 32)},
		{Role: "virtiofsd", Path: "/opt/kata/libexec/virtiofsd", Version: "v1.14.0", From: "/opt/kata/versions.yaml", SHA256: strings.Repeat("b2", 32)},
		{Role: "kernel", Path: "/opt/kata/share/kata-containers/vmlinux.container", Version: "6.18.35", From: "/opt/kata/share/kata-containers/vmlinux.container", SHA256: strings.Repeat("b3", 32)},
		{Role: "firmware", Path: "/opt/kata/share/firmware", SHA256: strings.Repeat("b4", 32)},
	}
}

func timings(target string, at time.Time) []reports.Timing {
	var list []reports.Timing
	for _, phase := range []struct {
		name string
		took time.Duration
	}{{"deploy", 3200 * time.Millisecond}, {"look", 900 * time.Millisecond}, {"act", 1400 * time.Millisecond},
		{"look-again", 800 * time.Millisecond}, {"settle", 600 * time.Millisecond}, {"training", 2 * time.Second}} {
		list = append(list, reports.Timing{Phase: phase.name, Target: target, Started: at, Duration: phase.took})
		at = at.Add(phase.took)
	}
	return list
}

func figures(target string) []reports.Figure {
	course := func(v evidence.Vantage, factor float64) reports.Figure {
		f := reports.Figure{Name: "training loss", Target: target, Vantage: v, Unit: "nats", Over: "epoch", LessIsBetter: true}
		for epoch := range 16 {
			f.Samples = append(f.Samples, 0.18+factor/float64(1+epoch))
		}
		return f
	}
	return []reports.Figure{
		course(evidence.Trainer, 2.13), course("trainer-reference", 2.02),
		{Name: "time of the training job", Target: target, Vantage: evidence.Trainer, Unit: "s", Samples: []float64{0.81}, LessIsBetter: true},
		{Name: "GPU, fp32", Target: target, Vantage: evidence.Reference, Unit: "TFLOP/s", Samples: []float64{49.8, 50.4, 50.1}},
		{Name: "GPU, fp32", Target: target, Vantage: evidence.Subject, Unit: "TFLOP/s", Samples: []float64{46.2, 49.7, 49.5}},
	}
}

func controls() []reports.Control {
	general := &reports.Vantages{Truth: evidence.Witness, Control: evidence.Reference, Subject: evidence.Subject}
	control := func(id string, group catalogue.Group, title, why string, level catalogue.Level, v *reports.Vantages, refs ...string) reports.Control {
		return reports.Control{ID: id, Group: group, Title: title, Why: why, Level: level, Profile: catalogue.Quick, Safety: catalogue.Observes,
			Proves: "The pod was not in the node's boot when it looked.", ProvesNot: "That the boundary between the two kernels has no hole.",
			OnFail: "Check the handler of the RuntimeClass in the runtime's configuration on this node: it may name plain runc.",
			Shown:  "the same probe in a plain runc pod must detect the node", Vantages: v, Refs: catalogue.Refs(refs...)}
	}
	return []reports.Control{
		control("kernel-boot-id", catalogue.Kernel, "The pod runs in a boot of its own",
			"Containers that share a kernel share its random boot id; a guest kernel draws its own.", catalogue.Isolation, general, "NIST SC-39", "ATT&CK T1082"),
		control("kernel-notes-build-id", catalogue.Kernel, "The pod does not see the build id of the node's kernel",
			"The build id names the very kernel that runs; seeing the node's means running on it.", catalogue.Isolation, general, "NIST SC-39"),
		control("proc-planted", catalogue.Process, "The pod does not see a process planted on the node",
			"A pod that sees the node's processes can read their environment, where tokens live.", catalogue.Isolation,
			&reports.Vantages{Truth: evidence.Witness, Control: evidence.Weakened("host-pid"), Subject: evidence.Subject}, "NIST SC-4", "CIS 5.2.3"),
		control("priv-posture", catalogue.Privilege, "The pod's processes have the privileges that their spec gives them",
			"What a process may do in its guest is what an attacker starts from.", catalogue.Hardening, nil, "NIST AC-6", "CIS 5.2.6"),
		control("tenant-kernel", catalogue.Tenancy, "Two tenants on one node run on two kernels",
			"Tenants who share a kernel are separated by namespaces alone.", catalogue.Isolation,
			&reports.Vantages{Truth: evidence.Subject, Control: evidence.Reference, Subject: evidence.Neighbour}, "NIST SC-4", "CVE-2024-21626"),
		control("training-converges", catalogue.Training, "A training job learns and writes its checkpoint",
			"A sandbox in which training does not work will be switched off.", catalogue.Isolation, nil, "NIST SC-5"),
	}
}

func answer(r *reports.Report, control string, result judge.Result, reason string, rows ...judge.Comparison) {
	r.Verdicts = append(r.Verdicts, reports.Verdict{Control: control, Target: r.Targets[0].ID, Verdict: judge.Verdict{
		Result: result, Reason: reason, Compared: rows,
		Rests: []judge.Basis{
			{Vantage: evidence.Witness, Round: evidence.Look, Probe: control, State: evidence.Seen},
			{Vantage: evidence.Subject, Round: evidence.Look, Probe: control, State: evidence.Seen},
		},
	}})
}

func compared(reading, truth, subject string, match bool) judge.Comparison {
	return judge.Comparison{Reading: reading, Truth: truth, Control: truth, Subject: subject, Match: match}
}

// expected is a reading that no control vantage took.
func expected(reading, truth, subject string, match bool) judge.Comparison {
	return judge.Comparison{Reading: reading, Truth: truth, Subject: subject, Match: match}
}
