package reports_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files in testdata again")

// The formats that other programs and people read line by line. The page is
// left to the tests that look at its elements and to a browser.
func TestGolden(t *testing.T) {
	for _, name := range []string{"sandboxed", "plain", "dead", "several"} {
		dir := written(t, samples()[name]())
		for _, file := range []string{"junit.xml", "summary.md"} {
			t.Run(name+"/"+file, func(t *testing.T) {
				got := contents(t, filepath.Join(dir, file))
				golden := filepath.Join("testdata", name+"-"+file)
				if *update {
					if err := os.WriteFile(golden, got, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				if string(got) != string(contents(t, golden)) {
					t.Errorf("%s is not as in %s: look at the difference, then `go test ./reports -update`. It is now:\n%s", file, golden, got)
				}
			})
		}
	}
}
