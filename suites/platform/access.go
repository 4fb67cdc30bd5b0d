package platform

import (
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
)

// access are the controls over what a tenant may ask the cluster for.
func access() []catalogue.Control {
	return []catalogue.Control{
		{
			ID:        "admission-matrix",
			Title:     "A tenant's pod is not given the node by the API server",
			Why:       "A pod that asks for the node's namespaces, files or devices, or for privilege, is given them unless admission refuses: the sandbox is then handed what it should keep away. Pods of a RuntimeClass, and the controllers that make pods, are often exempted by mistake.",
			Proves:    "As a tenant's own account, by server-side dry run, pods of the RuntimeClass with each of these demands were refused, as were a privileged pod that the ReplicaSet controller would make and a privileged ephemeral container. The same pod without a demand was admitted, so that each was refused for its demand.",
			ProvesNot: "That the namespaces of real tenants are held to it: the run's carry the label of Pod Security level baseline and those of --tenant-label. Pods of other RuntimeClasses, and demands that only a vendor's resource stands for, such as a device plugin's, are not tried.",
			OnFail:    "Enforce Pod Security level baseline or stricter in the tenants' namespaces, take RuntimeClasses and controllers' accounts out of the exemptions of the API server's admission configuration, and see which webhook lets the named demand through.",
			Level:     catalogue.Isolation,
			Profile:   catalogue.Nightly,
			Shown:     "in the run's namespace for privileged pods, the same pods of the same account must be admitted",
			Asks:      []string{"admission"},
			Also:      []evidence.Vantage{evidence.Subject, evidence.Reference},
			Rule:      granted("admission"),
			Refs: catalogue.Refs("NIST AC-3", "NIST AC-6", "NIST CM-7", "CIS 5.2.1", "CIS 5.2.2", "CIS 5.2.3", "CIS 5.2.4", "CIS 5.2.5", "CIS 5.2.9",
				"CIS 5.2.12", "CIS 5.2.13", "ATT&CK T1610", "ATT&CK T1611"),
		},
	}
}
