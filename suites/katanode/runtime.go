package katanode

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// Engine is a container runtime that a kubelet drives.
type Engine string

const (
	// Containerd is containerd with its CRI plugin.
	Containerd Engine = "containerd"
	// CRIO is CRI-O.
	CRIO Engine = "CRI-O"
)

// Runtime is what the node's container runtime knows of a handler.
type Runtime struct {
	Handler string
	// Engine is whose configuration it is.
	Engine Engine
	// Type is runtime_type, Path runtime_path (empty when the engine looks for the
	// shim in its PATH), ConfigPath the option by which the shim is told its
	// configuration (empty when it looks for one itself).
	Type, Path, ConfigPath string
	// HostDevicesWithheld is privileged_without_host_devices: privileged containers
	// are not given the node's devices.
	HostDevicesWithheld bool
	// PodAnnotations and ContainerAnnotations are patterns of annotations that
	// the engine passes on to the shim.
	PodAnnotations, ContainerAnnotations []string
	// Files are those that were read, in the order in which one overwrites the other.
	Files []string
}

// IsKata says whether the handler's shim is one of Kata's.
func (r Runtime) IsKata() bool {
	return strings.Contains(r.Type, "kata") || strings.Contains(path.Base(r.Path), "kata")
}

// ErrNoHandler says that no configuration of the container runtime knows the handler.
var ErrNoHandler = errors.New("no configuration of the node's container runtime that was read knows the handler")

// Runtime finds what the node's container runtime knows of the handler: the one that
// the kubelet names, or where that is not known the one that knows it.
func (n *Node) Runtime() (Runtime, error) {
	engine, _, _ := strings.Cut(n.Engine, "://")
	switch {
	case engine == "cri-o" && !n.hasCRIO():
		return Runtime{}, fmt.Errorf("the node's container runtime is %s, and the witness found no configuration of it", n.Engine)
	case engine == "cri-o":
		return n.crio()
	case engine == "containerd" || !n.hasCRIO():
		return n.containerds()
	}
	byContainerd, err1 := n.containerds()
	byCRIO, err2 := n.crio()
	switch {
	case err1 == nil && err2 == nil:
		return Runtime{}, fmt.Errorf("containerd and CRI-O both know the handler %q, by %s and by %s, and which of them the kubelet drives is not known",
			n.Handler, strings.Join(byContainerd.Files, ", "), strings.Join(byCRIO.Files, ", "))
	case errors.Is(err1, ErrNoHandler):
		return byCRIO, err2
	case errors.Is(err2, ErrNoHandler):
		return byContainerd, err1
	default:
		return Runtime{}, errors.Join(err1, err2)
	}
}
