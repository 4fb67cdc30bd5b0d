package network

import (
	"fmt"
	"net/netip"
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

// kubelet asks the node's kubelet for its pods, without credentials. It asks the
// stand-in that the witness planted in the same way, so that an open kubelet is
// known when it is met.
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
		calls          sync.WaitGroup
		mu             sync.Mutex
		answers, open  []string
		standInAnswers string
	)
	for _, endpoint := range []struct {
		name string
		port uint16
		tls  bool
		path string
	}{
		{"10250 /pods", kubeletPort, true, "/pods"},
		{"10250 /runningpods/", kubeletPort, true, "/runningpods/"},
		{"10255 /pods", kubeletReadOnlyPort, false, "/pods"},
		{"", uint16(standIn), true, "/pods"},
	} {
		calls.Go(func() {
			a, err := ask(request{address: netip.AddrPortFrom(node, endpoint.port).String(), tls: endpoint.tls, method: "GET", path: endpoint.path}, limit(ctx))
			said := became(err)
			if err == nil {
				said = fmt.Sprintf("status %d", a.status)
			}
			isOpen := err == nil && a.status == statusOK && a.body != ""
			mu.Lock()
			defer mu.Unlock()
			if endpoint.name == "" {
				if standInAnswers = said; isOpen {
					standInAnswers = openAnswer
				}
				return
			}
			answers = append(answers, endpoint.name+": "+said)
			if isOpen {
				open = append(open, endpoint.name)
			}
		})
	}
	calls.Wait()
	return probes.Seen(evidence.Values{
		"answers": evidence.List(answers...), "open": evidence.List(open...), "stand_in": evidence.Text(standInAnswers),
	})
}

const (
	statusOK = 200
	// openAnswer is what a stand-in's answer is called that an open kubelet would
	// give.
	openAnswer = "open"
)
