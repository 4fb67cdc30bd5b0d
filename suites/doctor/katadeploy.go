package doctor

import (
	"fmt"
	"path"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// labelKata is set by kata-deploy: "true" once the node has Kata.
const labelKata = "katacontainers.io/kata-runtime"

// nameVersion is the name of the findings that tell Kata's version.
const nameVersion = "kata-version"

// kataDeploy finds what kata-deploy says of a node, and which version of Kata it
// installs. What lies on the node only the witness sees.
func (d *Diagnosis) kataDeploy(n corev1.Node, f *facts) {
	about := aboutNode(n.Name)
	value, there := n.Labels[labelKata]
	switch {
	case !there:
		if slices.ContainsFunc(handlersOf(n), func(handler string) bool { return strings.HasPrefix(handler, "kata") }) {
			d.add(about, nameVersion, Unknown, "the node lists handlers of Kata, and kata-deploy does not say that it installed them", witnessTells)
		}
		return
	case value != "true":
		d.add(about, "kata-deploy", Problem, fmt.Sprintf("label %s is %q: the installation is not finished", labelKata, value), "look at the log of the kata-deploy pod on the node")
		return
	}
	d.add(about, "kata-deploy", OK, "says that it installed Kata on the node", "")
	for _, set := range f.daemonSets {
		if version, image := deploys(set); image != "" {
			by := fmt.Sprintf("DaemonSet %s/%s (%s)", set.Namespace, set.Name, image)
			if version == "" {
				d.add(about, nameVersion, Unknown, by+" does not tell which it installs", witnessTells)
				return
			}
			d.add(about, nameVersion, OK, version+" is what "+by+" installs", "")
			return
		}
	}
	why := "no DaemonSet of kata-deploy is there (it may have installed by jobs)"
	if f.daemonSetsErr != nil {
		why = "the DaemonSets may not be listed"
	}
	d.add(about, nameVersion, Unknown, why, witnessTells)
}

// deploys gives the image by which a DaemonSet is kata-deploy's, and the version that
// it tells: the image's tag, or the labels that Helm charts have.
func deploys(set appsv1.DaemonSet) (version, image string) {
	for _, c := range set.Spec.Template.Spec.Containers {
		reference, _, _ := strings.Cut(c.Image, "@")
		name, tag, _ := strings.Cut(path.Base(reference), ":")
		if name != "kata-deploy" {
			continue
		}
		for _, told := range []string{tag, set.Labels["app.kubernetes.io/version"], strings.TrimPrefix(set.Labels["helm.sh/chart"], "kata-deploy-")} {
			if told != "" && told != "latest" {
				return told, c.Image
			}
		}
		return "", c.Image
	}
	return "", ""
}
