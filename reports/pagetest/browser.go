package pagetest

import (
	"context"
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// browserTimeout is long for a browser that needs two seconds when alone.
const browserTimeout = 2 * time.Minute

// Browser finds Chromium, and skips the test where there is none.
func Browser(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium is installed (Debian package chromium)")
	return ""
}

// Open opens an address and returns what the page became, and what the browser said.
func Open(t testing.TB, browser, address string) (dom, log string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), browserTimeout)
	defer cancel()
	// Without the sandbox, which a container of a CI system does not allow.
	command := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(),
		"--enable-logging=stderr", "--dump-dom", address)
	var said strings.Builder
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	return string(out), said.String()
}

// RequireAlive opens a page and fails the test where the browser's console says
// anything, where evidence ran, or where the page did not come to hold a text. It
// returns what the page became.
func RequireAlive(t testing.TB, address, want string) (dom string) {
	t.Helper()
	dom, log := Open(t, Browser(t), address)
	for line := range strings.Lines(log) {
		if strings.Contains(line, "CONSOLE") {
			t.Errorf("the console says %s", line)
		}
	}
	if !strings.Contains(dom, want) {
		t.Errorf("the page does not hold %q: its script did not run", want)
	}
	if strings.Contains(dom, "<title>owned") {
		t.Error("evidence ran in the browser")
	}
	return dom
}

// RequireUsable fails the test where a page that has a filter and details cannot be
// used by the keyboard alone, or does not print whole.
func RequireUsable(t testing.TB, file string) {
	t.Helper()
	if dom, log := Open(t, Browser(t), "file://"+WithScript(t, file, usable)); !strings.Contains(dom, `data-faults="none"`) {
		_, faults, _ := strings.Cut(dom, "data-faults=")
		t.Errorf("the page cannot be used: %.2000s\n%.2000s", faults, log)
	}
}

//go:embed usable.js
var usable string

// WithScript makes a copy of a page with one more script, and without the security
// policy that would not let it run.
func WithScript(t testing.TB, file, script string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, after, found := strings.Cut(string(text), `<meta http-equiv="Content-Security-Policy"`)
	if !found {
		t.Fatal("the page has no security policy")
	}
	page := before + strings.Replace(after[strings.Index(after, ">")+1:], "</body>", "<script>"+script+"</script></body>", 1)
	copied := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(copied, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	return copied
}
