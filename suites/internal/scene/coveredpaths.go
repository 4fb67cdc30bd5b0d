package scene

import "github.com/katacert/katacert/probes/evidence"

// coveredPaths adds what the vantages open of the paths that runtimes cover: a
// privileged container has none of them covered.
func (s *Scene) coveredPaths() {
	const probe = "covered-paths"
	for _, v := range podVantages() {
		s.Saw(v, evidence.Look, probe, evidence.Values{"open": list(), "shut": list("read /proc/keys: masked", "write /proc/sys: EROFS")})
	}
	s.Saw(evidence.Weakened("privileged"), evidence.Look, probe, evidence.Values{
		"open": list("read /proc/keys", "write /proc/sys/kernel/core_pattern"), "shut": list()})
}
