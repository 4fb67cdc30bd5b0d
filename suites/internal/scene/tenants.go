package scene

import "github.com/katacert/katacert/probes/evidence"

// tenants adds what the tenants laid out, and what was found of it: on a shared
// kernel everything is where it is in a plain container, out of the other
// tenant's reach, and the weakened vantages find it.
func (s *Scene) tenants() {
	for _, v := range []evidence.Vantage{evidence.Subject, evidence.Neighbour, evidence.Reference} {
		s.Saw(v, evidence.Act, "tenant-data", evidence.Values{
			"laid": list("dataset /data/dataset.bin", "checkpoint /data/checkpoint.bin", "secret /secret",
				"tenant-environ process 9", "memory process 9", "listener process 9"),
			"failed": list()})
	}
	for _, at := range []struct {
		v     evidence.Vantage
		round evidence.Round
	}{
		{evidence.Subject, evidence.LookAgain}, {evidence.Neighbour, evidence.LookAgain},
		{evidence.SubjectSuccessor, evidence.Aftermath}, {evidence.NeighbourSuccessor, evidence.Aftermath},
	} {
		s.Saw(at.v, at.round, "tenant-files", evidence.Values{"found": list()})
		s.Saw(at.v, at.round, "tenant-processes", evidence.Values{"found": list()})
	}
	files, processes := evidence.Weakened("host-path-root"), evidence.Weakened("host-pid")
	s.Saw(files, evidence.LookAgain, "tenant-files", evidence.Values{"found": list(
		"dataset-a /host/pv/dataset.bin", "checkpoint-a /host/pv/checkpoint.bin", "secret-a /host/secret/token")})
	s.Saw(files, evidence.Aftermath, "tenant-files", evidence.Values{"found": list("dataset-a /host/pv/dataset.bin")})
	s.Saw(processes, evidence.LookAgain, "tenant-processes", evidence.Values{"found": list("tenant-environ-c environ of pid 9", "memory-c memory of pid 9")})
	s.Saw(processes, evidence.Aftermath, "tenant-processes", evidence.Values{"found": list()})
}
