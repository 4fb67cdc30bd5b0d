package bundle

import (
	"bytes"
	"strings"
	"testing"

	"github.com/katacert/katacert/reports"
)

// Another version of katacert may name what was under test otherwise: then nothing is
// wrong, and nothing verified. What a run came to it must say the same.
func TestStatementsOfOtherVersions(t *testing.T) {
	sum := strings.Repeat("0123456789abcdef", 4)
	manifest := &Manifest{Packer: Tool{Version: "v1"}, Tool: Tool{Name: "katacert", Version: "v1", Platform: "linux/amd64", SHA256: sum}, Catalogue: Catalogue{SHA256: sum}}
	ran := nodes{Targets: []ran{{Target: "a/kata", Programs: []program{{Role: "kernel", Path: "/vmlinux", SHA256: sum}}}}}
	report := &reports.Report{Outcome: reports.Partial}
	text := []byte("{}")
	said, err := statement(manifest, text, report, ran)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, by, old, new string
		want               State
	}{
		{"the same", "v1", "", "", Sound},
		{"the same of another version", "v2", "", "", Sound},
		{"another subject", "v1", "guest kernel", "kernel", Failed},
		{"another subject of another version", "v2", "guest kernel", "kernel", NotChecked},
		{"another program of another version", "v2", "linux/amd64", "linux/arm64", NotChecked},
		{"another result of another version", "v2", "FAILED", "PASSED", Failed},
		{"another manifest of another version", "v2", digest(text), sum, Failed},
		{"no statement", "v2", "{", "[", Failed},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := &verification{Result: newResult("b"), opened: &opened{manifest: manifest, texts: map[string][]byte{manifestFile: text}},
				by: Judge{Version: test.by}, report: report, nodes: ran}
			changed := bytes.Replace(said, []byte(test.old), []byte(test.new), 1)
			if test.old != "" && bytes.Equal(changed, said) {
				t.Fatalf("the statement does not hold %q: %s", test.old, said)
			}
			v.attested(changed)
			if c := v.check(checkAttestation); c.State != test.want {
				t.Errorf("it is %s (%s %q), want %s", c.State, c.Text, c.Faults, test.want)
			}
		})
	}
}
