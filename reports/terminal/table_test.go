package terminal

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/internal/sample"
)

var update = flag.Bool("update", false, "write the golden files in testdata again")

func shown(t *testing.T, r *reports.Report, o Options) string {
	t.Helper()
	var out bytes.Buffer
	if err := Table(&out, r, o); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTableGolden(t *testing.T) {
	files := []string{"reports/run/report.json", "reports/run/report.html"}
	for name, r := range map[string]*reports.Report{
		"sandboxed": sample.Sandboxed(), "plain": sample.Plain(), "dead": sample.Dead(), "many": sample.Large(60, 12),
	} {
		t.Run(name, func(t *testing.T) {
			got := shown(t, r, Options{Files: files})
			golden := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("the table is not as in %s: look at the difference, then `go test ./reports/terminal -update`. It is now:\n%s", golden, got)
			}
		})
	}
}

var escape = regexp.MustCompile("\x1b\\[[0-9]*m")

func TestTableFitsItsWidth(t *testing.T) {
	for name, r := range map[string]*reports.Report{"plain": sample.Plain(), "hostile": sample.Hostile(), "dead": sample.Dead(), "many": sample.Large(200, 30)} {
		for _, width := range []int{60, 80, 100, 120, 200} {
			for _, color := range []bool{false, true} {
				for line := range strings.Lines(escape.ReplaceAllString(shown(t, r, Options{Width: width, Color: color}), "")) {
					if got := runewidth.StringWidth(strings.TrimSuffix(line, "\n")); got > width {
						t.Errorf("%s at width %d: %d columns: %q", name, width, got, line)
					}
				}
			}
		}
	}
}

func TestTableColoursOnlyWhenAsked(t *testing.T) {
	plain := shown(t, sample.Plain(), Options{})
	if strings.Contains(plain, "\x1b") {
		t.Error("there are escape sequences without colour")
	}
	colored := shown(t, sample.Plain(), Options{Color: true})
	if !strings.Contains(colored, "\x1b[31mFAIL\x1b[0m") {
		t.Errorf("a fail is not red:\n%q", colored)
	}
	if escape.ReplaceAllString(colored, "") != plain {
		t.Error("colour changes the text")
	}
}

func TestTableIsSafeFromHostileEvidence(t *testing.T) {
	out := shown(t, sample.Hostile(), Options{Width: 80})
	for _, r := range out {
		if r != '\n' && (r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || strings.ContainsRune("\u202e\u2066\u2069\u202c\u200b\ufeff\u2028", r)) {
			t.Fatalf("the terminal gets %U", r)
		}
	}
	if len(out) > 1<<16 {
		t.Errorf("the table has %d bytes", len(out))
	}
	if !strings.Contains(out, `\x1b[31mred`) {
		t.Error("what the pod sent is not shown")
	}
}

func TestTableStaysShortForManyTargets(t *testing.T) {
	out := shown(t, sample.Large(1000, 100), Options{})
	if lines := strings.Count(out, "\n"); lines > 500 {
		t.Errorf("the table has %d lines", lines)
	}
	for _, want := range []string{"100 controls × 1000 targets: ", "targets more on which nothing failed", "verdicts more that are no pass, in the reports"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q", want)
		}
	}
}
