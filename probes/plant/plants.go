// Package plant lets the witness plant on the node what probes in pods must not
// find: canary files, a process, a line of the kernel log, shared memory, a
// message queue, an abstract socket and a loop device.
//
// A round of probes ends within a second or two, and what is planted has to
// outlive it. So the act round starts a holder, a process that belongs to the
// witness's container; the settle round ends it and proves that all is gone. As
// much as possible is left to the kernel, which reverts it however the holder
// ends.
package plant

import (
	"fmt"
	"strings"
	"time"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/bounded"
)

// Probes returns the probes of the group.
func Probes() []probes.Probe {
	return []probes.Probe{{
		ID:      "plants",
		Rounds:  []evidence.Round{evidence.Act, evidence.Settle},
		From:    probes.OnlyWitness,
		Observe: observe,
	}, {
		ID:      "tenant-data",
		Rounds:  []evidence.Round{evidence.Act},
		From:    probes.OnlyTenants,
		Observe: layOutData,
	}}
}

// observeWithin bounds a whole round: the waits for the holder, its processes
// and the kernel, one after the other.
const observeWithin = 45 * time.Second

func observe(ctx *probes.Context) evidence.Observation {
	s, err := newSite(ctx.Run, ctx.HostRoot, ctx.Seed)
	if err != nil {
		return probes.Unreadable(err)
	}
	s.scale, s.nodeIP, s.optIn = ctx.TimeoutScale, ctx.Params[probes.ParamNodeIP], ctx.OptIn
	if pods := ctx.Params[probes.ParamPods]; pods != "" {
		s.pods = strings.Split(pods, ",")
	}
	limit := s.scaled(observeWithin)
	do := act
	if ctx.Round == evidence.Settle {
		do = settle
	}
	o, ended := bounded.Within(limit, func() evidence.Observation { return do(s) })
	if !ended {
		return evidence.Observation{State: evidence.Failed, Detail: fmt.Sprintf("the node did not answer within %v", limit)}
	}
	return o
}

// act plants everything anew: what an earlier attempt at the same round left is
// taken back first.
func act(s *site) evidence.Observation {
	_, left, err := takeBack(s, kinds())
	if err == nil && len(left) > 0 {
		return evidence.Observation{State: evidence.Failed, Detail: "left by an earlier attempt: " + left[0]}
	}
	if err != nil {
		return probes.Unreadable(err)
	}
	r, err := startHolder(s)
	if err != nil {
		return probes.Unreadable(err)
	}
	values := evidence.Values{
		"planted": evidence.List(r.Planted...),
		"failed":  evidence.List(r.Failed...),
	}
	if r.LoopDevice != "" {
		values["loop_device"] = evidence.Text(r.LoopDevice)
		values["loop_sectors"] = evidence.Number(r.LoopSectors)
	}
	for param, value := range r.Give {
		values[probes.GivePrefix+param] = evidence.Text(value)
	}
	return probes.Seen(values)
}

func settle(s *site) evidence.Observation {
	lines, untold := touched(s, kinds())
	reverted, left, err := takeBack(s, kinds())
	o := probes.Seen(evidence.Values{
		"touched":  evidence.List(lines...),
		"untold":   evidence.List(untold...),
		"reverted": evidence.List(reverted...),
		"left":     evidence.List(left...),
	})
	if err != nil {
		o.Detail = err.Error()
	}
	return o
}
