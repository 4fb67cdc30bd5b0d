package certification

import (
	"context"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/reports"
)

// plugin is a pod that reaches a folder of the node.
func plugin(name, folder, id string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "kube-system"},
		Spec: corev1.PodSpec{NodeName: "a",
			Volumes: []corev1.Volume{{Name: "folder", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: folder}}}},
			Containers: []corev1.Container{{Name: "plugin", Image: "registry.example/" + name + ":v1", VolumeMounts: []corev1.VolumeMount{{Name: "folder"}}},
				{Name: "sidecar", Image: "registry.example/sidecar:v1"}}},
		Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "sidecar", ImageID: "registry.example/sidecar@sha256:00"}, {Name: "plugin", ImageID: id}}},
	}
}

// Who registers with the kubelet is under test, by the digest that runs; the same on
// many nodes is one image.
func TestDevicePluginsAreUnderTest(t *testing.T) {
	sum := "sha256:" + strings.Repeat("ab", 32)
	target := gpuTarget(t, Options{}, node("a", withGPUs(pods.GPUResource, 1)),
		plugin("vfio", "/var/lib/kubelet/device-plugins/", "registry.example/vfio@"+sum), plugin("gpus", pluginFolder, "registry.example/gpus@"+sum),
		plugin("logs", "/var/log", "registry.example/logs@"+sum), plugin("local", pluginFolder, sum))
	for range 2 {
		if share := target.gpuShare(context.Background()); share.failure != "" {
			t.Fatal(share.failure)
		}
	}
	want := []reports.Image{{Name: "device plugin", Ref: "registry.example/gpus:v1", Digest: sum}, {Name: "device plugin 2", Ref: "registry.example/vfio:v1", Digest: sum}}
	if got := target.r.pluginImages(); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
