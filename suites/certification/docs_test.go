package certification

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/katacert/katacert/suites/catalogue"
)

var update = flag.Bool("update", false, "write docs/controls.md anew")

func TestDocumentationOfTheControlsIsCurrent(t *testing.T) {
	const path = "../../docs/controls.md"
	var want bytes.Buffer
	if err := catalogue.Markdown(&want, Catalogue()); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s does not say what the catalogue says: run `make generate`", path)
	}
}
