package isolation

import (
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
	}, catalogue.Network, networkOnFail)
	for i := range controls {
		controls[i].Profile = catalogue.Nightly
	}
	return controls
}
