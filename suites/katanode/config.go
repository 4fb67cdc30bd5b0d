package katanode

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Shim is one of Kata's two shims.
type Shim string

const (
	// GoShim is src/runtime: the only one up to Kata 2, still selectable in Kata 4.
	GoShim Shim = "the Go shim"
	// RustShim is src/runtime-rs: the default of Kata 4.
	RustShim Shim = "runtime-rs"
)

// Config is Kata's configuration of one handler as its shim merges it.
type Config struct {
	Shim Shim
	// Hypervisor is the name of the table that counts: qemu, clh, cloud-hypervisor,
	// firecracker, dragonball, stratovirt, remote.
	Hypervisor string
	// Files are those that were read, in the order in which one overwrites the other.
	Files []string
	tree  table
}

// Kata merges the configuration that the shim of the runtime reads.
func (n *Node) Kata(r Runtime) (*Config, error) {
	shim := n.shim(r)
	base, err := n.base(r, shim)
	if err != nil {
		return nil, err
	}
	real := base.Real
	if real == "" {
		real = base.Path
	}
	files := append([]File{base}, n.dropIns(path.Join(path.Dir(real), "config.d"))...)
	c := &Config{}
	for _, f := range files {
		if f.Problem != "" {
			return nil, fmt.Errorf("%s could not be read: %s", f.Path, f.Problem)
		}
		decoded, err := decode(f)
		if err != nil {
			return nil, err
		}
		c.Files = append(c.Files, f.Path)
		c.tree = merge(c.tree, decoded)
	}
	c.Shim = shim
	if shim == "" {
		c.Shim = shimOf(c.tree)
	}
	c.Hypervisor, err = hypervisorOf(c.tree, c.Shim)
	return c, err
}

// ShimOf is the program of a runtime's shim among those that the witness looked at:
// runtime_path, or containerd-shim-NAME-VERSION for the type io.containerd.NAME.VERSION.
func (n *Node) ShimOf(r Runtime) (Program, bool) {
	is := func(p Program) bool { return p.Path == r.Path }
	if r.Path == "" {
		parts := strings.Split(r.Type, ".")
		name := "containerd-shim-" + strings.Join(parts[max(0, len(parts)-2):], "-")
		is = func(p Program) bool { return path.Base(p.Path) == name }
	}
	i := slices.IndexFunc(n.Programs, func(p Program) bool { return p.Role == "shim" && is(p) })
	if i < 0 {
		return Program{}, false
	}
	return n.Programs[i], true
}

// shim tells which shim a runtime is by its program, or by where it lies; empty
// when neither says.
func (n *Node) shim(r Runtime) Shim {
	program, looked := n.ShimOf(r)
	switch {
	case looked && program.Problem == "" && program.Go:
		return GoShim
	case looked && program.Problem == "":
		return RustShim
	case strings.Contains(r.Path, "/runtime-rs/") || strings.Contains(r.ConfigPath, "/runtime-rs/"):
		return RustShim
	default:
		return ""
	}
}

// shimOf tells the shim by what only runtime-rs reads.
func shimOf(tree table) Shim {
	if _, ok := at(tree, "runtime", "hypervisor_name"); ok {
		return RustShim
	}
	return GoShim
}

// usual are where the shims look for a configuration that nobody names, in order
// (src/runtime/README.md; src/libs/kata-types/src/config/default.rs). The Go shim's
// second path depends on how it was built: the packages of Fedora, RHEL and OpenShift
// have it below /usr/share/kata-containers.
func usual(shim Shim) []string {
	folder := "/kata-containers/"
	if shim == RustShim {
		folder += "runtime-rs/"
	}
	paths := []string{"/etc" + folder + "configuration.toml", "/usr/share/defaults" + folder + "configuration.toml"}
	if shim != RustShim {
		paths = append(paths, "/usr/share/kata-containers/defaults/configuration.toml")
	}
	return append(paths, "/opt/kata/share/defaults"+folder+"configuration.toml")
}

// base is the configuration file that the shim begins with. runtime-rs takes the
// environment's before containerd's option (load_config in
// src/runtime-rs/crates/runtimes/src/manager.rs), the Go shim the other way round
// (loadRuntimeConfig in src/runtime/pkg/containerd-shim-v2/create.go).
func (n *Node) base(r Runtime, shim Shim) (File, error) {
	named := []string{r.ConfigPath, n.Variable}
	if shim == RustShim {
		slices.Reverse(named)
	}
	for _, name := range named {
		if name != "" {
			return n.text(path.Clean(name))
		}
	}
	looked := usual(shim)
	if shim == "" {
		looked = slices.Concat(usual(GoShim), usual(RustShim))
	}
	for _, name := range looked {
		if f, ok := n.file(name); ok && !f.Absent {
			return n.text(name)
		}
	}
	return File{}, fmt.Errorf("handler %q names no configuration of Kata's, and none lies at %s", n.Handler, strings.Join(looked, ", "))
}

// dropIns are the files of a folder config.d in alphabetical order, of any ending:
// Kata reads them all.
func (n *Node) dropIns(folder string) []File {
	var found []File
	for _, f := range n.Files {
		if path.Dir(f.Path) == folder || f.Path == folder {
			found = append(found, f)
		}
	}
	slices.SortFunc(found, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return found
}

// hypervisors are the names of the tables that Kata's shims know.
var hypervisors = []string{"qemu", "clh", "cloud-hypervisor", "firecracker", "dragonball", "stratovirt", "remote", "openvmm"}

// hypervisorOf is the table that counts: the one that runtime-rs is told by name
// (Dragonball where it is not), or the only one that there is.
func hypervisorOf(tree table, shim Shim) (string, error) {
	if shim == RustShim {
		named, _ := at(tree, "runtime", "hypervisor_name")
		name, _ := named.(string)
		if name == "" {
			name = "dragonball"
		}
		if tableAt(tree, "hypervisor", name) == nil {
			return "", fmt.Errorf("the configuration names the hypervisor %q and has no table for it", name)
		}
		return name, nil
	}
	var known []string
	for _, name := range slices.Sorted(maps.Keys(tableAt(tree, "hypervisor"))) {
		if slices.Contains(hypervisors, name) {
			known = append(known, name)
		}
	}
	if len(known) != 1 {
		return "", fmt.Errorf("the configuration has %d tables of hypervisors that Kata knows (%s), and one counts", len(known), strings.Join(known, ", "))
	}
	return known[0], nil
}

// With is the configuration with one more drop-in, which overwrites all others.
func (c *Config) With(dropIn string) (*Config, error) {
	decoded, err := decode(File{Path: "a further drop-in", Text: dropIn})
	if err != nil {
		return nil, err
	}
	further := *c
	further.tree = merge(c.tree, decoded)
	return &further, nil
}
