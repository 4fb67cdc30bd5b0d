//go:build e2e

package e2e

import (
	"context"
	"os"
	"os/exec"
	"testing"
)

// The suites run without katacert's program too, against the cluster that the
// environment names: with what `katacert cluster up` prints, and the class.
func TestSuiteOfItsOwn(t *testing.T) {
	useCluster(t)
	if out, err := isolationSuite(t, "gvisor"); err != nil {
		t.Errorf("the suite does not pass on gVisor: %v\n%s", err, out)
	}
	out, err := isolationSuite(t, "runc")
	if err == nil {
		t.Errorf("the suite passes on runc:\n%s", out)
	}
	requireTexts(t, out, "[FAIL]", "kernel-boot-id", "the same boot_id")
	requireNoNamespaces(t)
}

func isolationSuite(t *testing.T, class string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), buildTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "test", "./suites/isolation", "-count", "1")
	cmd.Dir = source
	cmd.Env = os.Environ()
	for name, value := range shared.environ {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, "KATACERT_RUNTIME_CLASSES="+class, "KATACERT_PROFILE=quick")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
