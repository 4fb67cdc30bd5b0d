package bundle_test

import (
	"testing"
	"time"

	"github.com/katacert/katacert/reports/bundle"
)

func TestASoundBundleIsVerified(t *testing.T) {
	path, key := seal(t, aRun(t, ""))
	start := time.Now()
	result := verify(t, path, byThis(), key)
	t.Logf("verified in %s", time.Since(start))
	if result.Verdict() != bundle.Verified {
		t.Errorf("%s:\n%s", result.Verdict(), text(t, result))
	}
	t.Log(text(t, result))
}
