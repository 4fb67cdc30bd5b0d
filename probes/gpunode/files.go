package gpunode

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// Where NVIDIA's container toolkit keeps its configuration and programs: as packages of
// a distribution install it, and as the GPU Operator does
// (https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/getting-started.html).
var (
	toolkitConfigs = []string{
		"/etc/nvidia-container-runtime/config.toml",
		"/usr/local/nvidia/toolkit/.config/nvidia-container-runtime/config.toml",
	}
	toolkitPrograms = []string{
		"/usr/bin/nvidia-container-runtime-hook", "/usr/bin/nvidia-cdi-hook", "/usr/bin/nvidia-ctk",
		"/usr/local/nvidia/toolkit/nvidia-container-runtime-hook", "/usr/local/nvidia/toolkit/nvidia-cdi-hook", "/usr/local/nvidia/toolkit/nvidia-ctk",
		// The GPU Operator's toolkit container puts scripts in the programs' places.
		"/usr/local/nvidia/toolkit/nvidia-container-runtime-hook.real", "/usr/local/nvidia/toolkit/nvidia-cdi-hook.real", "/usr/local/nvidia/toolkit/nvidia-ctk.real",
	}
	// hookFolders are where CRI-O and Podman look for hooks.
	hookFolders = []string{"/usr/share/containers/oci/hooks.d", "/etc/containers/oci/hooks.d"}
	// cdiFolders are those that every runtime reads (CDI specification, "Spec directories").
	cdiFolders = []string{"/etc/cdi", "/var/run/cdi"}
)

const (
	maxFolder    = 64
	maxFileBytes = 256 << 10
	// maxStatus bounds dpkg's database; that of a full Ubuntu has some 5 MiB.
	maxStatus  = 32 << 20
	maxDevices = 256
	dpkgStatus = "/var/lib/dpkg/status"
)

// nodeFiles reads what says how GPUs get into containers: CDI specifications, the
// container toolkit's configuration, programs and version, and the driver's files.
func nodeFiles(ctx *probes.Context) evidence.Observation { return ReadFiles(ctx.HostRoot) }

// ReadFiles observes the files below a node's root. Links lead to where they lead on
// the node, and never out of its root.
func ReadFiles(hostRoot string) evidence.Observation {
	root, err := os.OpenFile(hostRoot, unix.O_DIRECTORY|unix.O_PATH, 0)
	if err != nil {
		return probes.Unreadable(err)
	}
	defer func() { _ = root.Close() }()
	f := &files{root: root}
	values := evidence.Values{
		"cdi":      evidence.List(f.cdi()...),
		"settings": evidence.List(f.settings()...),
		"programs": evidence.List(f.programs()...),
		"hooks":    evidence.List(f.hooks()...),
		"packages": evidence.List(f.packages()...),
		"driver":   evidence.List(f.driver(loadedDriver())...),
	}
	values["unread"] = evidence.List(f.unread...)
	return probes.Seen(values)
}

// files are the node's, with what could not be read of them.
type files struct {
	root   *os.File
	unread []string
}

// open opens by the path on the node; a pipe in its place is not waited for.
// RESOLVE_IN_ROOT is of openat2(2), Linux 5.6.
func (f *files) open(name string) (*os.File, error) {
	how := &unix.OpenHow{Flags: unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	fd, err := unix.Openat2(int(f.root.Fd()), name, how)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

// read returns a file's text; "" where there is none, or none that can be read.
func (f *files) read(name string, limit int64) string {
	file, err := f.open(name)
	if errors.Is(err, os.ErrNotExist) {
		return ""
	}
	if err == nil {
		defer func() { _ = file.Close() }()
		var info os.FileInfo
		if info, err = file.Stat(); err == nil && !info.Mode().IsRegular() {
			err = errors.New("no regular file")
		}
	}
	var data []byte
	if err == nil {
		data, err = io.ReadAll(io.LimitReader(file, limit+1))
	}
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("longer than %d bytes", limit)
	}
	if err != nil {
		f.unread = append(f.unread, name+": "+err.Error())
		return ""
	}
	return string(data)
}

// names lists a folder; nothing where there is none.
func (f *files) names(folder string) []string {
	dir, err := f.open(folder)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var names []string
	if err == nil {
		defer func() { _ = dir.Close() }()
		names, err = dir.Readdirnames(maxFolder)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		f.unread = append(f.unread, folder+": "+err.Error())
	}
	slices.Sort(names)
	return names
}

// cdi lists the devices of CDI specifications, "file=… kind=nvidia.com/gpu name=0
// nodes=/dev/nvidia0". Of specifications in YAML it reads the kind and the devices'
// names by their lines, which is how NVIDIA's programs write them.
func (f *files) cdi() []string {
	var lines []string
	for _, folder := range cdiFolders {
		for _, name := range f.names(folder) {
			file := path.Join(folder, name)
			var spec specification
			switch path.Ext(name) {
			case ".json":
				text := f.read(file, maxFileBytes)
				if text == "" {
					continue
				}
				if err := json.Unmarshal([]byte(text), &spec); err != nil {
					f.unread = append(f.unread, file+": no CDI specification in JSON")
					continue
				}
			case ".yaml", ".yml":
				spec = linesOfYAML(f.read(file, maxFileBytes))
			default:
				continue
			}
			for _, d := range spec.Devices[:min(len(spec.Devices), maxDevices)] {
				var nodes []string
				for _, n := range d.ContainerEdits.DeviceNodes {
					nodes = append(nodes, n.Path)
				}
				lines = append(lines, fmt.Sprintf("file=%s kind=%s name=%s nodes=%s", word(file), word(spec.Kind), word(d.Name), word(strings.Join(nodes, ","))))
			}
		}
	}
	return lines
}

// specification is what is read of a CDI specification
// (github.com/cncf-tags/container-device-interface/blob/main/SPEC.md).
type specification struct {
	Kind    string      `json:"kind"`
	Devices []cdiDevice `json:"devices"`
}

type cdiDevice struct {
	Name           string `json:"name"`
	ContainerEdits struct {
		DeviceNodes []cdiNode `json:"deviceNodes"`
	} `json:"containerEdits"`
}

type cdiNode struct {
	Path string `json:"path"`
}

var (
	yamlKind = regexp.MustCompile(`(?m)^kind:\s*["']?([^\s"']+)`)
	yamlName = regexp.MustCompile(`(?m)^(?:\s*-\s+|\s+)name:\s*["']?([^\s"']+)`)
	yamlNode = regexp.MustCompile(`(?m)^\s*(?:-\s+)?path:\s*["']?(/dev/[^\s"']+)`)
)

// linesOfYAML reads what can be read of a specification without a YAML library: its
// kind, and each device's name and nodes.
func linesOfYAML(text string) specification {
	var spec specification
	if m := yamlKind.FindStringSubmatch(text); m != nil {
		spec.Kind = m[1]
	}
	places := yamlName.FindAllStringSubmatchIndex(text, maxDevices)
	for i, at := range places {
		end := len(text)
		if i+1 < len(places) {
			end = places[i+1][0]
		}
		device := cdiDevice{Name: text[at[2]:at[3]]}
		for _, m := range yamlNode.FindAllStringSubmatch(text[at[0]:end], -1) {
			device.ContainerEdits.DeviceNodes = append(device.ContainerEdits.DeviceNodes, cdiNode{m[1]})
		}
		spec.Devices = append(spec.Devices, device)
	}
	return spec
}
