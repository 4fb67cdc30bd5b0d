package certification

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// everyoneGives runs rounds in which every pod gives parameters as only the
// witness may. It returns the target, and the command lines by pod.
func everyoneGives(t *testing.T, rounds ...evidence.Round) (*targetRun, map[string][]string) {
	t.Helper()
	var mu sync.Mutex
	told := map[string][]string{}
	e := execsServer(t, func(r *http.Request) inPod {
		argv := r.URL.Query()["command"]
		pod := strings.Split(r.URL.Path, "/")[6] // /api/v1/namespaces/ns/pods/NAME/exec
		mu.Lock()
		defer mu.Unlock()
		told[pod] = append(told[pod], strings.Join(argv, " "))
		value := func(flag string) string { return argv[slices.Index(argv, flag)+1] }
		claim := evidence.Claim{Nonce: value("--nonce"), Vantage: evidence.Vantage(value("--vantage")), Round: evidence.Round(value("--round")), PodUID: "uid-" + pod, Node: "node-1"}
		gives := evidence.Observation{Probe: "boot-id", State: evidence.Seen, Values: evidence.Values{
			"boot_id": evidence.Text("b"), probes.GivePrefix + probes.ParamHandle: evidence.Text("of-" + pod), probes.GivePrefix + "only_" + pod: evidence.Text("x")}}
		return func(stdout, _ io.Writer) error {
			return evidence.Write(stdout, claim, []evidence.Observation{gives}, 5)
		}
	})
	file, err := openEvidence(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.close() })
	run := &targetRun{r: &runner{watch: newWatcher(), exec: e, evidence: file, o: Options{RunID: "run", Timeouts: DefaultTimeouts(1), Progress: &notes{}}},
		target: Target{ID: "node-1/gvisor"}, given: map[string]string{}}
	run.target.Node.Status.NodeInfo.BootID = "b"
	for _, v := range []evidence.Vantage{evidence.Witness, evidence.Subject, evidence.Neighbour} {
		pod := runningPod(imageDigest)
		pod.Name, pod.UID = string(v), types.UID("uid-"+string(v))
		run.r.watch.setPod(pod)
		run.seats = append(run.seats, &seat{vantage: v, pod: pod})
	}
	for _, round := range rounds {
		run.round(t.Context(), round, run.witness()) // alone, as always
		run.round(t.Context(), round, run.others()...)
	}
	for _, r := range file.of(run.target.ID) {
		if r.Error != "" || len(r.Observations) != 1 {
			t.Fatalf("%s in round %s: %s", r.Vantage, r.Round, r.Error)
		}
	}
	return run, told
}

// What a tenant gives in the witness's words is told to nobody.
func TestOnlyTheWitnessGivesParameters(t *testing.T) {
	run, told := everyoneGives(t, evidence.Look, evidence.LookAgain)
	if want := map[string]string{probes.ParamHandle: "of-witness", "only_witness": "x"}; !maps.Equal(run.given, want) {
		t.Errorf("given are %v, want %v", run.given, want)
	}
	for pod, lines := range told {
		if last := lines[len(lines)-1]; strings.Contains(last, "of-subject") || strings.Contains(last, "only_subject") || !strings.Contains(last, "=of-witness") {
			t.Errorf("%s is told %s", pod, last)
		}
	}
}

// A pod can sign with its own nonce alone: nobody is told another's, and none is
// used twice.
func TestNobodyIsToldAnothersNonce(t *testing.T) {
	run, told := everyoneGives(t, evidence.Look, evidence.Act, evidence.LookAgain)
	seen := map[string]bool{}
	for _, r := range run.r.evidence.of(run.target.ID) {
		if len(r.Nonce) != 32 || seen[r.Nonce] {
			t.Errorf("the nonce %q has not 128 bits or is used twice", r.Nonce)
		}
		seen[r.Nonce] = true
		for pod, lines := range told {
			for _, line := range lines {
				if strings.Contains(line, r.Nonce) && (pod != string(r.Vantage) || !strings.Contains(line, "--round "+string(r.Round)+" ")) {
					t.Errorf("%s is told the nonce of %s in round %s: %s", pod, r.Vantage, r.Round, line)
				}
			}
		}
	}
	if len(seen) != 9 {
		t.Errorf("there are %d nonces, want one for each of 9 rounds", len(seen))
	}
}
