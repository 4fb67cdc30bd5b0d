package platform

import (
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
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
		{
			ID:        "token-scope",
			Title:     "The token that a pod is given by default opens nothing dangerous",
			Why:       "Pods carry the token of their namespace's default account unless somebody thought of it. Whoever takes over a pod is that account; rights given to it, or to all accounts at once, are the shortest way from a pod to the cluster.",
			Proves:    "The default account of a tenant's namespace has none of these rights: to read Secrets and logs, to make pods, to act as others or give itself rights, to take guards away, to reach nodes. Whether pods are given its token is recorded.",
			ProvesNot: "What accounts may do that real workload names, and rights that no access review of the API server knows, such as a cloud's.",
			OnFail:    "Find the binding: `kubectl auth can-i --list --as=system:serviceaccount:NAMESPACE:default`, and look for bindings of groups system:serviceaccounts and system:authenticated. Set automountServiceAccountToken: false on default accounts.",
			Level:     catalogue.Hardening,
			Profile:   catalogue.Nightly,
			Shown:     "asked the same of group system:masters, which may everything, the API server must say yes each time",
			Asks:      []string{"rights"},
			Rule: &judge.Rule{
				Detects: judge.Granted("rights", ""), Shows: judge.GrantedElsewhere("rights"),
				Subject: evidence.API, Control: evidence.API, Expects: true,
			},
			Refs: catalogue.Refs("NIST AC-3", "NIST AC-6", "CIS 5.1.1", "CIS 5.1.2", "CIS 5.1.3", "CIS 5.1.4", "CIS 5.1.5", "CIS 5.1.6", "CIS 5.1.8",
				"CIS 5.1.9", "CIS 5.1.10", "CIS 5.1.11", "CIS 5.1.12", "CIS 5.1.13", "ATT&CK T1528", "ATT&CK T1552.007", "ATT&CK T1613", "ATT&CK T1098"),
		},
		{
			ID:        "api-anonymous",
			Title:     "The API server tells nothing to who shows no credentials",
			Why:       "Every pod reaches the API server, with a token or without. What it tells to the anonymous user it tells to every tenant, and to everybody on its network.",
			Proves:    "Requests without credentials for the namespaces of the cluster, and for the pods and the Secret of a tenant, were refused (401 or 403). The same requests were granted to katacert's own user, and to the tenant's account.",
			ProvesNot: "Other resources, and the paths that Kubernetes leaves open to everybody on purpose: version, health and discovery. Where a proxy stands before the API server, it is the proxy that answered.",
			OnFail:    "Look for bindings of user system:anonymous and of groups system:unauthenticated and system:authenticated, and at the API server's --anonymous-auth and --authorization-mode.",
			Level:     catalogue.Isolation,
			Profile:   catalogue.Nightly,
			Shown:     "katacert's own user, and the tenant's account in its own namespace, must be granted the same requests",
			Asks:      []string{"anonymous"},
			Rule: &judge.Rule{
				Detects: judge.Granted("anonymous", ""), Shows: judge.GrantedElsewhere("anonymous"),
				Subject: evidence.API, Control: evidence.API, Expects: true,
			},
			Refs: catalogue.Refs("NIST AC-3", "NIST AC-14", "NIST IA-2", "CIS 1.2.1", "CIS 5.1.1", "ATT&CK T1613", "ATT&CK T1552.007", "ATT&CK T1190"),
		},
	}
}
