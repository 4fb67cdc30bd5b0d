package certification

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/katacert/katacert/reports"
)

// pluginFolder is where device plugins register with the kubelet
// (https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/device-plugins/).
const pluginFolder = "/var/lib/kubelet/device-plugins"

// devicePlugins are the images of the containers that reach the folder in which device
// plugins register, by the digests that the kubelet says it runs.
func devicePlugins(pods []corev1.Pod) (images []reports.Image) {
	for i := range pods {
		spec := &pods[i].Spec
		var volumes []string
		for _, v := range spec.Volumes {
			if v.HostPath != nil && path.Clean(v.HostPath.Path) == pluginFolder {
				volumes = append(volumes, v.Name)
			}
		}
		for _, c := range spec.Containers {
			if !slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return slices.Contains(volumes, m.Name) }) {
				continue
			}
			for _, status := range pods[i].Status.ContainerStatuses {
				if _, digest, ok := strings.Cut(status.ImageID, "@"); ok && status.Name == c.Name {
					images = append(images, reports.Image{Ref: c.Image, Digest: digest})
				}
			}
		}
	}
	return images
}

// noteDevicePlugins adds a node's device plugins to the images that were under test.
func (r *runner) noteDevicePlugins(pods []corev1.Pod) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, image := range devicePlugins(pods) {
		if !slices.Contains(r.plugins, image) {
			r.plugins = append(r.plugins, image)
		}
	}
}

// pluginImages are the device plugins of all nodes, the same whichever node was first.
func (r *runner) pluginImages() []reports.Image {
	slices.SortFunc(r.plugins, func(a, b reports.Image) int {
		return strings.Compare(a.Ref+" "+a.Digest, b.Ref+" "+b.Digest)
	})
	reports.NameImages(reports.DevicePluginImage, r.plugins)
	return r.plugins
}
