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
		ID:            "training-deterministic",
		Group:         catalogue.Training,
		Title:         "A training job computes the same in the sandbox as on the node",
		Why:           "What is trained must not depend on where. A virtual machine whose processor or memory differs, or a GPU that computes wrongly after it was handed on, changes weights and tells nobody.",
		Proves:        "With one seed the job trained the very same weights, bit for bit, in the sandbox and in a plain container on the same node, twice each.",
		ProvesNot:     "Jobs of which the framework promises no equal results. Where the plain container cannot have a GPU, nothing is compared.",
		OnFail:        "Compare the processor's features in both (kata-config items about the CPU model), then train on the CPU alone to tell the GPU from the rest.",
		Level:         catalogue.Isolation,
		Profile:       catalogue.Nightly,
		Safety:        catalogue.Observes,
		Shown:         "on plain runc the same job must repeat itself with the same seed, and give other weights with another seed",
		NeedsTraining: true,
		Also:          []evidence.Vantage{evidence.TrainerReference},
		Verdict:       judge.TrainingRepeats,
		Refs:          catalogue.Refs("NIST SI-7"),
	}, {
		ID:            "training-block-volume",
		Group:         catalogue.Training,
		Title:         "A training job works on a volume without a file system",
		Why:           "Where a sandbox shares no files with its node (shared_fs = \"none\"), folders are copied into the guest and what the job writes there is lost with it. Datasets and checkpoints then lie on block devices, which must reach the guest and take what is written.",
		Proves:        "The job read its dataset from the block device of its claim (volumeMode Block), learned, and read its checkpoint back from there.",
		ProvesNot:     "Speed, and that others cannot reach the device (blk-loop-canary, blk-serial).",
		OnFail:        "Read the events of the training pod; on Kata look for disable_block_device_use and block_device_driver in its configuration.",
		Level:         catalogue.Isolation,
		Profile:       catalogue.Certification,
		Safety:        catalogue.Observes,
		Shown:         "a second run in the same process with learning rate 0 must be judged as not converging, and a damaged checkpoint must be refused",
		NeedsTraining: true,
		Also:          []evidence.Vantage{evidence.TrainerBlock},
		Verdict:       judge.TrainingOnBlock,
		Expected:      map[judge.Kind]judge.Result{judge.KindUserKernel: judge.NotApplicable},
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
