// Package training holds the controls over real training jobs.
package training

import (
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// Controls are the controls of group training.
func Controls() []catalogue.Control {
	return []catalogue.Control{{
		ID:            "training-converges",
		Group:         catalogue.Training,
		Title:         "A training job on the dataset volume converges inside the sandbox",
		Why:           "Isolation that breaks the workload is switched off. Training inside the sandbox must read its dataset, learn, and leave a checkpoint that can be read.",
		Proves:        "On a dataset in a volume the loss fell, and the checkpoint has its hash and reloads to the same accuracy.",
		ProvesNot:     "Speed, and GPU compute: the job says on which framework and device it ran.",
		OnFail:        "Read the training pod's metrics in evidence.jsonl; compare with the same job on runc.",
		Level:         catalogue.Isolation,
		Profile:       catalogue.Nightly,
		Safety:        catalogue.Observes,
		Shown:         "a second run in the same process with learning rate 0 must be judged as not converging, and a damaged checkpoint must be refused",
		NeedsTraining: true,
		Verdict:       judge.Training,
		Refs:          catalogue.Refs("NIST SI-7", "NIST CP-9"),
	}, {
		ID:            "training-runtimeclass",
		Group:         catalogue.Training,
		Title:         "The training pod is run by the runtime that it asked for",
		Why:           "A training pod that lost its RuntimeClass on the way trains just as well, on the node's own kernel. Its spec does not show that; its status and the node do.",
		Proves:        "The running training pod kept its RuntimeClass, the node lists the handler, and the shim that runs the pod on the node is that runtime's.",
		ProvesNot:     "Other training pods of the cluster.",
		OnFail:        "Look for webhooks that change pods with GPUs or volumes, and compare the handler's configuration on the named node.",
		Level:         catalogue.Isolation,
		Profile:       catalogue.Nightly,
		Safety:        catalogue.Observes,
		NeedsTraining: true,
		Shown:         "a plain runc pod must be seen to run under a plain container runtime",
		Rule:          &judge.Rule{Detects: judge.PlainContainer(), Control: evidence.Reference, Subject: evidence.Trainer, Expects: true},
		Refs:          catalogue.Refs("NIST CM-6", "NIST CM-7", "ATT&CK T1610"),
	}}
}
