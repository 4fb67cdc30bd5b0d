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

// A dry run prints what would be applied, and asks no cluster.
func TestGPUDryRun(t *testing.T) {
	t.Parallel()
	chart, err := loader.LoadDir("../../fixtures/nvidia/deviceplugin/internal/testchart/chart")
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
	values := file(t, "gpu.yaml", "chart: "+archive+"\nchart-digest: "+digest+"\nimage-digest: "+image+"\nregistry: mirror.example\nruntime-class: nvidia\n"+
		"device-list-strategy: [cdi-cri]\ntoleration: [team=ai:NoSchedule]\nnode-selector: [gpu=yes]\n")
	got := katacert(t, "gpu", "install", "--dry-run", "--config", values)
	if got.code != exitCertified {
		t.Fatalf("exit code %d: %s", got.code, got.stderr)
	}
	reference := "mirror.example/nvidia/k8s-device-plugin:v0.20.0@" + image
	for _, part := range []string{"image: " + reference, "runtimeClassName: nvidia", "value: cdi-cri", "value: ai", "gpu: \"yes\"", "name: nvidia-device-plugin-mps-control-daemon"} {
		if !strings.Contains(got.stdout, part) {
			t.Errorf("standard output does not hold %q: %s", part, got.stdout)
		}
	}
	for _, part := range []string{digest, "image " + reference} {
		if !strings.Contains(got.stderr, part) {
			t.Errorf("standard error does not hold %q: %s", part, got.stderr)
		}
	}
}

func TestGPUUsage(t *testing.T) {
	t.Parallel()
	for args, says := range map[string]string{
		"gpu install --resource nvidia.com/pgpu": "the sandbox device plugin's",
		"gpu install --mig-strategy all":         "unknown --mig-strategy",
		"gpu install --toleration =x":            "is not of the form KEY",
		"gpu install --plugin-config /no/such":   "read the plugin's configuration default",
		"gpu status --output xml":                "unknown --output",
	} {
		if got := katacert(t, strings.Fields(args)...); got.code != exitUsage || !strings.Contains(got.stderr, says) {
			t.Errorf("%s: exit code %d, %s", args, got.code, got.stderr)
		}
	}
	for _, args := range []string{"gpu status", "gpu install", "gpu uninstall"} {
		if got := katacert(t, append(strings.Fields(args), "--kubeconfig", "/no/such/kubeconfig")...); got.code != exitPartial || !strings.Contains(got.stderr, "there is no kubeconfig") {
			t.Errorf("%s: exit code %d, %s", args, got.code, got.stderr)
		}
	}
}
