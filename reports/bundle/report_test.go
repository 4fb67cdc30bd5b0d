package bundle_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/bundle"
)

func TestTheReportOfABundleIsThatOfItsRun(t *testing.T) {
	dir := aSmallRun(t)
	want, err := reports.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	path, _ := seal(t, dir)
	renamed := filed(t, []byte(read(t, filepath.Dir(path), filepath.Base(path))))
	for _, from := range []string{dir, filepath.Join(dir, "report.json"), path, renamed} {
		got, err := bundle.ReadReport(from)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s holds another report", from)
		}
	}
}

func TestTheReportOfAChangedBundleIsRefused(t *testing.T) {
	path, _ := seal(t, aSmallRun(t))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := unpack(t, path)
	for i := range all {
		if all[i].header.Name == "report.json" {
			all[i].text = bytes.Replace(all[i].text, []byte("kernel"), []byte("Kernel"), 1)
		}
	}
	for name, test := range map[string]struct{ path, says string }{
		"a word of the report": {repack(t, all), "report.json was changed"},
		"cut off":              {filed(t, whole[:len(whole)/2]), "damaged or cut off"},
		"not there":            {filepath.Join(t.TempDir(), "bundle.tar.gz"), "report"},
		"an empty file":        {filed(t, nil), "corrupt or cut off"},
		"other compressed":     {filed(t, zipped(t, []byte("no archive"))), "katacert verify"},
	} {
		if _, err := bundle.ReadReport(test.path); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want an error that says %q", name, err, test.says)
		}
	}
}
