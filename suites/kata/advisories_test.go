package kata

import (
	"strings"
	"testing"

	"golang.org/x/mod/semver"
)

// Which versions had a flaw, where several series of them did, or the first had not.
func TestAffectedVersions(t *testing.T) {
	byID := map[string]advisory{}
	for _, a := range advisories() {
		byID[a.id] = a
	}
	for _, test := range []struct {
		id, version string
		want        bool
	}{
		{"kata-advisory-2020-27151", "1.11.4", true},
		{"kata-advisory-2020-27151", "1.11.5", false},
		{"kata-advisory-2020-27151", "2.0.0-rc1", true},
		{"kata-advisory-2020-27151", "2.0.0", false},
		{"kata-advisory-2020-28914", "1.12.0", false},
		{"kata-advisory-2020-28914", "2.0.1", true},
		{"kata-advisory-2020-28914", "2.0.2", false},
		{"kata-advisory-2026-41326", "3.3.0", false},
		{"kata-advisory-2026-41326", "3.4.0", true},
		{"kata-advisory-2026-41326", "3.29.0", false},
		{"kata-advisory-2026-47243", "3.31.0-rc0", true},
		{"kata-advisory-annotations", "v3.32.0", true},
		{"kata-advisory-annotations", "4.0.0", false},
		{"kata-advisory-dragonball-memory", "4.2.0", true},
		{"kata-advisory-dragonball-memory", "4.3.0", false},
	} {
		if got := byID[test.id].affected(test.version); got != test.want {
			t.Errorf("%s, version %s: affected %t", test.id, test.version, got)
		}
	}
}

// Every advisory names versions that can be compared, a source, and what is not known
// of it in the control's own text.
func TestAdvisoriesAreTold(t *testing.T) {
	for _, a := range advisories() {
		for _, version := range []string{a.last, a.fixed} {
			if !semver.IsValid("v" + version) {
				t.Errorf("%s: %q is no version", a.id, version)
			}
		}
		if !a.affected(a.last) || a.affected(a.fixed) {
			t.Errorf("%s: %s and %s are not on both sides of it", a.id, a.last, a.fixed)
		}
		c := a.control()
		if !strings.Contains(c.Proves, a.source) || !strings.Contains(c.ProvesNot, a.untold) {
			t.Errorf("%s does not say its source, or what is not known", a.id)
		}
		if byNotes := strings.Contains(a.source, "release notes"); byNotes != (a.untold != "") {
			t.Errorf("%s rests on %s and says %q of what is not known", a.id, a.source, a.untold)
		}
	}
}
