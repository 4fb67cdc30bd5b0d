package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"sync"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// Ports of the kubelet
// (https://kubernetes.io/docs/reference/networking/ports-and-protocols/).
const (
	kubeletPort         = 10250
	kubeletReadOnlyPort = 10255
)

// kubelet asks on the ports of the node's kubelet for its pods, in plain HTTP and
// without credentials. To the port that wants TLS this is no question, but what
// comes back shows that the pod gets there; whether the kubelet would tell a
// stranger its pods is asked from outside (suites/certification), where there is
// room for TLS. The stand-in that the witness planted is asked in the same way as
// the port without TLS, so that an open kubelet is known when it is met.
func kubelet(ctx *probes.Context) evidence.Observation {
	node, err := netip.ParseAddr(ctx.Params[probes.ParamNodeIP])
	if err != nil {
		return untold("an address of the node")
	}
	standIn, err := strconv.ParseUint(ctx.Params[probes.ParamOpenKubelet], 10, 16)
	if err != nil {
		return untold("on which port the open kubelet's stand-in waits")
	}
	var (
		calls                  sync.WaitGroup
		mu                     sync.Mutex
		answers, reached, open []string
		standInAnswers         string
	)
	for name, port := range map[string]uint16{"10250": kubeletPort, "10255": kubeletReadOnlyPort, "": uint16(standIn)} {
		calls.Go(func() {
			a, err := ask(request{address: netip.AddrPortFrom(node, port).String(), method: "GET", path: "/pods"}, limit(ctx))
			said := answered(a, err)
			isOpen := err == nil && a.status == statusOK && a.body != ""
			mu.Lock()
			defer mu.Unlock()
			if name == "" {
				if standInAnswers = said; isOpen {
					standInAnswers = openAnswer
				}
				return
			}
			answers = append(answers, name+": "+said)
			if a.connected {
				reached = append(reached, name)
			}
			if isOpen {
				open = append(open, name)
			}
		})
	}
	calls.Wait()
	slices.Sort(answers)
	slices.Sort(reached)
	slices.Sort(open)
	return probes.Seen(evidence.Values{
		"answers": evidence.List(answers...), "reached": evidence.List(reached...), "open": evidence.List(open...),
		"stand_in": evidence.Text(standInAnswers),
	})
}

const (
	statusOK = 200
	// openAnswer is what a stand-in's answer is called that an open kubelet would
	// give.
	openAnswer = "open"
)

// answered says in a few words what came of a request.
func answered(a answer, err error) string {
	switch {
	case err == nil:
		return fmt.Sprintf("status %d", a.status)
	case a.connected:
		return "connected, then " + became(err)
	default:
		return became(err)
	}
}
