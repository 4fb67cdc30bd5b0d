package scene

import (
	"github.com/katacert/katacert/probes/evidence"
)

// api adds what the API server answers to the tenants' accounts in a cluster that
// is set up well.
func (s *Scene) api() {
	s.answers("admission", "plain", "host-pid", "privileged", "ephemeral-privileged")
	s.answers("class-choice", "plain", "no-class", "controller-no-class")
	s.answers("rights", "", "list:secrets:cluster", "impersonate:users:cluster")
	s.answers("tenant-reads", "", "a/get-secret", "b/get-secret", "a/exec", "b/exec")
}

// answers adds a question whose plain request is granted everywhere and whose
// others are where they may be only.
func (s *Scene) answers(question, plain string, whats ...string) {
	var asked, shown []string
	if plain != "" {
		line := "what=" + plain + " result=granted"
		asked, shown = []string{line}, []string{line}
	}
	for _, what := range whats {
		asked = append(asked, "what="+what+" result=refused by=policy/x")
		shown = append(shown, "what="+what+" result=granted")
	}
	s.Saw(evidence.API, evidence.Look, question, evidence.Values{"asked": list(asked...), "shown": list(shown...), "said": list()})
}
