package platform

import (
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// runtimeClass are the controls over the RuntimeClass itself: that it stands for
// a sandbox and that nobody gets round it.
func runtimeClass() []catalogue.Control {
	return []catalogue.Control{
		{
			ID:        "runtimeclass-handler",
			Title:     "The pod is run by the runtime that its RuntimeClass stands for",
			Why:       "A RuntimeClass is a name. Whether a sandbox runtime, and the right one, is behind it on this very node is decided by the node's configuration.",
			Proves:    "The pod kept its RuntimeClass through admission, the node lists the handler, and the shim that runs the pod on the node is that runtime's.",
			ProvesNot: "What the shim does; the kernel controls show that.",
			OnFail:    "Compare the handler in the configuration of containerd or CRI-O on the named node with that of a good node; check mutating webhooks for the RuntimeClass.",
			Level:     catalogue.Isolation,
			Profile:   catalogue.Quick,
			Shown:     "a plain runc pod must be seen to run under a plain container runtime",
			Rule:      &judge.Rule{Detects: judge.PlainContainer(), Control: evidence.Reference, Expects: true},
			Refs:      catalogue.Refs("NIST CM-6", "NIST CM-7", "NIST AC-3", "ATT&CK T1610"),
		},
		{
			ID:        "runtimeclass-enforced",
			Title:     "A tenant cannot run a pod outside of the sandbox",
			Why:       "A sandbox that a tenant may leave out of its pod's spec holds nobody who does not want to be held. Many clusters leave the choice to tenants they trust; where they are not trusted, admission must decide.",
			Proves:    "Pods of a tenant without a RuntimeClass, or with that of plain containers, were refused, or were given a sandbox's class; so was a pod that the ReplicaSet controller would make. The same pod with the class was admitted.",
			ProvesNot: "That other namespaces of the cluster are held to it: an admission policy applies where it is bound, and the run's namespaces carry the labels of --tenant-label. Where a sandbox is the nodes' default runtime, a pod without a class is in one all the same, and this control does not know it.",
			OnFail:    "Bind an admission policy to the tenants' namespaces that refuses pods without one of the allowed RuntimeClasses, or sets it. If it selects namespaces by label, give that label by --tenant-label.",
			Level:     catalogue.Hardening,
			Profile:   catalogue.Nightly,
			Shown:     "in the run's namespace for privileged pods, the same pods of the same account must be admitted",
			Asks:      []string{"class-choice"},
			Also:      []evidence.Vantage{evidence.Subject},
			Rule:      granted("class-choice"),
			Refs:      catalogue.Refs("NIST AC-3", "NIST CM-6", "NIST CM-7", "SP800-190 3.5", "ATT&CK T1610", "ATT&CK T1611"),
		},
		{
			ID:        "runtimeclass-overhead",
			Title:     "What the sandbox itself takes is counted",
			Why:       "A sandbox takes memory of the node beyond its containers: a monitor, a kernel, shims. What nobody counts, the scheduler gives away a second time, and when a node runs short, one tenant's pods are killed for what another's sandboxes hold.",
			Proves:    "The RuntimeClass has an overhead for memory, the admitted pod carries it, and with the requests of the containers it covers what all of the pod's processes on the node held after its first work: no fewer than the witness saw the node run it by, a virtual machine monitor and the server of its files among them.",
			ProvesNot: "What a busy pod's sandbox takes: it grows with the pod's memory, open files and connections. What a monitor held after the pod's work is recorded and decides nothing. Processor time and huge pages are not compared, nor is the page cache.",
			OnFail:    "Set overhead.podFixed of the RuntimeClass to what its runtime's chart gives or to what was measured here, and give a sandbox of fixed size no more memory than that.",
			Level:     catalogue.Hardening,
			Profile:   catalogue.Nightly,
			Shown:     "a plain runc pod, whose class has no overhead, must be found to lack one for its shim",
			Rule:      &judge.Rule{Detects: judge.LacksOverhead(), Control: evidence.Reference, Expects: true},
			OptIn:     []string{"sandbox-memory"},
			Refs:      catalogue.Refs("NIST SC-5", "NIST SC-6", "NIST CM-6", "ATT&CK T1499"),
		},
	}
}

// granted is the rule that the API server refuses what it is asked, and grants the
// same where it may be.
func granted(question string) *judge.Rule {
	return &judge.Rule{
		Detects: judge.Granted(question, "plain"), Shows: judge.GrantedElsewhere(question),
		Subject: evidence.API, Control: evidence.API, Expects: true,
	}
}
