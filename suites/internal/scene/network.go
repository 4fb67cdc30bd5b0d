package scene

import "github.com/katacert/katacert/probes/evidence"

// podVantages look in every round of a whole session.
func podVantages() []evidence.Vantage {
	all := []evidence.Vantage{evidence.Reference, evidence.Subject, evidence.Neighbour}
	for _, weakness := range Weaknesses {
		all = append(all, evidence.Weakened(weakness))
	}
	return all
}

// touch adds to the witness's record who touched what is planted: each plant by
// the vantage whose weakness leads there.
func (s *Scene) touch() {
	var lines []string
	for plant, weakness := range map[string]string{"loopback": "host-network", "loopback-udp": "host-network", "raw-frame": "net-raw"} {
		lines = append(lines, plant+" "+Nonce(evidence.Weakened(weakness), evidence.LookAgain))
	}
	lines = append(lines, "vsock "+Nonce(evidence.Subject, evidence.LookAgain))
	s.Set(evidence.Witness, evidence.Settle, "plants", "touched", list(lines...))
}

// network adds what the vantages reach by the network.
func (s *Scene) network() {
	for _, v := range podVantages() {
		s.Saw(v, evidence.LookAgain, "loopback", evidence.Values{"tried": list("tcp loopback: ECONNREFUSED")})
		s.Saw(v, evidence.Look, "metadata", evidence.Values{"answered": list(), "tried": list("gce: no-answer")})
		s.Saw(v, evidence.LookAgain, "kubelet", evidence.Values{"answers": list("10250: no-answer", "10255: no-answer"), "reached": list(), "open": list(), "stand_in": text("no-answer")})
	}
	s.nodeServices()
	for _, v := range []evidence.Vantage{evidence.Witness, evidence.Weakened("host-network")} {
		s.Saw(v, evidence.Look, "metadata", evidence.Values{"answered": list("gce"), "tried": list("gce: status 200")})
		s.Saw(v, evidence.LookAgain, "kubelet", evidence.Values{"answers": list("10250: status 400", "10255: ECONNREFUSED"), "reached": list("10250"), "open": list(), "stand_in": text("open")})
	}
	for _, v := range []evidence.Vantage{evidence.Subject, evidence.Weakened("net-raw")} {
		s.Saw(v, evidence.LookAgain, "raw-frame", evidence.Values{"tried": list("arp: EPERM")})
	}
	called := list("peer: no-answer", "own: done")
	s.Saw(evidence.Reference, evidence.LookAgain, "tenant-call", evidence.Values{"tried": list("peer: done", "own: done"), "found": list()})
	s.Saw(evidence.Subject, evidence.LookAgain, "tenant-call", evidence.Values{"tried": called, "found": list()})
	s.Saw(evidence.Neighbour, evidence.LookAgain, "tenant-call", evidence.Values{"tried": called, "found": list()})
	s.Saw(evidence.Subject, evidence.Settle, "listener-log", evidence.Values{"touched": list(
		"listener " + Nonce(evidence.Subject, evidence.LookAgain))})
	s.Saw(evidence.Neighbour, evidence.Settle, "listener-log", evidence.Values{"touched": list(
		"listener "+Nonce(evidence.Neighbour, evidence.LookAgain), "listener "+Nonce(evidence.Reference, evidence.LookAgain))})
}
