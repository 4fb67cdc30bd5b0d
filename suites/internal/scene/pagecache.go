package scene

import "github.com/katacert/katacert/probes/evidence"

// Signs that are left in the page cache, each half of 64 pages.
const (
	signOfNode      = "0f0f0f0f0f0f0f0f"
	signOfTenantA   = "00ff00ff00ff00ff"
	signOfTenantB   = "0000ffff0000ffff"
	signOfReference = "5555555555555555"
	noPages         = "0000000000000000"
)

// pageCaches adds what everyone leaves in the page cache of its kernel, and what
// everyone finds in it.
func (s *Scene) pageCaches(tenant Kernel) {
	const probe = "page-cache"
	leave := func(v evidence.Vantage, sign string) {
		s.Saw(v, evidence.Act, probe, evidence.Values{"warmed": text(sign), "recovered": text(sign)})
	}
	leave(evidence.Witness, signOfNode)
	s.Set(evidence.Witness, evidence.Act, probe, "left_in_memory", number(0))
	leave(evidence.Subject, signOfTenantA)
	leave(evidence.Neighbour, signOfTenantB)
	leave(evidence.Reference, signOfReference)

	find := func(v evidence.Vantage, node, a, b, reference string) {
		s.Saw(v, evidence.LookAgain, probe, evidence.Values{"node": text(node), "tenant-a": text(a), "tenant-b": text(b), "reference": text(reference)})
	}
	shared := tenant.BootID == Node().BootID
	onNode := []evidence.Vantage{evidence.Reference}
	for _, weakness := range Weaknesses {
		onNode = append(onNode, evidence.Weakened(weakness))
	}
	a, b := noPages, noPages
	if shared {
		a, b = signOfTenantA, signOfTenantB
		onNode = append(onNode, evidence.Subject, evidence.Neighbour, evidence.GuestRoot)
	} else {
		find(evidence.Subject, noPages, signOfTenantA, noPages, noPages)
		find(evidence.Neighbour, noPages, noPages, signOfTenantB, noPages)
		find(evidence.GuestRoot, noPages, noPages, noPages, noPages)
	}
	for _, v := range onNode {
		find(v, signOfNode, a, b, signOfReference)
	}
}
