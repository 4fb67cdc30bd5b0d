package bundle_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/katacert/katacert/reports/bundle"
	"github.com/katacert/katacert/suites/certification"
)

// few chooses controls whose evidence is small, so that a test can verify often.
const few = "^(kernel-boot-id|kernel-release|vmm-netns|memory-sharing)$"

// aSmallRun is a run of which only what the API server said is kept: it proves
// nothing, and is quickly verified.
func aSmallRun(t testing.TB) string {
	t.Helper()
	all := records(t, recorded)
	all = all[len(all)-1:]
	r, pattern := reportOf(t, all, "^(kernel-boot-id|runtimeclass-overhead)$")
	return lay(t, r, all, pattern)
}

// entry is one file of an archive, as a test changes it.
type entry struct {
	header tar.Header
	text   []byte
}

// unpack reads an archive as any program would.
func unpack(t testing.TB, path string) []entry {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewReader(unzipped)
	var all []entry
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entry{*header, text})
	}
}

// repack writes an archive exactly as katacert does.
func repack(t testing.TB, all []entry) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), bundle.File)
	if err := os.WriteFile(path, zipped(t, tarred(t, all)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func tarred(t testing.TB, all []entry) []byte {
	t.Helper()
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	for _, e := range all {
		e.header.Size = int64(len(e.text))
		if e.header.Typeflag == tar.TypeSymlink {
			e.header.Size = 0
		}
		if err := archive.WriteHeader(&e.header); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write(e.text); err != nil && e.header.Size > 0 {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zipped(t testing.TB, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestRepackingChangesNothing(t *testing.T) {
	path, key := seal(t, aRun(t, few))
	if result := verify(t, repack(t, unpack(t, path)), byThis(), key); result.Verdict() != bundle.Verified {
		t.Error(text(t, result))
	}
}

// Whoever changes a byte of a file and packs the archive again, without the key, is
// found, and the file is named.
func TestEveryFlippedByteOfAFileIsNamed(t *testing.T) {
	path, key := seal(t, aSmallRun(t))
	all := unpack(t, path)
	for i := range all {
		name := all[i].header.Name
		t.Run(name, func(t *testing.T) {
			whole := all[i].text
			for _, at := range places(len(whole), 40) {
				all[i].text = bytes.Clone(whole)
				all[i].text[at] ^= 1 << (at % 8)
				result := verify(t, repack(t, all), byThis(), key)
				if result.Verdict() != bundle.Refuted || !strings.Contains(text(t, result), name+" was changed") {
					t.Errorf("byte %d, %q in place of %q, is not named:\n%s", at, all[i].text[at], whole[at], text(t, result))
				}
			}
			all[i].text = whole
		})
	}
}

// places are indexes of a text of n bytes: the first and last few, and some between.
func places(n, between int) []int {
	var at []int
	for i := range min(n, 8) {
		at = append(at, i)
	}
	for i := range between {
		at = append(at, 8+i*max(1, (n-16)/between))
	}
	for i := max(0, n-8); i < n; i++ {
		at = append(at, i)
	}
	for len(at) > 0 && at[len(at)-1] >= n {
		at = at[:len(at)-1]
	}
	return at
}

// No byte of the archive itself can be another, be it in a header, in the padding
// between two files or in a bit of the compression that means nothing.
func TestNoByteOfTheArchiveCanChange(t *testing.T) {
	path, key := seal(t, aSmallRun(t))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if result := verify(t, path, byThis(), key); result.Verdict() != bundle.Verified {
		t.Fatal(text(t, result))
	}
	t.Run("compressed", func(t *testing.T) {
		flipAll(t, whole, key, places(len(whole), 300), func(b []byte) []byte { return b })
	})
	unzipped, err := gzip.NewReader(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	var headers []int // of the first file and the end of the archive
	for i := range 512 {
		headers = append(headers, i, len(plain)-1-i)
	}
	t.Run("tar", func(t *testing.T) { flipAll(t, plain, key, headers, func(b []byte) []byte { return zipped(t, b) }) })
}

func flipAll(t *testing.T, whole []byte, key bundle.PublicKey, at []int, pack func([]byte) []byte) {
	path := filepath.Join(t.TempDir(), bundle.File)
	for _, i := range at {
		changed := bytes.Clone(whole)
		changed[i] ^= 1 << (i % 8)
		if err := os.WriteFile(path, pack(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		result, err := bundle.Verify(t.Context(), path, []bundle.PublicKey{key}, byThis())
		if err == nil && result.Verdict() != bundle.Refuted {
			t.Errorf("byte %d of %d changed, and the bundle is %s:\n%s", i, len(whole), result.Verdict(), text(t, result))
		}
	}
}

// The padding bits of the last block of the compression carry nothing, and the CRC
// does not cover them.
func TestPaddingBitsOfTheCompressionAreHeld(t *testing.T) {
	path, key := seal(t, aSmallRun(t))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for bit := range 8 * 16 { // of the last bytes before the trailer of 8
		changed := bytes.Clone(whole)
		changed[len(whole)-9-bit/8] ^= 1 << (bit % 8)
		unzipped, err := gzip.NewReader(bytes.NewReader(changed))
		if err != nil {
			continue
		}
		if _, err := io.Copy(io.Discard, unzipped); err != nil {
			continue
		}
		found = true
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if result := verify(t, path, byThis(), key); result.Verdict() != bundle.Refuted {
			t.Errorf("bit %d before the end is free:\n%s", bit, text(t, result))
		}
	}
	if !found {
		t.Skip("this compression pads with nothing")
	}
}

// edited changes the run's folder as somebody with the trusted key would, who wants a
// better report, and makes the bundle.
func edited(t *testing.T, pattern string, edit func(t *testing.T, dir string)) *bundle.Result {
	t.Helper()
	dir := aRun(t, pattern)
	edit(t, dir)
	path, key := forge(t, dir)
	return verify(t, path, byThis(), key)
}

// change replaces a text in a file of the run.
func change(file, old, new string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		path := filepath.Join(dir, file)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(data, []byte(old)) {
			t.Fatalf("%s does not hold %q", file, old)
		}
		if err := os.WriteFile(path, bytes.Replace(data, []byte(old), []byte(new), 1), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// withReport changes the report's JSON.
func withReport(edit func(report map[string]any)) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		path := filepath.Join(dir, "report.json")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var tree map[string]any
		if err := json.Unmarshal(data, &tree); err != nil {
			t.Fatal(err)
		}
		edit(tree)
		if data, err = json.Marshal(tree); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func list(report map[string]any, name string) []any { return report[name].([]any) }

func with(list []any, key, value string) map[string]any {
	for _, item := range list {
		if m := item.(map[string]any); m[key] == value {
			return m
		}
	}
	panic(fmt.Sprintf("nothing has %s %q", key, value))
}

// A signature shows who made a bundle, and nothing about whether it is honest. What
// its maker changed is found by judging the evidence again.
func TestAForgerWithTheKeyIsFound(t *testing.T) {
	evidence := certification.EvidenceFile
	for name, test := range map[string]struct {
		edit  func(*testing.T, string)
		check string
		says  []string
	}{
		"a fail that was made a pass": {check: "verdicts", says: []string{"memory-sharing [katacert-full-vm/kata-qemu]: the report says pass", "its evidence comes to fail"}, edit: withReport(func(r map[string]any) {
			with(list(r, "verdicts"), "control", "memory-sharing")["result"] = "pass"
			r["outcome"] = "certified"
			r["summary"] = map[string]any{"counts": map[string]any{"pass": 4}, "findings": 0}
		})},
		"another reason": {check: "verdicts", says: []string{"kernel-boot-id", "its reason or readings are not those of the evidence"}, edit: withReport(func(r map[string]any) {
			with(list(r, "verdicts"), "control", "kernel-boot-id")["reason"] = "all is well"
		})},
		"another version of Kata's shim": {check: "verdicts", says: []string{"katacert-full-vm/kata-qemu", "other files or versions of Kata"}, edit: withReport(func(r map[string]any) {
			with(list(list(r, "targets")[0].(map[string]any), "parts"), "role", "shim")["version"] = "4.9.9"
		})},
		"another reading": {check: "verdicts", says: []string{"kernel-release"}, edit: withReport(func(r map[string]any) {
			v := with(list(r, "verdicts"), "control", "kernel-release")
			v["compared"].([]any)[0].(map[string]any)["subject"] = "6.6.6"
		})},
		"a control that was lowered to hardening": {check: "completeness", says: []string{"control memory-sharing is not told as the catalogue tells it"}, edit: withReport(func(r map[string]any) {
			with(list(r, "controls"), "id", "memory-sharing")["level"] = "hardening"
			r["outcome"] = "certified"
			r["summary"].(map[string]any)["findings"] = 1
		})},
		"a control that was left out": {check: "completeness", says: []string{"control memory-sharing was chosen, and is not in the report"}, edit: withReport(func(r map[string]any) {
			drop := func(name, key string) {
				var kept []any
				for _, item := range list(r, name) {
					if item.(map[string]any)[key] != "memory-sharing" {
						kept = append(kept, item)
					}
				}
				r[name] = kept
			}
			drop("controls", "id")
			drop("verdicts", "control")
			r["outcome"] = "certified"
			delete(r["summary"].(map[string]any)["counts"].(map[string]any), "fail")
		})},
		"a level that was not asked for": {check: "completeness", says: []string{`the run was made with --require "hardening"`}, edit: change("configuration.json", `"require": "isolation"`, `"require": "hardening"`)},
		"another runtime":                {check: "verdicts", says: []string{`the report says that "containerd-shim-other-v2" ran it`}, edit: change("report.json", `"shim": "containerd-shim-kata-v2"`, `"shim": "containerd-shim-other-v2"`)},
		"another time of the run":        {check: "schema", says: []string{"and the run lasted from"}, edit: withReport(func(r map[string]any) { r["run"].(map[string]any)["started"] = "2026-11-28T13:20:00Z" })},
		"another reading in the evidence": {check: "verdicts", says: []string{"kernel-release"},
			edit: change(evidence, `"release":"6.1.0-50-amd64"`, `"release":"6.1.0-51-amd64"`)},
		"another time in the evidence":   {check: "schema", says: []string{"line 1: ", "and the run lasted from"}, edit: change(evidence, `"started":"2026-11-28T13:`, `"started":"2025-11-28T13:`)},
		"evidence of another run":        {check: "schema", says: []string{"line 1: ", "is of run"}, edit: change(evidence, `"run":"20261128-130733-adf5cad0"`, `"run":"20261128-130733-00000000"`)},
		"evidence of another target":     {check: "schema", says: []string{"which the report does not list"}, edit: change(evidence, `"target":"katacert-full-vm/kata-qemu"`, `"target":"elsewhere/kata-qemu"`)},
		"evidence in another spelling":   {check: "schema", says: []string{"line 1: it is not written as katacert writes records"}, edit: change(evidence, `{"schema"`, `{ "schema"`)},
		"evidence with an unknown field": {check: "schema", says: []string{"line 1: it is no record of evidence"}, edit: change(evidence, `{"schema"`, `{"more":1,"schema"`)},
		"a record that was left out": {check: "verdicts", says: []string{"kernel-boot-id"}, edit: func(t *testing.T, dir string) {
			lines := strings.SplitAfter(read(t, dir, evidence), "\n")
			write(t, dir, evidence, strings.Join(lines[1:], ""))
		}},
		"a record that is there twice": {check: "schema", says: []string{"which is empty or another record's"}, edit: func(t *testing.T, dir string) {
			lines := strings.SplitAfter(read(t, dir, evidence), "\n")
			write(t, dir, evidence, lines[0]+strings.Join(lines, ""))
		}},
		"evidence that was cut off": {check: "schema", says: []string{"line 53: it is no record of evidence"}, edit: func(t *testing.T, dir string) {
			whole := read(t, dir, evidence)
			write(t, dir, evidence, whole[:len(whole)-20])
		}},
	} {
		t.Run(name, func(t *testing.T) {
			result := edited(t, few, test.edit)
			said := text(t, result)
			if result.Verdict() != bundle.Refuted {
				t.Errorf("the bundle is %s", result.Verdict())
			}
			for _, c := range result.Checks {
				if c.Name == test.check && c.State != bundle.Failed {
					t.Errorf("check %s is %s", c.Name, c.State)
				}
			}
			for _, want := range test.says {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q:\n%s", want, said)
				}
			}
		})
	}
}

func read(t testing.TB, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
