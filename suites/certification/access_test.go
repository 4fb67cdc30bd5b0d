package certification

import (
	"slices"
	"testing"

	"github.com/katacert/katacert/suites/access"
	"github.com/katacert/katacert/suites/catalogue"
)

// The catalogue as a whole needs the whole table: no permission is documented, and
// none asked of a user, for nothing.
func TestEveryPermissionIsForSomeControl(t *testing.T) {
	needed := access.For(Catalogue(), access.Extras{})
	for _, p := range access.Table(access.Extras{}) {
		if !slices.ContainsFunc(needed, func(other access.Permission) bool { return other == p }) {
			t.Errorf("no control takes %s", p.What())
		}
	}
}

// Profile quick asks as nobody else than itself, and so needs nothing but what every
// run does.
func TestQuickNeedsTheLeast(t *testing.T) {
	quick, err := catalogue.Select(Catalogue(), catalogue.Choice{Profile: catalogue.Quick})
	if err != nil {
		t.Fatal(err)
	}
	if needs := access.Needs(quick, access.Extras{}); !slices.Equal(needs, []access.Need{access.EveryRun}) {
		t.Errorf("quick needs %v", needs)
	}
}
