package reports_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/internal/sample"
	"github.com/katacert/katacert/reports/pagetest"
)

// The page must come to life in a real browser under its own security policy,
// and evidence must not.
func TestPageInABrowser(t *testing.T) {
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
			pagetest.RequireAlive(t, "file://"+page(t, test.r)+test.fragment, test.want)
		})
	}
}

func TestPageByKeyboardAndOnPaper(t *testing.T) {
	for name, build := range samples() {
		t.Run(name, func(t *testing.T) { pagetest.RequireUsable(t, page(t, build())) })
	}
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
