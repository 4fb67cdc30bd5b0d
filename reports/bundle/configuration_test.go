package bundle_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/katacert/katacert/reports/bundle"
)

// What an option may hold of a secret is not kept.
func TestTheConfigurationKeepsNoSecret(t *testing.T) {
	c := bundle.Configuration{Schema: bundle.ConfigurationSchema}
	c.Set("kata-archive", true, false, "https://user:hunter2@mirror.example/kata.tar.zst?X-Amz-Signature=hunter2#hunter2")
	c.Set("signing-command", true, false, "sign --pin hunter2")
	c.Set("image-registry", true, false, "oci://robot:hunter2@registry.example/katacert")
	c.Set("nodes", true, true, "a", "https://x:hunter2@b")
	c.Set("context", true, false, "://hunter2\x7f")
	c.Set("profile", false, false, "quick")
	c.Set("controls", false, false, "")
	dir := t.TempDir()
	if err := c.Write(dir); err != nil {
		t.Fatal(err)
	}
	kept := read(t, dir, bundle.ConfigurationFile)
	if strings.Contains(kept, "hunter2") {
		t.Errorf("a secret was kept:\n%s", kept)
	}
	var back bundle.Configuration
	if err := json.Unmarshal([]byte(kept), &back); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"kata-archive": "https://mirror.example/kata.tar.zst", "image-registry": "oci://registry.example/katacert",
		"signing-command": "(given, and not kept: it may hold a secret)", "profile": "quick", "controls": ""} {
		if got := back.Options[name]; got != want {
			t.Errorf("option %s is kept as %q, want %q", name, got, want)
		}
	}
	if got := strings.Join(back.Given, " "); got != "context image-registry kata-archive nodes signing-command" {
		t.Errorf("given are %s", got)
	}
}

// What a run left behind incompletely, or in a form that is not katacert's, is not
// packed.
func TestARunThatCannotBePacked(t *testing.T) {
	signer, err := bundle.FreshSigner()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		edit func(t *testing.T, dir string)
		says string
	}{
		"no report":                 {func(t *testing.T, dir string) { remove(t, dir, "report.json") }, "report.json: no such file"},
		"no configuration":          {func(t *testing.T, dir string) { remove(t, dir, "configuration.json") }, "configuration.json: no such file"},
		"no evidence":               {func(t *testing.T, dir string) { remove(t, dir, "evidence.jsonl") }, "evidence.jsonl: no such file"},
		"another schema":            {change("configuration.json", "configuration/v1", "configuration/v9"), `schema "katacert.dev/configuration/v9"`},
		"an option that is no text": {change("configuration.json", `"profile": "destructive"`, `"profile": 7`), `option "profile" is neither a text nor a list of texts`},
		"half a line of evidence":   {change("evidence.jsonl", "}\n", "}\n{\"schema\":\"katacert"), "evidence.jsonl: line 2: it is no record of evidence"},
		"a changed report":          {change("report.json", `"outcome": "`, `"outcome": "not-`), "the file was changed"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := aSmallRun(t)
			test.edit(t, dir)
			if _, err := bundle.Make(t.Context(), dir, signer, thisTool(t)); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want %q", err, test.says)
			}
			if _, err := os.Stat(filepath.Join(dir, bundle.File)); err == nil {
				t.Error("there is a bundle")
			}
		})
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}
