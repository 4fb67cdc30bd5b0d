package bundle_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/bundle"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// requireNote checks that a result is as wanted, and that one of its notes has the text.
func requireNote(t *testing.T, r *bundle.Result, want bundle.Verdict, note string) {
	t.Helper()
	if r.Verdict() != want || !strings.Contains(strings.Join(r.Notes, "\n"), note) {
		t.Errorf("the bundle is %s, want %s and a note %q:\n%s", r.Verdict(), want, note, text(t, r))
	}
}

func state(r *bundle.Result, name string) bundle.Check {
	for _, c := range r.Checks {
		if c.Name == name {
			return *c
		}
	}
	return bundle.Check{}
}

// Another version of Go may compress otherwise: then the files and the tar archive
// are held to the byte, and it is said that the compressed bytes were not.
func TestABundleOfAnotherGo(t *testing.T) {
	dir := aRun(t, few)
	signer, err := bundle.FreshSigner()
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := thisTool(t)
	elsewhere.Go = "go1.99.9"
	for name, packer := range map[string]bundle.Tool{"another": elsewhere, "this": thisTool(t)} {
		written, err := bundle.Make(t.Context(), dir, signer, packer)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := os.ReadFile(written[0])
		if err != nil {
			t.Fatal(err)
		}
		unzipped, err := gzip.NewReader(bytes.NewReader(whole))
		if err != nil {
			t.Fatal(err)
		}
		var again bytes.Buffer
		w, err := gzip.NewWriterLevel(&again, gzip.BestSpeed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(w, unzipped); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		result := verify(t, filed(t, again.Bytes()), byThis(), signer.Public)
		if name == "another" {
			requireNote(t, result, bundle.Verified, "was packed by a program of go1.99.9")
			longer := verify(t, filed(t, append(again.Bytes(), whole...)), byThis(), signer.Public)
			if longer.Verdict() != bundle.Refuted {
				t.Errorf("with an archive behind it, it is %s", longer.Verdict())
			}
		} else if result.Verdict() != bundle.Refuted {
			t.Errorf("compressed again by the same Go, it is %s", result.Verdict())
		}
	}
}

// A later catalogue may tell a control otherwise. That is said, and the verdicts
// count.
func TestABundleOfAnotherCatalogue(t *testing.T) {
	path, key := seal(t, aRun(t, few))
	at := func(all []catalogue.Control, id string) int {
		return slices.IndexFunc(all, func(c catalogue.Control) bool { return c.ID == id })
	}
	t.Run("told otherwise", func(t *testing.T) {
		later := byThis()
		later.Version = "v0.4.0"
		later.Controls[at(later.Controls, "kernel-boot-id")].Why = "Because."
		requireNote(t, verify(t, path, later, key), bundle.Verified, "was judged with the catalogue of katacert v0.3.0")
	})
	t.Run("judged otherwise", func(t *testing.T) {
		later := byThis()
		later.Version = "v0.4.0"
		c := &later.Controls[at(later.Controls, "kernel-boot-id")]
		c.Why, c.Rule = "Because.", nil
		c.Verdict = func(judge.Evidence) judge.Verdict { return judge.Verdict{Result: judge.Fail, Reason: "judged anew"} }
		said := text(t, verify(t, path, later, key))
		if !strings.Contains(said, "the report says pass") || !strings.Contains(said, "verify with that version before you draw conclusions") {
			t.Error(said)
		}
	})
	t.Run("in other words", func(t *testing.T) {
		later := byThis()
		later.Version = "v0.4.0"
		c := &later.Controls[at(later.Controls, "kernel-boot-id")]
		of := *c
		c.Why, c.Rule = "Because.", nil
		c.Verdict = func(e judge.Evidence) judge.Verdict {
			v := of.Judge(e)
			v.Reason = "in other words"
			return v
		}
		result := verify(t, path, later, key)
		if c := state(result, "verdicts"); result.Verdict() != bundle.Unproven || !strings.Contains(c.Text, "1 verdict came out the same with other words") {
			t.Error(text(t, result))
		}
	})
	t.Run("without a control", func(t *testing.T) {
		later := byThis()
		later.Version = "v0.4.0"
		later.Controls = slices.Delete(later.Controls, at(later.Controls, "kernel-boot-id"), at(later.Controls, "kernel-boot-id")+1)
		result := verify(t, path, later, key)
		if c := state(result, "verdicts"); result.Verdict() != bundle.Unproven || !strings.Contains(c.Text, "does not have 1 control of the run ([kernel-boot-id])") {
			t.Error(text(t, result))
		}
	})
}

// Without a key nobody's signature counts, and that is said; everything else is
// checked.
func TestWithoutAKeyNothingIsVerified(t *testing.T) {
	path, _ := seal(t, aRun(t, few))
	result := verify(t, path, byThis())
	if result.Verdict() != bundle.Unproven || !strings.Contains(text(t, result), "not checked: signature") {
		t.Error(text(t, result))
	}
	_, other := seal(t, aSmallRun(t))
	if said := text(t, verify(t, path, byThis(), other)); !strings.Contains(said, "no given key signed this bundle: it names key") {
		t.Error(said)
	}
	path, key := seal(t, aRun(t, few))
	if result := verify(t, path, byThis(), other, key, key); result.Verdict() != bundle.Verified {
		t.Errorf("with one key of several that fits:\n%s", text(t, result))
	}
}

// A run that came to nothing, or was cut short, has a bundle that is sound and says so.
func TestBundlesOfRunsThatCameToNothing(t *testing.T) {
	all := records(t, recorded)
	t.Run("set-up died", func(t *testing.T) {
		r, pattern := reportOf(t, all, few)
		r.Targets, r.Verdicts, r.Run.SetupError = nil, nil, "connect to the cluster: refused"
		r.Conclude()
		path, key := seal(t, lay(t, r, nil, pattern))
		if result := verify(t, path, byThis(), key); result.Verdict() != bundle.Verified || !strings.HasPrefix(result.Headline, "PARTIAL") {
			t.Error(text(t, result))
		}
	})
	t.Run("cut off before it was judged", func(t *testing.T) {
		r, pattern := reportOf(t, all, few)
		r.Verdicts, r.Run.Interrupted = nil, "it was cut off before it had ended"
		r.Conclude()
		path, key := seal(t, lay(t, r, all, pattern))
		requireNote(t, verify(t, path, byThis(), key), bundle.Verified, "cut short before 4 verdicts were given")
	})
	t.Run("interrupted, and judged as far as it came", func(t *testing.T) {
		r, pattern := reportOf(t, all[:5], few)
		r.Run.Interrupted = "interrupt"
		r.Conclude()
		path, key := seal(t, lay(t, r, all[:5], pattern))
		if result := verify(t, path, byThis(), key); result.Verdict() != bundle.Verified || !strings.HasPrefix(result.Headline, "PARTIAL") {
			t.Error(text(t, result))
		}
	})
}

// A killed run leaves the report that it wrote when it began, and evidence of later.
func TestTheBundleOfAKilledRun(t *testing.T) {
	all := records(t, recorded)
	r, pattern := reportOf(t, all, few)
	r.Verdicts, r.Run.Interrupted, r.Run.Finished = nil, "it has not ended: it goes on still, or it was killed", r.Run.Started
	r.Targets[0].Runtime = reports.Runtime{}
	r.Conclude()
	dir := lay(t, r, all, pattern)
	// It was killed in the middle of a line.
	evidence, err := os.OpenFile(filepath.Join(dir, "evidence.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := evidence.WriteString(`{"schema":"katacert`); err != nil {
		t.Fatal(err)
	}
	if err := evidence.Close(); err != nil {
		t.Fatal(err)
	}
	path, key := seal(t, dir)
	requireNote(t, verify(t, path, byThis(), key), bundle.Verified, "cut short before 4 verdicts were given")
}

// The images that nodes and device plugins are made of are under test; those of katacert
// are not.
func TestImagesUnderTestAreSubjects(t *testing.T) {
	all := records(t, recorded)
	r, pattern := reportOf(t, all, few)
	sum := strings.Repeat("0123456789abcdef", 4)
	r.Images = append(r.Images, reports.Image{Name: reports.NodeImage, Ref: "kindest/node@sha256:" + sum, Digest: "sha256:" + sum},
		reports.Image{Name: reports.DevicePluginImage + " 2", Ref: "registry.example/plugin:v1", Digest: "sha256:" + sum})
	path, key := seal(t, lay(t, r, all, pattern))
	if result := verify(t, path, byThis(), key); result.Verdict() != bundle.Verified {
		t.Error(text(t, result))
	}
	var e envelope
	if err := json.Unmarshal(unpack(t, path)[1].text, &e); err != nil {
		t.Fatal(err)
	}
	payload, err := base64.StdEncoding.DecodeString(e.Payload)
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Subject []struct{ Name string }
	}
	if err := json.Unmarshal(payload, &s); err != nil {
		t.Fatal(err)
	}
	if s.Subject[1].Name != "node image kindest/node@sha256:"+sum || s.Subject[2].Name != "device plugin image registry.example/plugin:v1" {
		t.Errorf("the subjects are %v", s.Subject)
	}
	for _, subject := range s.Subject {
		if strings.Contains(subject.Name, "registry.example/probe") {
			t.Errorf("katacert's own image is a subject: %s", subject.Name)
		}
	}
}
