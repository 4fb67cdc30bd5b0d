package network

import (
	"fmt"
	"net"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// maxLinks bounds the list of interfaces.
const maxLinks = 64

// links lists the network interfaces of the pod, loopback apart.
func links(*probes.Context) evidence.Observation {
	all, err := net.Interfaces()
	if err != nil {
		return probes.Unreadable(fmt.Errorf("list the network interfaces: %w", err))
	}
	var names []string
	for _, link := range all {
		if link.Flags&net.FlagLoopback == 0 && len(names) < maxLinks {
			names = append(names, link.Name)
		}
	}
	return probes.Seen(evidence.Values{"names": evidence.List(names...)})
}
