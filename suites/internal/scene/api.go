package scene

import (
	"github.com/katacert/katacert/probes/evidence"
)

// api adds what the API server answers to the tenants' accounts in a cluster that
// is set up well, and the overhead of the pods: the subject's is counted where
// its RuntimeClass stands for a sandbox.
func (s *Scene) api(shim string) {
	counted := int64(160 << 20)
	if shim == ShimRunc {
		counted = 0
	}
	s.Saw(evidence.API, evidence.Look, "overhead", evidence.Values{
		"class_overhead_bytes": number(counted), "subject_overhead_bytes": number(counted), "subject_requests_bytes": number(32 << 20),
		"reference_overhead_bytes": number(0), "reference_requests_bytes": number(32 << 20)})
	s.Saw(evidence.Witness, evidence.Act, "sandbox-memory", evidence.Values{"sandboxes": list(
		"pod_uid="+UID(evidence.Subject)+" shim_kib=20000 rest_kib=120000 processes=4 unread=0",
		"pod_uid="+UID(evidence.Reference)+" shim_kib=9000 rest_kib=4000 processes=3 unread=0")})
	s.answers("admission", "plain", "host-pid", "privileged", "ephemeral-privileged")
	s.answers("class-choice", "plain", "no-class", "controller-no-class")
	s.answers("kubelet-anonymous", "", "/pods", "/runningpods/")
	s.answers("rights", "", "list:secrets:cluster", "impersonate:users:cluster")
	s.answers("anonymous", "", "list-namespaces", "list-pods", "get-secret")
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
