package tenancy

import (
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// tenantAPI asks whether the cluster's own front door keeps tenants apart.
func tenantAPI() catalogue.Control {
	return catalogue.Control{
		ID:             "tenant-api",
		Group:          catalogue.Tenancy,
		Title:          "The API server gives a tenant nothing of the other's",
		Why:            "What a kernel of its own protects on the node, the API server may hand out: the Secrets, logs and shells of everybody, to an account that was bound to the whole cluster in place of its namespace.",
		Proves:         "With its own token each tenant was refused, in the other's namespace, the lists of pods, ConfigMaps and volume claims, the Secret, the log of a pod and an exec into it. The same requests in its own namespace were granted, and its own Secret held what was put there.",
		ProvesNot:      "What accounts with wider rights may do, and other ways to the same data, such as etcd, backups and the kubelet's own port.",
		OnFail:         "Look for ClusterRoleBindings, and RoleBindings in the other's namespace, that name groups system:serviceaccounts, system:authenticated or system:unauthenticated, or the tenant's account.",
		Level:          catalogue.Isolation,
		Profile:        catalogue.Nightly,
		Safety:         catalogue.Observes,
		Shown:          "each tenant must be granted the same requests in its own namespace",
		NeedsNeighbour: true,
		Asks:           []string{"tenant-reads"},
		Also:           []evidence.Vantage{evidence.Subject},
		Rule: &judge.Rule{
			Detects: judge.Granted("tenant-reads", ""), Shows: judge.GrantedElsewhere("tenant-reads"),
			Subject: evidence.API, Control: evidence.API, Expects: true,
		},
		Refs: catalogue.Refs("NIST AC-3", "NIST AC-4", "NIST AC-6", "NIST SC-4", "CIS 5.1.2", "CIS 5.1.3", "CIS 5.7.1", "ATT&CK T1552.007", "ATT&CK T1613", "ATT&CK T1609"),
	}
}
