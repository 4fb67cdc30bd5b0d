//go:build e2e

package e2e

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/katacert/katacert/reports/bundle"
)

// signingKey makes the key pair of a user and returns the paths of both halves.
func signingKey(t *testing.T) (private, public string) {
	t.Helper()
	dir := t.TempDir()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	put := func(name, kind string, der []byte, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	private = put("signing.key", "PRIVATE KEY", der, err)
	der, err = x509.MarshalPKIXPublicKey(pub)
	return private, put("signing.pub", "PUBLIC KEY", der, err)
}

// requireVerified verifies the bundle that a run left with a public key, or with the
// one beside it, and without any.
func requireVerified(t *testing.T, dir, key string) {
	t.Helper()
	if key == "" {
		key = filepath.Join(dir, bundle.PublicFile)
	}
	path := filepath.Join(dir, bundle.File)
	r := katacert(t, "verify", path, "--key", key)
	r.requireCode(t, 0)
	requireTexts(t, r.stdout, "VERIFIED: ", "judged again from")
	r = katacert(t, "verify", path)
	r.requireCode(t, 3)
	requireTexts(t, r.stdout, "NOT VERIFIED", "not checked: signature")
}

// requireTampersNamed changes the run's bundle and is told what was changed.
func requireTampersNamed(t *testing.T, dir, key string) {
	t.Helper()
	whole := []byte(readFile(t, dir, bundle.File))
	for _, at := range []int{20, len(whole) / 2, len(whole) - 1} {
		changed := bytes.Clone(whole)
		changed[at] ^= 1
		path := filepath.Join(t.TempDir(), bundle.File)
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		r := katacert(t, "verify", path, "--key", key)
		r.requireCode(t, 1)
		requireTexts(t, r.stdout, "VERIFICATION FAILED")
	}
	// The user's own key, and a better report.
	private, public := signingKey(t)
	forged := t.TempDir()
	for _, name := range []string{"report.json", "configuration.json", "evidence.jsonl"} {
		text := readFile(t, dir, name)
		if name == "evidence.jsonl" {
			lines := bytes.SplitAfter([]byte(text), []byte("\n"))
			text = string(bytes.Join(lines[1:], nil))
		}
		if err := os.WriteFile(filepath.Join(forged, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	katacert(t, "bundle", forged, "--signing-key", private).requireCode(t, 0)
	r := katacert(t, "verify", forged, "--key", public)
	r.requireCode(t, 1)
	requireTexts(t, r.stdout, "its evidence comes to")
}
