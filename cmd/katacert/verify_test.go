package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/katacert/katacert/fixtures/recordings"
	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/bundle"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
	"github.com/katacert/katacert/suites/judge"
)

// recordedRun is the folder of a run as certify leaves it but for the bundle: the
// evidence of a whole certification of Kata Containers, judged by this program.
func recordedRun(t *testing.T) string {
	t.Helper()
	recording, err := recordings.Find(recordings.GoShimRun)
	if err != nil {
		t.Fatal(err)
	}
	records, err := recording.Records()
	if err != nil {
		t.Fatal(err)
	}
	const pattern = "^kernel-"
	controls, err := catalogue.Select(certification.Catalogue(), catalogue.Choice{Profile: catalogue.Quick, Controls: pattern})
	if err != nil {
		t.Fatal(err)
	}
	gathered := judge.Gather(records)
	report := &reports.Report{Schema: reports.Schema,
		Run:     reports.Run{ID: records[0].Run, Tool: "katacert", Version: version(), Started: records[0].Started, Profile: catalogue.Quick, Require: catalogue.Isolation},
		Targets: []reports.Target{{ID: records[0].Target, RuntimeClass: "kata-qemu", Handler: "kata-qemu", Runtime: reports.RuntimeOf(gathered), Parts: reports.PartsOf(gathered)}}}
	var lines bytes.Buffer
	for _, r := range records {
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(line, '\n'))
		if r.Finished.After(report.Run.Finished) {
			report.Run.Finished = r.Finished
		}
	}
	report.Run.Started = report.Run.Started.Add(-time.Minute)
	verdicts := catalogue.JudgeAll(controls, gathered)
	for _, c := range controls {
		report.Controls = append(report.Controls, reports.Entry(c))
		report.Verdicts = append(report.Verdicts, reports.Verdict{Control: c.ID, Target: records[0].Target, Verdict: verdicts[c.ID]})
	}
	report.Conclude()
	dir := t.TempDir()
	writer, err := reports.Format("json")
	if err != nil {
		t.Fatal(err)
	}
	if err := reports.WriteWhole(filepath.Join(dir, writer.File), func(w io.Writer) error { return writer.Write(w, report) }); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, certification.EvidenceFile), lines.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := newCertify()
	if err := cmd.ParseFlags([]string{"--profile", "quick", "--controls", pattern}); err != nil {
		t.Fatal(err)
	}
	configuration, err := configurationOf(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if err := configuration.Write(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The exit code of verify says what the checks came to.
func TestBundleAndVerify(t *testing.T) {
	t.Parallel()
	dir := recordedRun(t)
	made := katacert(t, "bundle", dir)
	if made.code != 0 || made.stdout != filepath.Join(dir, "bundle.tar.gz")+"\n"+filepath.Join(dir, "bundle.pub")+"\n" {
		t.Fatalf("%d\n%s%s", made.code, made.stdout, made.stderr)
	}
	if !strings.Contains(made.stderr, "that shows integrity, not identity") {
		t.Errorf("it does not say what the signature of a fresh key is worth: %s", made.stderr)
	}
	path, key := filepath.Join(dir, "bundle.tar.gz"), filepath.Join(dir, "bundle.pub")
	changed := filepath.Join(t.TempDir(), "bundle.tar.gz")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole[len(whole)/2] ^= 1
	if err := os.WriteFile(changed, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{path, "--key", key}, 0, "VERIFIED: "},
		{[]string{dir, "--key", key}, 0, "VERIFIED: "},
		{[]string{path, "--key", key, "--output", "json"}, 0, `"verdict": "verified"`},
		{[]string{path}, 3, "NOT VERIFIED: nothing is wrong as far as was checked; not checked: signature"},
		{[]string{changed, "--key", key}, 1, "VERIFICATION FAILED: "},
		{[]string{changed, "--output", "json"}, 1, `"verdict": "verification-failed"`},
	} {
		if got := katacert(t, append([]string{"verify"}, test.args...)...); got.code != test.code || !strings.Contains(got.stdout, test.says) {
			t.Errorf("verify %v: exit code %d, want %d and %q\n%s%s", test.args, got.code, test.code, test.says, got.stdout, got.stderr)
		}
	}
	if got := katacert(t, "verify", key); got.code != 3 || !strings.Contains(got.stderr, "not compressed by gzip") {
		t.Errorf("a file that is no bundle: %d %s", got.code, got.stderr)
	}
}

// kms is a signing command as the documentation has it, with openssl in place of a KMS.
const kms = `#!/bin/sh
set -eu
case $2 in
public-key) openssl pkey -in "$1" -pubout ;;
sign) openssl dgst -sha256 -sign "$1" | base64 -w 0 ;;
*) exit 7 ;;
esac
`

func TestASigningCommand(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("this machine has no openssl")
	}
	script, key := file(t, "kms.sh", kms), filepath.Join(t.TempDir(), "key")
	if err := os.Chmod(script, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dir := recordedRun(t)
	if got := katacert(t, "bundle", dir, "--signing-command", script+" "+key); got.code != 0 || strings.Contains(got.stderr, "integrity") {
		t.Fatalf("%d\n%s%s", got.code, got.stdout, got.stderr)
	}
	got := katacert(t, "verify", dir, "--key", filepath.Join(dir, bundle.PublicFile))
	if got.code != 0 || !strings.Contains(got.stdout, "signed by command (ecdsa-p256-sha256)") {
		t.Errorf("%d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if got := katacert(t, "bundle", dir, "--signing-command", script+" /no/such/key"); got.code != 2 || !strings.Contains(got.stderr, "--signing-command: ask the signing command for its public key") {
		t.Errorf("%d\n%s", got.code, got.stderr)
	}
}

// certify's configuration has every option, and nothing of a signing command.
func TestTheConfigurationOfARun(t *testing.T) {
	cmd := newCertify()
	if err := cmd.ParseFlags([]string{"--runtime-class", "a,b", "--signing-command", "sign --pin 1234"}); err != nil {
		t.Fatal(err)
	}
	c, err := configurationOf(cmd)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"runtime-class":["a","b"]`, `"profile":"nightly"`, `"timeout-scale":"1"`, `"given":["runtime-class","signing-command"]`, `"platform":"linux/`} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("it lacks %s:\n%s", want, text)
		}
	}
	if bytes.Contains(text, []byte("1234")) {
		t.Errorf("it holds a PIN:\n%s", text)
	}
}
