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

// webToken is how every token of a service account begins: the header of a JSON
// Web Token (RFC 7519), in base64.
var webToken = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}\.eyJ`)

// requireNoTokens makes sure that nothing which a run wrote holds a token of the
// accounts it asked with.
func requireNoTokens(t *testing.T, dir string) {
	t.Helper()
	for name, data := range filesOf(t, dir) {
		if webToken.Match(data) {
			t.Errorf("%s holds a token", name)
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
