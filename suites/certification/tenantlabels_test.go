package certification

import (
	"errors"
	"maps"
	"testing"
)

func TestParseTenantLabels(t *testing.T) {
	const level = "pod-security.kubernetes.io/enforce"
	got, err := ParseTenantLabels([]string{"policy.example/tenant=yes", level + "=restricted", "empty="})
	if want := map[string]string{"policy.example/tenant": "yes", level: "restricted", "empty": ""}; err != nil || !maps.Equal(got, want) {
		t.Errorf("labels %v, %v, want %v", got, err, want)
	}
	if got, err := ParseTenantLabels(nil); err != nil || len(got) > 0 {
		t.Errorf("no labels: %v, %v", got, err)
	}
	for text, says := range map[string]string{
		"tenant":                              "give it as key=value",
		"=yes":                                "name part must be non-empty",
		"a b=yes":                             "must consist of alphanumeric characters",
		"tenant=a b":                          "valid label must be",
		"katacert.dev/run=r2":                 "katacert sets labels katacert.dev/ itself",
		"app.kubernetes.io/managed-by=me":     "katacert sets labels app.kubernetes.io/managed-by itself",
		"kubernetes.io/metadata.name=other":   "itself",
		"policy.example/tenant=other-as-well": "given twice",
	} {
		got, err := ParseTenantLabels([]string{"policy.example/tenant=yes", text})
		expectError(t, err, "--tenant-label", text, says)
		if !errors.Is(err, ErrUsage) || got != nil {
			t.Errorf("%q gives %v, a usage error %t", text, got, errors.Is(err, ErrUsage))
		}
	}
}
