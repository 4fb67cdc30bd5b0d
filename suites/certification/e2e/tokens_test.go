//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// webToken is how every token of a service account begins: the header of a JSON
// Web Token (RFC 7519), in base64.
var webToken = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}\.eyJ`)

// requireNoTokens makes sure that nothing which a run wrote holds a token of the
// accounts it asked with.
func requireNoTokens(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s holds %v, %v", dir, files, err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		if webToken.Match(data) {
			t.Errorf("%s holds a token", path)
		}
	}
}
