package platform

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/katacert/katacert/probes/internal/kernfs"
)

// Annotations by which containerd's CRI plugin tells a shim about its sandbox
// (containerd, internal/cri/annotations).
const (
	annotationSandboxID  = "io.kubernetes.cri.sandbox-id"
	annotationSandboxUID = "io.kubernetes.cri.sandbox-uid"
	annotationNamespace  = "io.kubernetes.cri.sandbox-namespace"
	annotationHandler    = "io.containerd.cri.runtime-handler"
)

// crioAnnotations are those by which CRI-O says the same (cri-o, internal/annotations,
// and the kubelet's labels, which it writes there too).
var crioAnnotations = map[string]string{
	annotationSandboxID:  "io.kubernetes.cri-o.SandboxID",
	annotationSandboxUID: "io.kubernetes.pod.uid",
	annotationNamespace:  "io.kubernetes.pod.namespace",
	annotationHandler:    "io.kubernetes.cri-o.RuntimeHandler",
}

// bundle is what the OCI bundle of a sandbox says of it, CRI-O's under containerd's names.
type bundle struct {
	Annotations map[string]string `json:"annotations"`
	Linux       struct {
		Namespaces []struct{ Type, Path string } `json:"namespaces"`
	} `json:"linux"`
}

// netns is the path of the pod's network namespace on the node, if it is named.
func (b bundle) netns() string {
	for _, namespace := range b.Linux.Namespaces {
		if namespace.Type == "network" {
			return namespace.Path
		}
	}
	return ""
}

// parseBundle reads the config.json of a sandbox. It is none where neither runtime
// says of which sandbox it is, or both do: CRI-O hands on every annotation that a pod's
// author writes, and one who writes containerd's claims to be another's pod.
func parseBundle(data []byte) (bundle, bool) {
	var b bundle
	if err := json.Unmarshal(data, &b); err != nil {
		return bundle{}, false
	}
	containerd, crio := b.Annotations[annotationSandboxID] != "", b.Annotations[crioAnnotations[annotationSandboxID]] != ""
	if containerd == crio {
		return bundle{}, false
	}
	if crio {
		for name, theirs := range crioAnnotations {
			b.Annotations[name] = b.Annotations[theirs]
		}
	}
	return b, true
}

// sandboxAnnotations reads the annotations of the OCI bundle that a shim serves;
// the map is empty where there is none to be found.
func sandboxAnnotations(p process) map[string]string { return bundleOf(p).Annotations }

// bundleOf reads the OCI bundle that a shim serves. containerd and CRI-O start a shim
// inside its bundle; one that went elsewhere still names the bundle by its
// arguments. It is empty where neither helps.
func bundleOf(p process) bundle {
	candidates := []string{filepath.Join(p.dir, "cwd/config.json")}
	if arguments, err := kernfs.Read(filepath.Join(p.dir, "cmdline")); err == nil {
		// The paths are of the shim's own mount namespace.
		if namespace, id := nameArgument(arguments, "-namespace"), nameArgument(arguments, "-id"); namespace != "" && id != "" {
			candidates = append(candidates, filepath.Join(p.dir, "root/run/containerd/io.containerd.runtime.v2.task", namespace, id, "config.json"))
		}
		if folder := argument(arguments, "-b"); p.exe == conmon && filepath.IsAbs(folder) {
			candidates = append(candidates, filepath.Join(p.dir, "root", filepath.Clean(folder), "config.json"))
		}
	}
	for _, path := range candidates {
		data, err := kernfs.Read(path)
		if err != nil {
			continue
		}
		if b, ok := parseBundle(data); ok {
			return b
		}
	}
	return bundle{}
}

// argument returns the value of a flag ("-id", "--id", "-id=value") among
// NUL-separated arguments.
func argument(arguments []byte, flag string) string {
	words := strings.Split(string(bytes.TrimRight(arguments, "\x00")), "\x00")
	for i, w := range words {
		name, value, joined := strings.Cut(w, "=")
		if name != flag && name != "-"+flag {
			continue
		}
		if !joined && i+1 < len(words) {
			value = words[i+1]
		}
		return value
	}
	return ""
}

// nameArgument is the value of a flag that may be one part of a path.
func nameArgument(arguments []byte, flag string) string {
	value := argument(arguments, flag)
	if value == ".." || value == "." || strings.Contains(value, "/") {
		return ""
	}
	return value
}
