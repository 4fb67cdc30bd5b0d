//go:build e2e

package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes"
)

// overhear notes what a request of the run carries that is secret: the tokens by
// which it asks, its own and those of tenants' accounts, the seeds that it gives to
// the probes, and every canary that can be derived from them.
func (r *recorder) overhear(request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if token, is := strings.CutPrefix(request.Header.Get("Authorization"), "Bearer "); is {
		r.secrets["token "+token[max(0, len(token)-6):]] = token
	}
	argv := request.URL.Query()["command"]
	for i, arg := range argv {
		if (arg != "--seed" && arg != "--tenant-seed") || i+1 == len(argv) {
			continue
		}
		seed, err := hex.DecodeString(argv[i+1])
		if err != nil {
			continue // the program refuses it, too
		}
		what := arg[2:] + " " + argv[i+1][:6]
		r.secrets[what] = argv[i+1]
		r.secrets[what+", raw"] = string(seed)
		names := probes.TokenNames()
		if arg == "--tenant-seed" {
			names = probes.TenantData()
		}
		for _, name := range names {
			r.secrets["canary "+name+" of "+what] = probes.Token(seed, name)
		}
	}
}

// requireNoSecrets searches every file of a run, and those in its bundle, for every
// secret of that run, as it is and in base64 and hexadecimal.
func (r *recorder) requireNoSecrets(t *testing.T, dir string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	kinds := map[string]int{}
	files := filesOf(t, dir)
	for what, secret := range r.secrets {
		kind, _, _ := strings.Cut(what, " ")
		kinds[kind]++
		for _, written := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret))} {
			for name, data := range files {
				if bytes.Contains(data, []byte(written)) {
					t.Errorf("%s holds the %s", name, what)
				}
			}
		}
	}
	for _, kind := range []string{"token", "seed", "canary"} {
		if kinds[kind] == 0 {
			t.Errorf("no %s was overheard, so nothing was searched for", kind)
		}
	}
	t.Logf("searched %d files for %v", len(files), kinds)
}
