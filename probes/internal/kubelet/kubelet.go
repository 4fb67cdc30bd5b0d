// Package kubelet finds where on a node the kubelet keeps the folders of pods.
package kubelet

import (
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes/internal/kernfs"
	"github.com/katacert/katacert/probes/internal/pids"
)

const (
	// defaultRoot is where a kubelet keeps its state unless it is told otherwise;
	// so do the ones that are part of a larger program (k3s, k0s, microk8s).
	defaultRoot = "/var/lib/kubelet"

	maxProcesses     = 32768
	commandLineBytes = 16 << 10
)

// Root returns the kubelet's root folder as a path on the node: what a kubelet
// that runs on this node was told by --root-dir, or the default. It fails when
// there is no folder of pods, or two kubelets say different things. A kubelet
// that has another root file system than the node's, as one in a container has,
// belongs to another node and is passed over. The caller must see the node's
// processes.
func Root(hostRoot string) (string, error) {
	root, err := find(hostRoot)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(kernfs.Below(hostRoot, path.Join(root, "pods")))
	if err != nil {
		return "", fmt.Errorf("look for the kubelet's folder of pods: %w", err)
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s/pods of the node is no folder", root)
	}
	return root, nil
}

func find(hostRoot string) (string, error) {
	ids, _, err := pids.List(maxProcesses)
	if err != nil {
		return "", fmt.Errorf("look for the kubelet's process: %w", err)
	}
	found := ""
	for _, pid := range ids {
		words, err := pids.Words(pid, "cmdline", commandLineBytes)
		if err != nil {
			continue
		}
		root, ok := rootOf(words)
		if !ok || !sameRoot(pids.Path(pid, "root"), hostRoot) {
			continue
		}
		if found != "" && found != root {
			return "", fmt.Errorf("two kubelets keep their pods in %s and %s", found, root)
		}
		found = root
	}
	if found == "" {
		return defaultRoot, nil
	}
	return found, nil
}

// rootOf reads the root folder from a command line, if it is a kubelet's: its
// program, or the first argument of a program that holds several, is called so.
func rootOf(words []string) (root string, ok bool) {
	isKubelet := len(words) > 0 && path.Base(words[0]) == "kubelet" || len(words) > 1 && words[1] == "kubelet"
	if !isKubelet {
		return "", false
	}
	root = defaultRoot
	for i, word := range words {
		// The flag package takes one hyphen for two.
		name, value, joined := strings.Cut(strings.TrimPrefix(word, "-"), "=")
		if name != "-root-dir" && name != "root-dir" || !strings.HasPrefix(word, "-") {
			continue
		}
		if !joined && i+1 < len(words) {
			value = words[i+1]
		}
		if path.IsAbs(value) {
			root = path.Clean(value)
		}
	}
	return root, true
}

// sameRoot says whether two paths lead to one directory.
func sameRoot(a, b string) bool {
	var one, other unix.Stat_t
	if unix.Stat(a, &one) != nil || unix.Stat(b, &other) != nil {
		return false
	}
	return one.Dev == other.Dev && one.Ino == other.Ino
}
