package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
)

// A dry run prints what would be applied, and what the nodes would pull, and asks
// no cluster.
func TestKataDryRun(t *testing.T) {
	t.Parallel()
	chart, err := loader.LoadDir("../../fixtures/kata/internal/testchart/chart")
	if err != nil {
		t.Fatal(err)
	}
	archive, err := chartutil.Save(chart, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	digest, image := "sha256:"+hex.EncodeToString(sum[:]), "sha256:"+strings.Repeat("a", 64)
	values := file(t, "kata.yaml", "chart: "+archive+"\nchart-digest: "+digest+"\nimage-digest: "+image+"\nregistry: mirror.example/kata\nshim: [qemu]\n")
	got := katacert(t, "kata", "install", "--dry-run", "--config", values)
	if got.code != exitCertified {
		t.Fatalf("exit code %d: %s", got.code, got.stderr)
	}
	for _, part := range []string{
		"kind: DaemonSet", "image: mirror.example/kata/kata-containers/kata-deploy@" + image, "name: kata-qemu\n", "name: kata-runtime\n", "handler: kata\n", "namespace: kube-system",
	} {
		if !strings.Contains(got.stdout, part) {
			t.Errorf("standard output does not hold %q: %s", part, got.stdout)
		}
	}
	if strings.Contains(got.stdout, "kata-qemu-runtime-rs") {
		t.Error("a shim is installed that was not named")
	}
	for _, part := range []string{digest, "image mirror.example/kata/kata-containers/kata-deploy@" + image, "image mirror.example/kata/kata-containers/kubectl:latest"} {
		if !strings.Contains(got.stderr, part) {
			t.Errorf("standard error does not hold %q: %s", part, got.stderr)
		}
	}
}

func TestKataNeedsACluster(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"kata status", "kata install", "kata uninstall"} {
		got := katacert(t, append(strings.Fields(args), "--kubeconfig", "/no/such/kubeconfig")...)
		if got.code != exitPartial || !strings.Contains(got.stderr, "there is no kubeconfig /no/such/kubeconfig") {
			t.Errorf("%s: exit code %d, %s", args, got.code, got.stderr)
		}
	}
}
