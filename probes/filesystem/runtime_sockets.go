package filesystem

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/bounded"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

const (
	// maxSocketRoots bounds how many roots are looked below; each takes some
	// hundred calls.
	maxSocketRoots = 128
	// socketsWithin bounds the search.
	socketsWithin = 2 * time.Second
)

// runtimeSocketPaths are where the sockets lie on a node by which containers
// are controlled: of container runtimes and their CRI services, of the kubelet
// and its device plugins, of image builders and NRI plugins.
func runtimeSocketPaths() []string {
	return []string{
		"run/containerd/containerd.sock",
		"run/containerd/containerd.sock.ttrpc",
		"run/crio/crio.sock",
		"run/docker.sock",
		"run/docker/containerd/containerd.sock",
		"run/cri-dockerd.sock",
		"run/dockershim.sock",
		"run/podman/podman.sock",
		"run/k3s/containerd/containerd.sock",
		"run/k0s/containerd.sock",
		"run/nri/nri.sock",
		"run/buildkit/buildkitd.sock",
		"var/snap/microk8s/common/run/containerd.sock",
		"var/lib/kubelet/device-plugins/kubelet.sock",
		"var/lib/kubelet/pod-resources/kubelet.sock",
	}
}

// sightedSockets are the sockets that a search came upon.
type sightedSockets struct {
	present, reachable []string
	// cut says that there were more roots or mounts than are looked at.
	cut bool
}

// runtimeSockets looks for the sockets of container runtimes below every root
// that can be reached, and for sockets that are mount points, whatever their
// name: a volume of a single file may be mounted under any. It tells which let
// themselves be connected to. On the node the witness only looks which there are.
func runtimeSockets(ctx *probes.Context) evidence.Observation {
	search := searchSockets
	if ctx.Vantage == evidence.Witness {
		search = func() sightedSockets { return nodeSockets(ctx.HostRoot) }
	}
	limit := ctx.Scaled(socketsWithin)
	sighted, ended := bounded.Within(limit, search)
	if !ended {
		return evidence.Observation{State: evidence.Failed, Detail: fmt.Sprintf("a file system did not answer within %v", limit)}
	}
	values := evidence.Values{"present": evidence.List(sighted.present...)}
	if ctx.Vantage != evidence.Witness {
		values["reachable"] = evidence.List(sighted.reachable...)
	}
	if sighted.cut {
		values["unsearched"] = evidence.Number(1)
	}
	return probes.Seen(values)
}

func nodeSockets(hostRoot string) sightedSockets {
	var sighted sightedSockets
	for _, path := range runtimeSocketPaths() {
		if _, err := identifySocket(kernfs.Below(hostRoot, "/"+path)); err == nil {
			sighted.present = append(sighted.present, "/"+path)
		}
	}
	return sighted
}

func searchSockets() sightedSockets {
	var (
		sighted sightedSockets
		known   = map[identity]bool{}
		paths   = socketSuffixes()
		from    = reachableRoots()
		all     = from.paths
	)
	sighted.cut = from.truncated || len(all) > maxSocketRoots
	try := func(path string) {
		id, err := identifySocket(path)
		if err != nil || known[id] {
			return
		}
		known[id] = true
		sighted.present = append(sighted.present, path)
		if connects(path) {
			sighted.reachable = append(sighted.reachable, path)
		}
	}
	for _, root := range all[:min(len(all), maxSocketRoots)] {
		for _, suffix := range paths {
			try(filepath.Join(root, suffix))
		}
	}
	table, _ := mountTable(ownMountinfo) // without procfs there is the root alone
	sighted.cut = sighted.cut || len(table) > maxRoots
	for _, m := range table[:min(len(table), maxRoots)] {
		try(m.Mountpoint)
	}
	return sighted
}

// socketSuffixes are the paths as they appear below a mount of the node's root
// or of any of the directories that lead to a socket.
func socketSuffixes() []string {
	var suffixes []string
	for _, path := range runtimeSocketPaths() {
		for ok := true; ok; _, path, ok = strings.Cut(path, "/") {
			if !slices.Contains(suffixes, path) {
				suffixes = append(suffixes, path)
			}
		}
	}
	return suffixes
}

var errNoSocket = errors.New("no socket")

func identifySocket(path string) (identity, error) {
	id, kind, err := identify(path)
	if err == nil && kind != unix.S_IFSOCK {
		err = errNoSocket
	}
	return id, err
}

// connects says whether somebody listens who would serve us. Nothing is sent. A
// full backlog (EAGAIN) is found only after the right to connect.
func connects(path string) bool {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(fd) }()
	address, closeAddress, err := shortAddress(path)
	if err != nil {
		return false
	}
	defer closeAddress()
	err = unix.Connect(fd, &unix.SockaddrUnix{Name: address})
	return err == nil || errors.Is(err, unix.EAGAIN)
}

// maxAddress is what fits into the address of a unix socket (unix(7)).
const maxAddress = 107

// shortAddress goes through a descriptor of the socket's directory where the
// path is too long for an address.
func shortAddress(path string) (string, func(), error) {
	if len(path) <= maxAddress {
		return path, func() {}, nil
	}
	dir, err := os.OpenFile(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return "", nil, err
	}
	address := fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path))
	return address, func() { _ = dir.Close() }, nil
}
