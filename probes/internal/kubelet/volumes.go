package kubelet

import (
	"errors"
	"fmt"
	"os"
	"path"
	"regexp"
)

// maxPods bounds how many folders of pods are looked at; the kubelet runs 110
// pods unless it is told otherwise, and folders of dead ones stay for a while.
const maxPods = 4096

// podUID is what the API server gives pods; the kubelet itself gives static ones
// 32 digits without hyphens.
var podUID = regexp.MustCompile(`^[0-9a-f-]{32,36}$`)

// Volume is the folder of an emptyDir volume of one pod, relative to the node's
// root.
type Volume struct{ UID, Path string }

// EmptyDirs lists the emptyDir volumes of that name of all pods on the node
// whose root is opened as node; root is the kubelet's (see Root).
func EmptyDirs(node *os.Root, root, name string) ([]Volume, error) {
	pods := path.Join(root[1:], "pods")
	dir, err := node.Open(pods)
	if err != nil {
		return nil, fmt.Errorf("list the pods of the kubelet: %w", err)
	}
	defer func() { _ = dir.Close() }()
	uids, err := dir.Readdirnames(maxPods)
	if err != nil && len(uids) == 0 {
		return nil, fmt.Errorf("list the pods of the kubelet in /%s: %w", pods, err)
	}
	var volumes []Volume
	for _, uid := range uids {
		if !podUID.MatchString(uid) {
			continue
		}
		folder := path.Join(pods, uid, "volumes/kubernetes.io~empty-dir", name)
		// Lstat: a pod that could put a link there must not lead the witness away.
		info, err := node.Lstat(folder)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil && info.IsDir() {
			volumes = append(volumes, Volume{UID: uid, Path: folder})
		}
	}
	return volumes, nil
}
