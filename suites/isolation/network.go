package isolation

import (
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

const networkOnFail = "The pod reaches a service that is not meant for it. Give the tenants' namespaces a NetworkPolicy that denies egress to the node, to the metadata service and to other tenants, and see that the network plugin enforces it."

// Network are the controls of group network. Which services a pod reaches is
// decided by the network plugin and its policies far more than by the
// RuntimeClass, so their control vantage is often a pod on the node's own
// network: a node that shields its services from every pod is no reason to doubt
// the probe.
func Network() []catalogue.Control {
	controls := complete([]catalogue.Control{
		{
			ID:        "net-node-loopback",
			Title:     "The pod does not reach services on the node's loopback address",
			Why:       "Daemons that listen on 127.0.0.1 take whoever comes for the node itself and ask for no password: debug ports, exporters, an API server's insecure port.",
			Proves:    "None of the pod's signed calls arrived at a listener planted on the node's 127.0.0.1: to the loopback, node and gateway addresses by TCP and UDP, and in a frame for 127.0.0.1 sent to the gateway where the pod may send frames.",
			ProvesNot: "Services that listen on every address of the node.",
			OnFail:    "Check hostNetwork in the admitted pod. Otherwise the node takes packets for 127.0.0.1 from its pods: unset net.ipv4.conf.*.route_localnet, or upgrade kube-proxy to a version whose rules drop them (CVE-2020-8558).",
			Safety:    catalogue.Plants,
			Rule:      byWeakness("host-network", judge.CallsLoopback()),
			OptIn:     []string{"loopback"},
			Refs:      catalogue.Refs("NIST SC-7", "NIST AC-4", "CIS 5.2.5", "ATT&CK T1046", "CVE-2020-8558"),
		},
		{
			ID:        "net-metadata",
			Title:     "No cloud metadata service answers the pod",
			Why:       "The metadata service of a cloud hands the node's credentials to whoever asks from the node's address, pods included: with them a tenant acts as the node.",
			Proves:    "The metadata services of AWS (both versions, and of ECS), Google, Azure and Alibaba did not answer the pod, each asked with the headers that it wants, while at least one answers the node.",
			ProvesNot: "That no answer would have come later than the time-out, and other services on the node's network.",
			OnFail:    "Deny egress to 169.254.169.254 in the tenants' namespaces by NetworkPolicy, or let the cloud refuse pods: IMDSv2 with a hop limit of 1, GKE metadata concealment, workload identity.",
			Rule:      byWeakness("host-network", judge.AnswersMetadata()),
			OptIn:     []string{"metadata"},
			Refs:      catalogue.Refs("NIST SC-7", "NIST AC-4", "CIS 5.3.2", "ATT&CK T1552.005"),
		},
		{
			ID:        "net-kubelet",
			Title:     "The node's kubelet tells the pod nothing without credentials",
			Why:       "An open kubelet lists every pod of the node with its environment, and runs commands in any of them.",
			Proves:    "The pod was not told the node's pods on port 10255, and either it does not reach port 10250, or the kubelet there refused requests without credentials for /pods and /runningpods/, which katacert sends from outside through the witness's network.",
			ProvesNot: "What the kubelet allows to a pod's service account, and what it tells strangers at other paths.",
			OnFail:    "Set authentication.anonymous.enabled to false, authorization.mode to Webhook and readOnlyPort to 0 in the kubelet's configuration.",
			Safety:    catalogue.Plants,
			Rule:      &judge.Rule{Detects: judge.OpensKubelet(), Shows: judge.MeetsOpenKubelet(), Control: evidence.Weakened("host-network")},
			Shown:     "the same probe in a plain runc pod on the node's network must reach port 10250 and read the pods of an open kubelet's stand-in that the witness plants, and the kubelet must tell its pods to the API server at the paths that the stranger asks for",
			OptIn:     []string{"kubelet"},
			Asks:      []string{"kubelet-anonymous"},
			Refs:      catalogue.Refs("NIST AC-3", "NIST AC-14", "CIS 4.2.1", "CIS 4.2.2", "CIS 4.2.4", "ATT&CK T1046", "ATT&CK T1613"),
		},
		{
			ID:        "net-node-services",
			Title:     "Services of the node do not answer the pod",
			Why:       "Exporters, etcd, container engines and management daemons that wait at every address of the node wait for its pods too. Many ask for no password, for they take the node's network for a safe one.",
			Proves:    "The pod was connected to none of the TCP ports, at most 64, on which services wait at the node's own address by the node's own list, or there are none. Left out are DNS (53), the API server (443, 6443), the kubelet (10250, 10255; see net-kubelet), the default range of NodePorts (30000 to 32767) and what katacert planted.",
			ProvesNot: "UDP, other addresses of the node, and that a service which is left out asks for credentials. A port that answers may do so on purpose: nothing is sent to it.",
			OnFail:    "Bind the service to 127.0.0.1, or deny the tenants' namespaces egress to the nodes' addresses. The Kubernetes NetworkPolicy of an ordinary plugin may not hold between a pod and its own node: use its host policies or the node's firewall.",
			Level:     catalogue.Hardening,
			Safety:    catalogue.Plants,
			Rule:      byWeakness("host-network", judge.ReachesNodeServices()),
			Shown:     "the same probe in a plain runc pod on the node's network must be connected to such a service, or to one that the witness plants there",
			OptIn:     []string{"node-services"},
			Refs:      catalogue.Refs("NIST SC-7", "NIST CM-7", "NIST AC-4", "CIS 5.3.2", "ATT&CK T1046", "ATT&CK T1210"),
		},
		{
			ID:             "net-cross-tenant",
			Title:          "Two tenants' pods do not reach each other by the network",
			Why:            "Training pods open ports without passwords to talk to each other: NCCL and Gloo rendezvous, notebooks, dashboards. Another tenant that reaches them reads and joins.",
			Proves:         "Neither tenant's signed call to the other's listener arrived there, while a call from a namespace that the tenants' policies let in did.",
			ProvesNot:      "Other ports and protocols, and calls from pods of other nodes.",
			OnFail:         "The tenants' namespaces deny each other by NetworkPolicy, and the call arrived all the same: the network plugin does not enforce policies, or not for this RuntimeClass.",
			Safety:         catalogue.Plants,
			Rule:           byReference(judge.CallsOtherTenant()),
			Shown:          "a call of a plain runc pod whose namespace the tenants' policies let in must arrive",
			OptIn:          []string{"tenant-call", "listener-log"},
			NeedsTenants:   true,
			NeedsNeighbour: true,
			Refs:           catalogue.Refs("NIST SC-7", "NIST AC-4", "NIST SC-4", "CIS 5.3.2", "ATT&CK T1046"),
		},
		{
			ID:        "net-raw-spoof",
			Title:     "A forged frame of the pod does not arrive at the node",
			Why:       "A pod that may send frames of its own making claims the addresses of others on its link, and takes their traffic (CVE-2020-10749 by router advertisements).",
			Proves:    "A signed ARP announcement of an address that belongs to nobody, sent by the pod to its gateway, did not arrive at the node behind the filters of the pod's port.",
			ProvesNot: "Forged packets of other protocols.",
			OnFail:    "The pod's own kernel and namespace were not left, but its link takes what it sends. Drop NET_RAW from the tenants' containers, which Pod Security level restricted demands; root of a guest may send frames in any case, so filter addresses at the pod's port (network plugin).",
			Level:     catalogue.Hardening,
			Profile:   catalogue.Destructive,
			Safety:    catalogue.Disturbs,
			Rule:      byWeakness("net-raw", judge.ForgesFrames()),
			OptIn:     []string{"raw-frame"},
			Expected:  map[judge.Kind]judge.Result{judge.KindVM: judge.Fail},
			Refs:      catalogue.Refs("NIST SC-7", "NIST AC-4", "CIS 5.2.8", "ATT&CK T1557.002", "CVE-2020-10749"),
		},
	}, catalogue.Network, networkOnFail)
	for i := range controls {
		if controls[i].Profile == catalogue.Quick {
			controls[i].Profile = catalogue.Nightly
		}
	}
	return controls
}
