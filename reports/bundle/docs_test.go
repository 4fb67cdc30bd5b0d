package bundle_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/katacert/katacert/reports/bundle"
)

// The steps by hand of the documentation are run as they stand there, with programs
// that know nothing of katacert: on a sound bundle they succeed, and on one whose
// signature is another's they do not.
func TestTheDocumentedStepsByHand(t *testing.T) {
	for _, program := range []string{"bash", "openssl", "jq", "tar", "base64", "sha256sum"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("this machine has no %s", program)
		}
	}
	doc := documentation(t)
	_, steps, ok := strings.Cut(doc, "<!-- checked: the tests run this -->\n```sh\n")
	steps, _, ends := strings.Cut(steps, "```")
	if !ok || !ends {
		t.Fatal("docs/bundle.md has no steps by hand")
	}
	edwards, curve := newKeys(t)
	_, other := seal(t, aSmallRun(t))
	for _, key := range []any{edwards, curve} {
		dir := aSmallRun(t)
		signer, err := bundle.ReadSigner(keyFile(t, key))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bundle.Make(t.Context(), dir, signer, thisTool(t)); err != nil {
			t.Fatal(err)
		}
		byHand := func() (string, error) {
			work := t.TempDir()
			for _, name := range []string{bundle.File, bundle.PublicFile} {
				write(t, work, name, read(t, dir, name))
			}
			cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", steps)
			cmd.Dir = work
			out, err := cmd.CombinedOutput()
			return string(out), err
		}
		if out, err := byHand(); err != nil || strings.Count(out, ": OK\n") != 5 {
			t.Errorf("with a %T: %v\n%s", key, err, out)
		}
		write(t, dir, bundle.PublicFile, string(other.PEM()))
		if out, err := byHand(); err == nil {
			t.Errorf("with a %T, another's key verifies:\n%s", key, out)
		}
	}
}

func documentation(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "bundle.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The documentation names every file, check and argument.
func TestTheDocumentationIsWhole(t *testing.T) {
	doc := documentation(t)
	names := []string{bundle.File, bundle.PublicFile, bundle.ConfigurationFile, bundle.PublicKeyArgument, bundle.SignArgument}
	path, key := seal(t, aSmallRun(t))
	for _, e := range unpack(t, path) {
		names = append(names, e.header.Name)
	}
	for _, c := range verify(t, path, byThis(), key).Checks {
		names = append(names, c.Name)
	}
	for _, name := range names {
		if !strings.Contains(doc, "`"+name+"`") {
			t.Errorf("docs/bundle.md does not name %s", name)
		}
	}
	if n := reflect.TypeFor[bundle.Configuration]().NumField(); n != 5 {
		t.Errorf("the configuration has %d fields: does docs/bundle.md tell them all?", n)
	}
}
