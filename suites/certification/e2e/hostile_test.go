//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	nodev1 "k8s.io/api/node/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/katacert/katacert/suites/judge"
)

// lies are those that testdata/liar tells, with what katacert must say of them.
var lies = map[string]string{
	"nonce":   `claims nonce "0123456789abcdef"`,
	"pod":     `claims pod UID "00000000-0000-0000-0000-000000000000"`,
	"node":    `claims node "<script>`,
	"replay":  `claims round "act"`,
	"large":   "more than any honest probe",
	"endless": "more than any honest probe",
	"silent":  "did not finish within",
	"control": "unprintable text",
	"binary":  "is not UTF-8",
	"after":   "output after the end line",
	"line":    "bytes a line",
	"vantage": `claims vantage "witness"`,
	"twice":   "probe boot-id observed twice",
	"probe":   `"<b>boot-id|" is no probe id`,
	"reading": "is no name of a field",
	"errno":   "unprintable text",
	"cut":     "the output is cut off (no end line)",
	"nothing": "the probe printed nothing",
}

// believed are lies that nobody can tell from the truth: wrong words of an honest
// form. They must be shown as the texts that they are, and come to what the words
// say for the control that they are about.
var believed = map[string]expected{
	"markup":  passes("subject reads another boot_id"),
	"detail":  absent("subject has no such interface: <script>alert(1)</script>"),
	"refusal": passes("subject was refused: <script>alert(1)</script>"),
	// What is printed after the end may arrive or not; it is never evidence.
	"afterexit": append(passes("subject reads another boot_id"), expected{{judge.Error, "output after the end line"}, {judge.Error, "did not finish within"}}...),
}

// mostMemory bounds what katacert may hold while pods send without end, in
// bytes: a client of Kubernetes, and a small multiple of what one pod may send.
const mostMemory = 256 << 20

// hostileTimeout bounds a certification of all the liars, one after the other, which
// takes some three minutes on two cores.
const hostileTimeout = 15 * time.Minute

// Whatever a subject's pod sends, it is never a pass: each lie is an error that
// names it, in the reports as harmless text, and the honest pods of the same run
// are judged as ever.
func TestHostileEvidence(t *testing.T) {
	useCluster(t)
	liar := buildLiar(t)
	args := []string{"--profile", "quick", "--controls", "^kernel-(boot-id|boot-time|release)$", "--timeout-scale", "0.5", "--runtime-class", "gvisor"}
	for kind := range lies {
		args = append(args, "--runtime-class", addLiarClass(t, kind))
	}
	for kind := range believed {
		args = append(args, "--runtime-class", addLiarClass(t, kind))
	}
	run := startCertifyFor(t, hostileTimeout, func(cmd *exec.Cmd) { cmd.Path = liar }, onCluster(args...)...).finish(t)
	run.requireCode(t, 3)
	for _, v := range run.report.Verdicts {
		class := strings.TrimPrefix(v.Target, nodeName+"/")
		kind, lying := strings.CutPrefix(class, "lie-")
		want := passes("subject")
		if lying {
			want = expected{{judge.Error, lies[kind]}}
		}
		if form, honest := believed[kind]; lying && honest {
			want = form
			if v.Control != "kernel-boot-id" {
				want = append(expected{{judge.Error, "did not run probe"}}, form[1:]...)
			}
		}
		t.Run(class+"/"+v.Control, func(t *testing.T) { want.require(t, v) })
	}
	requireInert(t, run)
	t.Logf("peak memory %d MiB", run.peak>>20)
	if run.peak > mostMemory {
		t.Errorf("katacert held %d bytes, at most %d are in order", run.peak, mostMemory)
	}
	if len(run.report.Leftovers) > 0 {
		t.Errorf("the run left %v", run.report.Leftovers)
	}
	requireNoNamespaces(t)
}

// requireInert checks that nothing that a pod sent acts in any format.
func requireInert(t *testing.T, run certified) {
	t.Helper()
	page := readFile(t, run.dir, "report.html")
	requireTexts(t, page, "&lt;script&gt;alert(1)")
	for name, text := range map[string]string{
		"report.html": page, "junit.xml": readFile(t, run.dir, "junit.xml"),
		"summary.md": readFile(t, run.dir, "summary.md"), "standard output": run.stdout, "standard error": run.stderr,
		"report.json": readFile(t, run.dir, "report.json"), "evidence.jsonl": readFile(t, run.dir, "evidence.jsonl"),
	} {
		for _, acting := range []string{"\x1b", "\x00", "\u202e"} {
			if strings.Contains(text, acting) {
				t.Errorf("%s holds %q", name, acting)
			}
		}
		if strings.Contains(text, "printed-after-exit") {
			t.Errorf("%s holds what a pod printed after its end", name)
		}
	}
	for _, acting := range []string{"<script>alert", "<testcase", "<img", "<b>"} {
		if strings.Contains(page, acting) {
			t.Errorf("report.html holds %s", acting)
		}
	}
	requireJUnit(t, run.dir, run.report)
}

// addLiarClass adds a RuntimeClass of gVisor in whose pods the liar lies.
func addLiarClass(t *testing.T, kind string) string {
	t.Helper()
	name := "lie-" + kind
	addClass(t, &nodev1.RuntimeClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Handler: "runsc"})
	return name
}

// buildLiar puts a copy of katacert beside programs for the pods of which the
// probe is testdata/liar, and returns its path.
func buildLiar(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	honest, payload := filepath.Join(dir, "honest"), filepath.Join(dir, "payload", "linux-"+runtime.GOARCH)
	for _, folder := range []string{honest, payload} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	goBuild(t, "-o", honest+"/", "./cmd/probe")
	goBuild(t, "-o", payload+"/", "./cmd/pause", "./cmd/trainer")
	// The liar carries the real probe, whose file the overlay puts into its
	// folder for the compiler alone.
	const folder = "suites/certification/e2e/testdata/liar"
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(source, folder, "real"): filepath.Join(honest, "probe"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	goBuild(t, "-overlay", filepath.Join(dir, "overlay.json"), "-o", filepath.Join(payload, "probe"), "./"+folder)
	liar := filepath.Join(dir, "katacert")
	if err := os.Link(program, liar); err != nil {
		t.Fatal(err)
	}
	return liar
}

func goBuild(t *testing.T, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), buildTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid="}, args...)...)
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}
