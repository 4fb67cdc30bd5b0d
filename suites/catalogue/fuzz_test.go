package catalogue_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

// tenantVantages are those whose pods run on the RuntimeClass under test: a
// hostile tenant may send anything from them.
var tenantVantages = []evidence.Vantage{evidence.Subject, evidence.Neighbour, evidence.GuestRoot, evidence.Trainer,
	evidence.TrainerBlock, evidence.SubjectSuccessor, evidence.NeighbourSuccessor}

// everything is the whole catalogue, made once: it is judged thousands of times.
var everything = controls()

// judgedWithin bounds the judging of one target, in a fuzzing worker beside
// others. It takes some milliseconds.
const judgedWithin = 10 * time.Second

// toldByTenants are the controls that compare two tenants, or two pods of one, with
// each other, so that what one sends stands as the truth for the other.
var toldByTenants = []string{"tenant-kernel", "tenant-page-cache", "rng-distinct",
	"annotation-guest-seccomp", "annotation-default-memory", "annotation-default-vcpus"}

// shownByThemselves are the controls whose job shows by a second run that it can
// fail.
var shownByThemselves = []string{"training-converges", "training-block-volume"}

// blind is a sound session whose control vantages detect nothing: they see what
// the subject sees. No lie of the subject may make up for that.
func blind() *scene.Scene {
	s := machine()
	for _, r := range s.Records() {
		if _, weakened := r.Vantage.Weakness(); weakened || r.Vantage == evidence.Reference {
			s.Drop(r.Vantage, r.Round)
			for _, of := range machine().Records() {
				if of.Vantage == evidence.Subject && of.Round == r.Round {
					for _, o := range of.Observations {
						s.Put(r.Vantage, r.Round, o)
					}
				}
			}
		}
	}
	return s
}

// FuzzJudge lets tenants' pods send anything that the decoder takes, within a
// session that is sound apart from them, and holds every verdict of the whole
// catalogue to what must be true whatever they send.
//
// Lines "@<vantage> <round>" begin the output of one pod; without its first and
// last line, which a hostile pod gets right. "+" in place of "@" adds to what an
// honest pod would send, in place of the same probe's. Edits change honest
// evidence in small ways, see edit.
func FuzzJudge(f *testing.F) {
	scenes := []*scene.Scene{machine(), plain(), twin(), blind()}
	sound := make([]map[string]judge.Verdict, len(scenes))
	for i, s := range scenes {
		sound[i] = judgeAll(s)
		var all strings.Builder
		for _, r := range s.Records() {
			if slices.Contains(tenantVantages, r.Vantage) {
				text := fmt.Sprintf("@%s %s\n%s", r.Vantage, r.Round, printed(r.Observations))
				all.WriteString(text)
				f.Add(byte(i), []byte{}, text)
			}
		}
		f.Add(byte(i), []byte{}, all.String())
	}
	for _, r := range recordedSubject(f) {
		f.Add(byte(0), []byte{}, fmt.Sprintf("+%s %s\n%s", r.Vantage, r.Round, printed(r.Observations)))
	}
	for i := range 64 {
		f.Add(byte(i), []byte{byte(i), byte(3 * i), byte(7 * i), byte(i), byte(11 * i), byte(5 * i)}, "")
	}
	f.Fuzz(func(t *testing.T, which byte, edits []byte, sent string) {
		i := int(which) % len(scenes)
		s := hostile(scenes[i], edits, sent)
		began := time.Now()
		verdicts := catalogue.JudgeAll(everything, s.Evidence())
		if took := time.Since(began); took > judgedWithin {
			t.Errorf("judging took %v", took)
		}
		requireVerdicts(t, verdicts, sound[i])
	})
}

// requireVerdicts checks what holds whatever tenants send; sound are the verdicts
// on what honest ones would.
func requireVerdicts(t *testing.T, verdicts, sound map[string]judge.Verdict) {
	t.Helper()
	for _, c := range everything {
		v, judged := verdicts[c.ID]
		if !judged || !slices.Contains(judge.Results(), v.Result) || v.Reason == "" {
			t.Errorf("%s has the verdict %q (%q)", c.ID, v.Result, v.Reason)
		}
		requireShown(t, c.ID+": reason", v.Reason, judge.LongestReason)
		for _, row := range v.Compared {
			for _, text := range []string{row.Reading, row.Truth, row.Control, row.Subject} {
				requireShown(t, c.ID+": "+row.Reading, text, judge.LongestReading)
			}
		}
		if v.Shown && !sound[c.ID].Shown && !slices.Contains(shownByThemselves, c.ID) {
			t.Errorf("%s was shown able to fail by what a tenant sent", c.ID)
		}
		if v.Result == judge.Pass {
			requireEarned(t, c, v)
		}
		requireTruth(t, c.ID, v, sound[c.ID])
	}
}

// requireShown checks that a text is bounded and shows as itself.
func requireShown(t *testing.T, what, text string, limit int) {
	t.Helper()
	// Unprintable characters are shown by up to ten, and a note ends what was cut.
	if n := utf8.RuneCountInString(text); n > 10*limit+len("… (9223372036854775807 bytes in all)") {
		t.Errorf("%s has %d characters", what, n)
	}
	for _, r := range text {
		if !strconv.IsPrint(r) {
			t.Errorf("%s holds %q", what, r)
		}
	}
}

// requireEarned checks that a pass rests on nothing of a tenant that is absent or
// missing, and that the control was shown able to fail.
func requireEarned(t *testing.T, c catalogue.Control, v judge.Verdict) {
	t.Helper()
	if !v.Shown {
		t.Errorf("%s passes (%s) and was not shown able to fail", c.ID, v.Reason)
	}
	looked := 0
	for _, b := range v.Rests {
		if !slices.Contains(tenantVantages, b.Vantage) {
			continue
		}
		if b.State == evidence.Seen || b.State == evidence.Denied {
			looked++
			continue
		}
		// priv-guest-root takes several controls together, some of which may not
		// apply; the pass rests on the others.
		if c.ID != together {
			t.Errorf("%s passes (%s) on what %s did not see: %+v", c.ID, v.Reason, b.Vantage, b)
		}
	}
	if c.ID == together && looked == 0 {
		t.Errorf("%s passes (%s) on nothing that was seen", c.ID, v.Reason)
	}
}

// requireTruth checks that no tenant changes what it is compared with.
func requireTruth(t *testing.T, id string, v, sound judge.Verdict) {
	t.Helper()
	if slices.Contains(toldByTenants, id) || id == together {
		return
	}
	truth := map[string]string{}
	for _, row := range sound.Compared {
		truth[row.Reading] = row.Truth
	}
	for _, row := range v.Compared {
		if want, has := truth[row.Reading]; has && row.Truth != "" && row.Truth != want {
			t.Errorf("%s compares %s with %q, and with %q where the tenants are honest", id, row.Reading, row.Truth, want)
		}
	}
}

// hostile is a session in which tenants' pods send other evidence.
func hostile(from *scene.Scene, edits []byte, sent string) *scene.Scene {
	s := scene.New()
	var theirs []evidence.Record
	for _, r := range from.Records() {
		if slices.Contains(tenantVantages, r.Vantage) {
			theirs = append(theirs, r)
			continue
		}
		for _, o := range r.Observations {
			s.Put(r.Vantage, r.Round, o)
		}
	}
	outputs := map[seat][]string{}
	for _, r := range edit(theirs, edits) {
		outputs[seat{r.Vantage, r.Round}] = strings.Split(strings.TrimSuffix(printed(r.Observations), "\n"), "\n")
	}
	overlay(outputs, sent)
	for at, lines := range outputs {
		observations, err := decoded(at, lines)
		if err != nil {
			s.Break(at.vantage, at.round, "the evidence cannot be believed: "+err.Error())
			continue
		}
		for _, o := range observations {
			s.Put(at.vantage, at.round, o)
		}
	}
	return s
}

type seat struct {
	vantage evidence.Vantage
	round   evidence.Round
}

// overlay puts what was sent into the outputs of pods.
func overlay(outputs map[seat][]string, sent string) {
	var at seat
	for line := range strings.Lines(sent) {
		line = strings.TrimSuffix(line, "\n")
		if line != "" && strings.ContainsRune("@+", rune(line[0])) {
			vantage, round, _ := strings.Cut(line[1:], " ")
			at = seat{evidence.Vantage(vantage), evidence.Round(round)}
			if !slices.Contains(tenantVantages, at.vantage) || !slices.Contains(evidence.Rounds(), at.round) {
				at = seat{}
			} else if line[0] == '@' {
				outputs[at] = nil
			}
			continue
		}
		if at == (seat{}) {
			continue
		}
		// An observation takes the place of the same probe's.
		if head, _, ok := strings.Cut(line, `","state"`); ok {
			outputs[at] = slices.DeleteFunc(outputs[at], func(have string) bool { return strings.HasPrefix(have, head+`"`) })
		}
		outputs[at] = append(outputs[at], line)
	}
}

// decoded takes the lines of observations of one pod as katacert does.
func decoded(at seat, lines []string) ([]evidence.Observation, error) {
	claim := evidence.Claim{Nonce: scene.Nonce(at.vantage, at.round), Vantage: at.vantage, Round: at.round, PodUID: scene.UID(at.vantage), Node: "node-1"}
	var first bytes.Buffer
	if err := evidence.Write(&first, claim, nil, 0); err != nil {
		return nil, err
	}
	head, _, _ := strings.Cut(first.String(), "\n")
	output := slices.Concat([]string{head}, lines, []string{fmt.Sprintf(`{"end":{"observations":%d,"cpu_us":1}}`, len(lines))})
	observations, _, err := evidence.Decode(strings.NewReader(strings.Join(output, "\n")+"\n"), claim, evidence.DefaultLimits())
	return observations, err
}

// printed are the observations as a probe prints them.
func printed(observations []evidence.Observation) string {
	var out strings.Builder
	for _, o := range observations {
		line, err := json.Marshal(map[string]evidence.Observation{"observation": o})
		if err == nil {
			out.Write(line)
			out.WriteByte('\n')
		}
	}
	return out.String()
}

// recordedSubject is what the guest of a recorded session sent.
func recordedSubject(f *testing.F) []evidence.Record {
	records, err := readRecording()
	if err != nil {
		f.Fatal(err)
	}
	return slices.DeleteFunc(records, func(r evidence.Record) bool { return r.Vantage != evidence.Subject })
}

// The largest evidence that the decoder takes, of every tenant's pod and every
// probe, against a node with long lists too.
func TestTheLargestEvidenceIsJudgedQuickly(t *testing.T) {
	s := machine()
	full := evidence.List(many(evidence.DefaultLimits().Readings)...)
	for _, r := range s.Records() {
		if r.Vantage != evidence.Witness && !slices.Contains(tenantVantages, r.Vantage) {
			continue
		}
		for _, o := range r.Observations {
			for name := range o.Values {
				if _, is := o.Values.List(name); is && o.Probe != "plants" && o.Probe != "shims" {
					s.Set(r.Vantage, r.Round, o.Probe, name, full)
				}
			}
		}
	}
	began := time.Now()
	verdicts := catalogue.JudgeAll(everything, s.Evidence())
	took := time.Since(began)
	t.Logf("judged in %v", took)
	if took > judgedWithin {
		t.Errorf("judging took %v, at most %v are in order", took, judgedWithin)
	}
	requireVerdicts(t, verdicts, verdicts)
}
