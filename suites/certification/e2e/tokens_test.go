//go:build e2e

package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/katacert/katacert/reports/bundle"
)

// secretPatterns are how what must not be written begins.
var secretPatterns = map[string]*regexp.Regexp{
	// the header of a JSON Web Token (RFC 7519), in base64
	"a token of a service account": regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}\.eyJ`),
	"a private key":                regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY`),
	// "-----BEGIN PRIVATE", "-----BEGIN EC PRIVATE" and "-----BEGIN RSA PRIVATE" in base64
	"a kubeconfig's private key": regexp.MustCompile(`client-key-data|LS0tLS1CRUdJTiB(QUklWQVRF|FQyBQUklWQVRF|SU0EgUFJJVkFUR)`),
	// what the seeds of planted tokens come to a pod by
	"the seed of planted tokens": regexp.MustCompile(`-seed[= "',]+[0-9a-f]{64}`),
}

// requireNoTokens makes sure that nothing which a run wrote holds a token of the
// accounts it asked with, a key, or what its planted tokens are derived from.
func requireNoTokens(t *testing.T, dir string) {
	t.Helper()
	for name, data := range filesOf(t, dir) {
		for what, secret := range secretPatterns {
			if secret.Match(data) {
				t.Errorf("%s holds %s", name, what)
			}
		}
	}
}

// filesOf reads every file of a run, and every file in its bundle.
func filesOf(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s holds %v, %v", dir, files, err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(path)] = data
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(all[bundle.File]))
	if err != nil {
		t.Fatalf("the bundle of %s: %v", dir, err)
	}
	archive := tar.NewReader(unzipped)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if all[bundle.File+"/"+header.Name], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
}
