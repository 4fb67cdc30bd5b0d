package gpunode

import (
	"context"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
	"github.com/katacert/katacert/probes/internal/kubelet"
	"github.com/katacert/katacert/probes/internal/podresources"
)

const (
	// answersWithin bounds the wait for the kubelet, before the run's factor.
	answersWithin = 5 * time.Second
	// maxAllocations bounds how many devices are listed.
	maxAllocations = 512
	// socketName is where a kubelet answers, below its root.
	socketName = "pod-resources/kubelet.sock"
)

// allocations asks the node's kubelet which devices of the run's resource it gave to
// whom: by name to the run's pods, and without one to others.
func allocations(ctx *probes.Context) evidence.Observation {
	resource := ctx.Params[probes.ParamGPUResource]
	root, err := kubelet.Root(ctx.HostRoot)
	if err != nil {
		return probes.Unreadable(err)
	}
	// The path may be too long for an address of a socket, which has 108 bytes.
	folder, err := os.OpenFile(kernfs.Below(ctx.HostRoot, path.Join(root, path.Dir(socketName))), unix.O_DIRECTORY|unix.O_PATH, 0)
	if err != nil {
		return probes.Unreadable(fmt.Errorf("the kubelet has no socket for monitors of devices: %w", err))
	}
	defer func() { _ = folder.Close() }()
	waiting, cancel := context.WithTimeout(context.Background(), ctx.Scaled(answersWithin))
	defer cancel()
	given, err := podresources.List(waiting, fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), path.Base(socketName)))
	if err != nil {
		return evidence.Observation{State: evidence.Failed, Detail: err.Error()}
	}
	return probes.Seen(allocated(given, resource, strings.Split(ctx.Params[probes.ParamNamespaces], ",")))
}

// allocated are the lines "pod=namespace/name container=… resource=… id=…". Pods of
// others are numbered, and their names stay on the node.
func allocated(given []podresources.Given, resource string, namespaces []string) evidence.Values {
	values, lines, others := evidence.Values{}, []string{}, map[string]int{}
	for _, d := range given {
		if d.Resource != resource {
			continue
		}
		name, container := d.Namespace+"/"+d.Pod, d.Container
		if !slices.Contains(namespaces, d.Namespace) {
			if others[name] == 0 {
				others[name] = len(others) + 1
			}
			name, container = fmt.Sprintf("other/%d", others[name]), "other"
		}
		lines = append(lines, fmt.Sprintf("pod=%s container=%s resource=%s id=%s", name, container, word(d.Resource), word(d.ID)))
	}
	if len(lines) > maxAllocations {
		lines, values["truncated"] = lines[:maxAllocations], evidence.Number(1)
	}
	values["allocated"] = evidence.List(lines...)
	return values
}
