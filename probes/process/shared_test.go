package process

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/keys"
)

func TestKeyringsFindThePlantedKey(t *testing.T) {
	token := probes.Token([]byte("seed of "+t.Name()), probes.TokenKey)
	ctx := &probes.Context{Seek: map[string]string{probes.TokenKey: probes.TokenHash(token)}}
	before := keyrings(ctx)
	if found, _ := before.Values.List("found"); len(found) > 0 {
		t.Fatalf("found %q before anything was planted", found)
	}
	serial, err := keys.Add(fmt.Sprintf("katacert-test-%d", time.Now().UnixNano()), token, time.Minute)
	if err != nil {
		t.Skipf("the key service may not be used here: %v", err)
	}
	defer func() {
		if err := keys.Remove(serial); err != nil {
			t.Error(err)
		}
	}()
	o := keyrings(ctx)
	if found, _ := o.Values.List("found"); !slices.Contains(found, "user") {
		t.Errorf("%+v", o)
	}
	if o := keyrings(&probes.Context{}); o.State != evidence.Failed {
		t.Errorf("without a token: %+v", o)
	}
}

// Settings are opened and left as they are.
func TestSysctlsStayAsTheyAre(t *testing.T) {
	read := func() string {
		var all strings.Builder
		for _, name := range settings {
			// drop_caches cannot be read on every kernel.
			value, _ := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
			fmt.Fprintf(&all, "%s %s", name, value)
		}
		return all.String()
	}
	before := read()
	o := sysctls(&probes.Context{})
	opened, _ := o.Values.List("opened")
	refused, _ := o.Values.List("refused")
	if wanted := len(settings) + 1; len(opened)+len(refused) != wanted {
		t.Errorf("%d opened and %d refused of %d", len(opened), len(refused), wanted)
	}
	tried := slices.Concat(opened, refused)
	if !slices.ContainsFunc(tried, func(line string) bool { return strings.HasPrefix(line, "sysrq-trigger") }) {
		t.Errorf("the SysRq trigger was not tried: %q", tried)
	}
	if after := read(); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}
