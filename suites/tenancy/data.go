package tenancy

import (
	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

const dataOnFail = "A tenant read what belongs to another. Take the node out of service for multi-tenant work; compare the volumes and shared folders of both pods' sandboxes on the node, and the kernel controls, which tell whether there is a sandbox at all."

// data are the controls over the data of two tenants: each tenant's own, hunted by
// the other while both run, and by a new pod of the other after both are gone.
func data() []catalogue.Control {
	controls := []catalogue.Control{
		{
			ID:        "tenant-dataset",
			Title:     "A tenant does not find the other's dataset",
			Why:       "Training data is what the tenants came with: a file of one's volume that the other finds, by whatever path, is the breach that isolation is bought against.",
			Proves:    "A file with random content in each tenant's dataset volume was not found by the other tenant, nor by a new pod of it after both pods were gone, in any volume folder of the node, mount or process root that it could reach.",
			ProvesNot: "Reads of the storage behind the volume by other ways than this node.",
			Rule:      hunted("host-path-root", "tenant-files", probes.DataDataset),
			OptIn:     []string{"tenant-files"},
			Refs:      catalogue.Refs("NIST SC-4", "NIST AC-4", "CIS 5.2.12", "ATT&CK T1005", "ATT&CK T1611"),
		},
		{
			ID:        "tenant-weights",
			Title:     "A tenant does not find the other's checkpoint",
			Why:       "Weights are worth what the training cost, and a checkpoint is a file that outlives the pod that wrote it.",
			Proves:    "A checkpoint file in each tenant's volume was not found by the other tenant, nor by a new pod of it after both pods were gone.",
			ProvesNot: "Weights in the memory of a GPU; the gpu group asks for those.",
			Rule:      hunted("host-path-root", "tenant-files", probes.DataCheckpoint),
			OptIn:     []string{"tenant-files"},
			Refs:      catalogue.Refs("NIST SC-4", "NIST AC-4", "NIST MP-6", "ATT&CK T1005"),
		},
		{
			ID:        "tenant-secrets",
			Title:     "A tenant does not find the other's Kubernetes Secret",
			Why:       "A Secret lies as a file in a folder of the node, and in the environment of the containers that use it; with it an attacker becomes the other tenant.",
			Proves:    "The Secret of each tenant was found by the other neither in files nor after both pods were gone.",
			ProvesNot: "Reads by way of the API server; tenant-api asks for those.",
			Rule:      hunted("host-path-root", "tenant-files", probes.DataSecret),
			OptIn:     []string{"tenant-files"},
			Refs:      catalogue.Refs("NIST SC-4", "NIST SC-28", "CIS 5.4.1", "ATT&CK T1552.007"),
		},
		{
			ID:        "tenant-memory",
			Title:     "A tenant does not find the other's processes, their environment and memory",
			Why:       "While it trains, everything a tenant owns is in the memory of its processes, credentials in their environment.",
			Proves:    "Neither the environment nor the memory of a process of each tenant was readable by the other, nor by a new pod of it after both pods were gone.",
			ProvesNot: "Side channels of the hardware between two sandboxes of one node.",
			Rule:      hunted("host-pid", "tenant-processes", probes.DataEnviron, probes.DataMemory, probes.DataSecret),
			OptIn:     []string{"tenant-processes"},
			Refs:      catalogue.Refs("NIST SC-4", "NIST SC-39", "CIS 5.2.3", "ATT&CK T1057", "ATT&CK T1552"),
		},
	}
	for i := range controls {
		c := &controls[i]
		c.Group, c.Level, c.Profile, c.Safety = catalogue.Tenancy, catalogue.Isolation, catalogue.Nightly, catalogue.Plants
		c.NeedsTenants, c.NeedsAftermath, c.OnFail = true, true, dataOnFail
		c.Also = []evidence.Vantage{evidence.Reference}
	}
	return controls
}

// hunted is the rule that a runc pod with the weakness finds what no tenant may.
func hunted(weakness, probe string, kinds ...string) *judge.Rule {
	return &judge.Rule{Detects: judge.FindsTenantData(probe, kinds...), Control: evidence.Weakened(weakness)}
}
