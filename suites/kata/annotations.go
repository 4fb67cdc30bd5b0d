package kata

import (
	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// annotated is the part of a control that differs from one annotation to the next.
type annotated struct {
	// name of the annotation among those that are tried (fixtures/pods).
	name, key string
	title     string
	why       string
	onFail    string
	level     catalogue.Level
	effect    judge.Effect
	// notProved is said besides what holds for all of them.
	notProved string
	// optIn are the probes that are needed.
	optIn []string
	// onKata is what a default Kata Containers 4.1 gives; pass when empty.
	onKata judge.Result
	refs   []string
}

// Annotations are the controls over what a tenant changes of its sandbox by the
// annotations of its pod, one for each annotation. They go by the effect, for a
// runtime may refuse an annotation, ignore it, or warn and follow it all the same.
func Annotations() []catalogue.Control {
	controls := make([]catalogue.Control, 0, len(allAnnotated()))
	for _, a := range allAnnotated() {
		control := catalogue.Control{
			ID:    "annotation-" + a.name,
			Group: catalogue.Kata,
			Title: a.title,
			Why:   a.why,
			Proves: "A tenant's pod with " + a.key + " was refused for it, or ran without the effect that the annotation is for, " +
				"beside the same pod without annotation.",
			ProvesNot: "Other values of the annotation, and other annotations. " + a.notProved,
			OnFail:    a.onFail,
			Level:     a.level,
			Profile:   catalogue.Certification,
			Safety:    catalogue.Observes,
			Verdict:   judge.Annotation(a.name, a.effect, honoured()),
			Shown: "the judge must find the annotation honoured in evidence of a sandbox whose runtime honours it; " +
				"the same pod without the annotation must have run beside it",
			Also:     []evidence.Vantage{evidence.Subject, evidence.Annotated(a.name)},
			Expected: map[judge.Kind]judge.Result{judge.KindUserKernel: judge.NotApplicable, judge.KindNone: judge.NotApplicable},
			Refs:     catalogue.Refs(append([]string{"NIST CM-6", "NIST CM-7", "NIST AC-6", "SP800-190 3.5"}, a.refs...)...),
		}
		if a.onKata != "" {
			control.Expected[judge.KindVM] = a.onKata
		}
		if len(a.optIn) > 0 {
			control.OptIn, control.Safety = a.optIn, catalogue.Plants
			control.Shown += "; the witness opens a file of its own and must be noticed"
		}
		controls = append(controls, control)
	}
	return controls
}

const (
	allowNone    = "Take the name out of enable_annotations in Kata's configuration on the named node, anchor every expression there (^name$; an unanchored one allows whatever contains it), "
	keepFromKata = "Kata honours this annotation whatever its configuration says. Take io.katacontainers.* out of pod_annotations of the handler in containerd's configuration, or let an admission policy refuse the annotation to tenants."
	toNode       = "and let an admission policy refuse annotations of io.katacontainers.* to tenants."
)

func allAnnotated() []annotated {
	return append(ofNode(), ofGuest()...)
}

// ofNode are the annotations by which a tenant names programs and files of the
// node.
func ofNode() []annotated {
	const opened = "What the runtime checks of a file without opening it."
	node := []annotated{
		{
			name: "path", key: "io.katacontainers.config.hypervisor.path",
			title:  "A tenant cannot name the program that the node starts as hypervisor",
			why:    "The runtime starts the hypervisor as root of the node. Who names another program runs it as root, outside of every sandbox.",
			onFail: allowNone + "set valid_hypervisor_paths to the installed hypervisor, " + toNode,
			refs:   []string{"CVE-2020-27151", "ATT&CK T1611", "ATT&CK T1543"},
		},
		{
			name: "virtio-fs-daemon", key: "io.katacontainers.config.hypervisor.virtio_fs_daemon",
			title:  "A tenant cannot name the program that serves its files on the node",
			why:    "The runtime starts virtiofsd as root of the node. Who names another program runs it as root, outside of every sandbox.",
			onFail: allowNone + "set valid_virtio_fs_daemon_paths to the installed virtiofsd, " + toNode,
			refs:   []string{"CVE-2020-27151", "ATT&CK T1611", "ATT&CK T1543"},
		},
		{
			name: "image", key: "io.katacontainers.config.hypervisor.image",
			title:  "A tenant cannot give its guest a file of the node as disk",
			why:    "The hypervisor opens the guest's image as root of the node and gives it to the guest as a disk. Who names another file or device of the node reads it in the guest.",
			onFail: allowNone + toNode,
			refs:   []string{"ATT&CK T1611", "ATT&CK T1005"},
		},
		{
			name: "config-path", key: "io.katacontainers.config_path",
			title:  "A tenant cannot name the configuration of its own sandbox",
			why:    "The configuration says which programs the node starts for a sandbox and how. Kata Containers before 4.0 let a pod name the file, and whoever can bring a file onto the node, as a volume does, was free to write it.",
			onFail: "Upgrade to Kata Containers 4.0 or later, " + toNode,
			refs:   []string{"ATT&CK T1611", "ATT&CK T1562"},
		},
	}
	for i := range node {
		node[i].effect, node[i].notProved = judge.Opened(), opened
	}
	node = append(node, annotated{
		name: "sandbox-bind-mounts", key: "io.katacontainers.config.runtime.sandbox_bind_mounts",
		title:     "A tenant cannot have files of the node mounted into its guest",
		why:       "What is mounted into a guest its containers read, and write where it is mounted writable. Kata Containers before 4.0 let a pod name any path of the node.",
		onFail:    "Upgrade to Kata Containers 4.0 or later, " + toNode,
		effect:    judge.Mounted(),
		notProved: "Mounts that the runtime's shim does not see.",
		refs:      []string{"ATT&CK T1611", "ATT&CK T1005"},
	})
	for i := range node {
		node[i].level, node[i].optIn = catalogue.Isolation, []string{"called-files", "called-mounts"}
	}
	return append(node, annotated{
		name: "virtio-fs-extra-args", key: "io.katacontainers.config.hypervisor.virtio_fs_extra_args",
		title:     "A tenant cannot give arguments to the server of its files on the node",
		why:       "virtiofsd runs as root of the node. Its arguments say which folder it serves and whether it is confined: with them a tenant has it serve the node's root.",
		onFail:    "Upgrade to Kata Containers 3.31 or later. " + allowNone + toNode,
		level:     catalogue.Isolation,
		effect:    judge.VirtiofsdGiven(pods.VirtiofsdMark),
		notProved: "Runtimes that share files in another way than by virtiofsd.",
		refs:      []string{"CVE-2026-47243", "ATT&CK T1611", "ATT&CK T1562"},
	})
}

// ofGuest are the annotations by which a tenant changes its own guest and the
// guard around it.
func ofGuest() []annotated {
	guest := []annotated{
		{
			name: "kernel-params", key: "io.katacontainers.config.hypervisor.kernel_params",
			title:  "A tenant cannot give parameters to its guest's kernel",
			why:    "Parameters of the guest's kernel switch off its mitigations, open the agent's debug console and name another init: what the operator put into the guest to hold the tenant is the tenant's to switch off.",
			onFail: allowNone + "and test workloads that rely on it.",
			effect: judge.MarkOnCommandLine(), onKata: judge.Fail,
			refs: []string{"ATT&CK T1562"},
		},
		{
			name: "default-memory", key: "io.katacontainers.config.hypervisor.default_memory",
			title:  "A tenant cannot give its guest more memory than is counted",
			why:    "The guest's memory is counted by the pod's limits and the RuntimeClass's overhead. Who enlarges the guest takes memory of the node that the scheduler gave to others, and when the node runs short, their pods are killed.",
			onFail: allowNone + "and give guests memory by the pods' limits.",
			effect: judge.Grew("mem_total_kib", 128<<10), onKata: judge.Fail,
			notProved: "That the guest's memory is bounded otherwise.",
			refs:      []string{"NIST SC-6", "ATT&CK T1496"},
		},
		{
			name: "default-vcpus", key: "io.katacontainers.config.hypervisor.default_vcpus",
			title:  "A tenant cannot give its guest more processors than are counted",
			why:    "Each processor of a guest is a thread of the node, and what the pod's cgroup does not hold of them takes time from others.",
			onFail: allowNone + "and give guests processors by the pods' limits.",
			effect: judge.Grew("cpus", 1), onKata: judge.Fail,
			notProved: "Nodes with no more processors than a guest has: the runtime refuses the value there.",
			refs:      []string{"NIST SC-6", "ATT&CK T1496"},
		},
		{
			name: "kernel-modules", key: "io.katacontainers.config.agent.kernel_modules",
			title:  "A tenant cannot let its guest's agent load kernel modules",
			why:    "Modules of the guest's kernel are drivers and file systems that the operator left out of the sandbox on purpose: each is code that a tenant attacks from inside, with parameters of its choice.",
			onFail: keepFromKata,
			effect: judge.Spoken(), onKata: judge.Fail,
			notProved: "A guest whose agent fails without naming the module.",
			refs:      []string{"ATT&CK T1547.006"},
		},
		{
			name: "guest-seccomp", key: "io.katacontainers.config.runtime.disable_guest_seccomp",
			title:  "A tenant cannot switch off seccomp in its guest",
			why:    "The seccomp filter of a container in the guest is what stands between the container and the guest's kernel. Where the operator switched it on, the tenant must not switch it off.",
			onFail: keepFromKata,
			effect: judge.LostSeccomp(), onKata: judge.NotApplicable,
			notProved: "That seccomp is on: a default Kata Containers has it off in the guest.",
			refs:      []string{"CIS 5.7.2", "ATT&CK T1562"},
		},
		{
			name: "disable-new-netns", key: "io.katacontainers.config.runtime.disable_new_netns",
			title:  "A tenant cannot take its sandbox out of the pod's network",
			why:    "The pod's network namespace holds the hypervisor too: with it the node's firewall and network policies hold whoever breaks out of the guest. Without it the hypervisor runs in the network of the node.",
			onFail: keepFromKata,
			effect: judge.LostNetwork(), onKata: judge.Fail,
			notProved: "In which namespace the hypervisor runs.",
			refs:      []string{"NIST SC-7", "ATT&CK T1599"},
		},
		{
			name: "sandbox-cgroup-only", key: "io.katacontainers.config.runtime.sandbox_cgroup_only",
			title:  "A tenant cannot take its sandbox out of the pod's cgroup",
			why:    "What runs outside of the pod's cgroup is not held by the pod's limits and not counted for it: the tenant's load there is everybody's.",
			onFail: keepFromKata,
			effect: judge.LeftItsCgroup(), onKata: judge.Fail,
			notProved: "That sandboxes are in the pod's cgroup at all: Kata's Go shim keeps a part of them outside as installed, and the control does not apply there.",
			refs:      []string{"NIST SC-6", "ATT&CK T1496"},
		},
	}
	for i := range guest {
		guest[i].level = catalogue.Hardening
	}
	return guest
}
