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
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		t.Skip("no Chromium is installed (Debian package chromium)")
	}
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
			ctx, cancel := context.WithTimeout(t.Context(), browserTimeout)
			defer cancel()
			// Without the sandbox, which a container of a CI system does not allow.
			command := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(),
				"--enable-logging=stderr", "--dump-dom", "file://"+file+test.fragment)
			var log strings.Builder
			command.Stderr = &log
			dom, err := command.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, log.String())
			}
			for line := range strings.Lines(log.String()) {
				if strings.Contains(line, "CONSOLE") {
					t.Errorf("the console says %s", line)
				}
			}
			if !strings.Contains(string(dom), test.want) {
				t.Errorf("the page does not hold %q: its script did not run", test.want)
			}
			if strings.Contains(string(dom), "<title>owned") {
				t.Error("evidence ran in the browser")
			}
		})
	}
}

// page writes the page alone.
func page(t *testing.T, r *reports.Report) (path string) {
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
