package network

import (
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/sockets"
	"github.com/katacert/katacert/probes/plant"
)

const (
	// maxListeners bounds how many of the node's listeners are looked at, and
	// maxNodePorts how many ports are called.
	maxListeners = 4096
	maxNodePorts = 64
	// silentPort is one that nobody listens on: tcpmux (RFC 1078). Whoever is
	// connected there has been connected to something between it and the node.
	silentPort = 1
)

// meantForPods says whether a port of the node is there for pods too: DNS, the
// API server, the kubelet, which probe kubelet asks, and NodePorts
// (https://kubernetes.io/docs/reference/networking/ports-and-protocols/).
func meantForPods(port uint16) bool {
	switch port {
	case 53, 443, 6443, kubeletPort, kubeletReadOnlyPort:
		return true
	}
	return 30000 <= port && port <= 32767
}

// listNodeServices lists, on the node, the TCP ports on which services wait at
// the node's own address, and gives them to the pods to call.
func listNodeServices(ctx *probes.Context) evidence.Observation {
	node, err := netip.ParseAddr(ctx.Params[probes.ParamNodeIP])
	if err != nil {
		return untold("an address of the node")
	}
	var all []sockets.Listener
	// Of this thread, not of the first one of the process.
	for _, path := range []string{"/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"} {
		some, err := sockets.Listening(path, maxListeners)
		// A kernel without IPv6 has no such table.
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return probes.Unreadable(err)
		}
		all = append(all, some...)
	}
	ports := servicePorts(all, node, plant.HeldSockets())
	values := evidence.Values{}
	if len(ports) > maxNodePorts {
		ports = ports[:maxNodePorts]
		values["truncated"] = evidence.Number(1)
	}
	values["ports"] = evidence.List(ports...)
	values[probes.GivePrefix+probes.ParamNodePorts] = evidence.Text(strings.Join(ports, ","))
	return probes.Seen(values)
}

// servicePorts are the ports of the listeners at the node's address, sorted,
// without those that are meant for pods or planted.
func servicePorts(all []sockets.Listener, node netip.Addr, planted map[uint64]bool) []string {
	var ports []uint16
	for _, l := range all {
		there := l.Address.Addr() == node || l.Address.Addr().IsUnspecified()
		if there && !planted[l.Inode] && !meantForPods(l.Address.Port()) {
			ports = append(ports, l.Address.Port())
		}
	}
	slices.Sort(ports)
	texts := []string{}
	for _, port := range slices.Compact(ports) {
		texts = append(texts, strconv.Itoa(int(port)))
	}
	return texts
}

// nodeServices calls these ports on the node's address, and the service that the
// witness planted there, so that a port which answers is known when it is met. A
// connection that is taken is closed again: nothing is sent.
func nodeServices(ctx *probes.Context) evidence.Observation {
	node, err := netip.ParseAddr(ctx.Params[probes.ParamNodeIP])
	if err != nil {
		return untold("an address of the node")
	}
	given, told := ctx.Params[probes.ParamNodePorts]
	if !told {
		return untold("on which ports services of the node wait")
	}
	standIn, told := ctx.Params[probes.ParamOpenKubelet]
	if !told {
		return untold("on which port a planted service of the node waits")
	}
	var ports []string
	if given != "" {
		ports = strings.Split(given, ",")
	}
	calls := append([]string{standIn, strconv.Itoa(silentPort)}, ports...)
	errs := make([]error, len(calls))
	var all sync.WaitGroup
	for i, port := range calls {
		all.Go(func() { errs[i] = connect(net.JoinHostPort(node.String(), port), limit(ctx)) })
	}
	all.Wait()
	if errs[1] == nil {
		return evidence.Observation{State: evidence.Failed, Detail: "something between here and the node takes connections to every port"}
	}
	var reached, refused []string
	for i, port := range ports {
		if err := errs[2+i]; err == nil {
			reached = append(reached, port)
		} else {
			refused = append(refused, port+": "+became(err))
		}
	}
	return probes.Seen(evidence.Values{"reached": evidence.List(reached...), "refused": evidence.List(refused...),
		"stand_in": evidence.Text(became(errs[0]))})
}

func connect(address string, within time.Duration) error {
	connection, err := net.DialTimeout("tcp", address, within)
	if err == nil {
		_ = connection.Close()
	}
	return err
}
