package reports_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/internal/sample"
)

// browserTimeout is long for a browser that needs two seconds when alone.
const browserTimeout = 2 * time.Minute

// The page must come to life in a real browser under its own security policy,
// and evidence must not.
func TestPageInABrowser(t *testing.T) {
	browser := chromium(t)
	for _, test := range []struct {
		name, fragment, want string
		r                    *reports.Report
	}{
		{"sandboxed", "", ">6 of 6 controls</output>", sample.Sandboxed()},
		{"a link opens its control", "#control-proc-planted", `<details class="control" data-marks="pass" open="">`, sample.Sandboxed()},
		{"dead", "", ">6 of 6 controls</output>", sample.Dead()},
		{"hostile", "", ">6 of 6 controls</output>", sample.Hostile()},
		{"large", "", ">100 of 100 controls</output>", sample.Large(1000, 100)},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := page(t, test.r)
			dom, log := dumped(t, browser, "file://"+file+test.fragment)
			for line := range strings.Lines(log) {
				if strings.Contains(line, "CONSOLE") {
					t.Errorf("the console says %s", line)
				}
			}
			if !strings.Contains(dom, test.want) {
				t.Errorf("the page does not hold %q: its script did not run", test.want)
			}
			if strings.Contains(dom, "<title>owned") {
				t.Error("evidence ran in the browser")
			}
		})
	}
}

// chromium finds the browser.
func chromium(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium is installed (Debian package chromium)")
	return ""
}

// dumped opens an address and returns what the page became, and what the browser said.
func dumped(t testing.TB, browser, address string) (dom, log string) {
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

// page writes the page alone.
func page(t testing.TB, r *reports.Report) (path string) {
	t.Helper()
	format, err := reports.Format("html")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), format.File))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(format.Write(file, r), file.Close()); err != nil {
		t.Fatal(err)
	}
	return file.Name()
}
