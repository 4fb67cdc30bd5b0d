package scene

import "github.com/katacert/katacert/probes/evidence"

// nodeServices adds the services of the node: who is on its network reaches them.
func (s *Scene) nodeServices() {
	const probe = "node-services"
	s.Saw(evidence.Witness, evidence.Act, probe, evidence.Values{"ports": list("22", "9100"), "give_node_ports": text("22,9100")})
	for _, v := range podVantages() {
		s.Saw(v, evidence.LookAgain, probe, evidence.Values{"reached": list(), "refused": list("22: no-answer", "9100: no-answer"), "stand_in": text("no-answer")})
	}
	s.Saw(evidence.Weakened("host-network"), evidence.LookAgain, probe, evidence.Values{"reached": list("22", "9100"), "refused": list(), "stand_in": text("done")})
}
