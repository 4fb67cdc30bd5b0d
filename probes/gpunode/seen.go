package gpunode

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

const (
	// maxNodes bounds how many device nodes are opened, maxWalk how many entries of /dev
	// are looked at; a node of 16 GPUs cut into instances has some 250 nodes.
	maxNodes = 512
	maxWalk  = 4096
	// environBytes bounds how much of an environment is read.
	environBytes = 64 << 10
)

// gpuNodes are the device nodes by which a GPU, the fabric between GPUs or a device
// that is handed to virtual machines is used.
var gpuNodes = regexp.MustCompile(`^/dev/(nvidia.*|vfio/\d+|vfio/devices/vfio\d+|simulated-GPU-.*)$`)

// oneGPU is the node of one GPU (Documentation of NVIDIA's driver, "device files").
var oneGPU = regexp.MustCompile(`^/dev/nvidia(\d+)$`)

// Variables by which NVIDIA's runtime and device plugin name GPUs to a container.
const visibleDevices = "NVIDIA_VISIBLE_DEVICES"

// seen tells which GPUs this container has, without any library.
func seen(*probes.Context) evidence.Observation {
	return probes.Seen(look("/", environment()))
}

// look looks below a root: at device nodes, at what the driver says of GPUs, at PCI
// functions, and at what the environment names.
func look(root string, environ []string) evidence.Values {
	values := evidence.Values{}
	proc := filepath.Join(root, "proc")
	driver := DriverGPUs(proc)
	nodes, truncated := openNodes(root)
	if truncated {
		values["truncated"] = evidence.Number(1)
	}
	var lines, uuids []string
	for _, n := range nodes {
		lines = append(lines, n.String())
		if uuid := n.uuid(driver); uuid != "" {
			uuids = append(uuids, uuid)
		}
	}
	simulated := simulatedGPUs(root, nodes)
	values["devices"] = evidence.List(lines...)
	values["driver_gpus"] = evidence.List(driver...)
	values["functions"] = evidence.List(ownFunctions(sysTree{filepath.Join(root, "sys"), proc})...)
	values["visible"] = evidence.List(variables(environ, visibleDevices)...)
	values["simulated"] = evidence.List(simulated...)
	values["uuids"] = evidence.List(slices.Concat(uuids, simulated)...)
	return values
}

// node is a device node that was opened, or was not.
type node struct {
	path         string
	major, minor uint32
	refused      string
}

func (n node) String() string {
	opened := "yes"
	if n.refused != "" {
		opened = n.refused
	}
	return fmt.Sprintf("path=%s rdev=%d:%d opened=%s", n.path, n.major, n.minor, opened)
}

// uuid is that of the GPU whose node was opened, "minor-N" where the driver does not
// say it, and "" where the node is none of a GPU or did not open.
func (n node) uuid(driver []string) string {
	if n.refused != "" || !oneGPU.MatchString(n.path) {
		return ""
	}
	minor := fmt.Sprintf("minor=%d ", n.minor)
	for _, line := range driver {
		if _, rest, ok := strings.Cut(line, minor); ok {
			return strings.TrimPrefix(rest, "uuid=")
		}
	}
	return fmt.Sprintf("minor-%d", n.minor)
}

// openNodes tries every node of a GPU below /dev.
func openNodes(root string) (nodes []node, truncated bool) {
	dev, entries := filepath.Join(root, "dev"), 0
	_ = filepath.WalkDir(dev, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil // a folder that cannot be read has no node for us
		}
		if entries++; entries > maxWalk || len(nodes) == maxNodes {
			truncated = true
			return fs.SkipAll
		}
		name := "/dev" + strings.TrimPrefix(path, dev)
		var stat unix.Stat_t
		if entry.Type()&os.ModeDevice == 0 || !gpuNodes.MatchString(name) || unix.Lstat(path, &stat) != nil {
			return nil
		}
		n := node{path: name, major: unix.Major(stat.Rdev), minor: unix.Minor(stat.Rdev)}
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
		if err != nil {
			n.refused = refusal(err)
		} else {
			_ = unix.Close(fd)
		}
		nodes = append(nodes, n)
		return nil
	})
	return nodes, truncated
}

// What a container finds of a GPU that katacert's own device plugin simulates: a device
// node and a file, both named after its UUID (fixtures/nvidia/simulated).
const (
	simulatedNode   = "/dev/simulated-"
	simulatedFolder = "run/katacert/simulated-gpus"
)

// simulatedGPUs are the UUIDs of the simulated GPUs that this container has.
func simulatedGPUs(root string, nodes []node) []string {
	var uuids []string
	for _, n := range nodes {
		if uuid, ok := strings.CutPrefix(n.path, simulatedNode); ok && n.refused == "" {
			uuids = append(uuids, word(uuid))
		}
	}
	entries, err := os.ReadDir(filepath.Join(root, simulatedFolder))
	if err != nil {
		return uuids
	}
	for _, entry := range entries[:min(len(entries), maxNVIDIA)] {
		uuid := entry.Name()
		if text, err := kernfs.Line(filepath.Join(root, simulatedFolder, uuid)); err == nil && text == uuid {
			uuids = append(uuids, word(uuid))
		}
	}
	return uuids
}

func refusal(err error) string {
	if errno, ok := err.(unix.Errno); ok { //nolint:errorlint // what unix.Open returns is not wrapped
		return unix.ErrnoName(errno)
	}
	return word(err.Error())
}

// ownFunctions are NVIDIA's functions on the PCI bus that this container is shown: its
// guest's, or where it shares the node's kernel the node's.
func ownFunctions(t sysTree) []string {
	entries, err := os.ReadDir(t.pci(""))
	if err != nil {
		return nil
	}
	var lines []string
	for _, entry := range entries[:min(len(entries), maxFunctions)] {
		if bus := entry.Name(); address.MatchString(bus) && t.line(bus, "vendor") == nvidia && len(lines) < maxNVIDIA {
			lines = append(lines, t.identity(bus)+" driver="+t.link(bus, "driver"))
		}
	}
	return lines
}

// environment is that of the container's first process, which the runtime made, and
// this process' own where it differs: what hooks add may be in either.
func environment() []string {
	own := os.Environ()
	text, err := kernfs.Read("/proc/1/environ")
	if err != nil || len(text) > environBytes {
		return own
	}
	return slices.Concat(strings.Split(string(text), "\x00"), own)
}

// variables are the values of a variable, one for each GPU that it names.
func variables(environ []string, name string) []string {
	var values []string
	for _, pair := range environ {
		value, ok := strings.CutPrefix(pair, name+"=")
		if !ok {
			continue
		}
		for part := range strings.SplitSeq(value, ",") {
			if part = strings.TrimSpace(part); part != "" && len(values) < maxNVIDIA {
				values = append(values, word(part))
			}
		}
	}
	return values
}
