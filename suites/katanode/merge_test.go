package katanode

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
)

// someTable makes a table of random depth whose keys often meet those of another.
func someTable(r *rand.Rand, depth int) table {
	made := table{}
	for _, key := range []string{"a", "b", "c", "d"} {
		switch n := r.IntN(6); {
		case n == 0:
		case n == 1 && depth > 0:
			made[key] = someTable(r, depth-1)
		case n == 2:
			items := make([]any, r.IntN(3))
			for i := range items {
				items[i] = int64(r.IntN(3))
			}
			made[key] = items
		default:
			made[key] = int64(r.IntN(100))
		}
	}
	return made
}

// leaves are the paths and values below a table that are no tables.
func leaves(t table, under string, into map[string]any) map[string]any {
	for key, value := range t {
		if inner, isTable := value.(table); isTable && len(inner) > 0 {
			leaves(inner, under+key+".", into)
			continue
		}
		into[under+key] = value
	}
	return into
}

// The rules of config.d hold for tables of any shape: what the drop-in says counts,
// what it does not say stays, arrays are replaced whole, and neither is changed.
func TestMergeRules(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		base, over := someTable(r, 3), someTable(r, 3)
		baseBefore, overBefore := leaves(base, "", map[string]any{}), leaves(over, "", map[string]any{})
		merged := merge(base, over)
		got := leaves(merged, "", map[string]any{})
		for path, want := range overBefore {
			if inner, isTable := want.(table); isTable && len(inner) == 0 {
				continue // an empty table says nothing
			}
			if !reflect.DeepEqual(got[path], want) {
				t.Fatalf("%v over %v: %s is %v, want %v", over, base, path, got[path], want)
			}
		}
		for path, want := range baseBefore {
			if value, stays := got[path]; stays && !reflect.DeepEqual(value, want) && overBefore[path] == nil {
				t.Fatalf("%v over %v: %s became %v", over, base, path, value)
			}
			if _, stays := got[path]; !stays && !overwritten(over, path) {
				t.Fatalf("%v over %v: %s is gone", over, base, path)
			}
		}
		if !reflect.DeepEqual(leaves(base, "", map[string]any{}), baseBefore) || !reflect.DeepEqual(leaves(over, "", map[string]any{}), overBefore) {
			t.Fatal("merging changed what was merged")
		}
		if !reflect.DeepEqual(merge(merged, over), merged) {
			t.Fatalf("%v over %v: a drop-in that comes twice changes something", over, base)
		}
		if third := someTable(r, 3); !reflect.DeepEqual(leaves(merge(merge(base, over), third), "", map[string]any{}), leaves(merge(base, merge(over, third)), "", map[string]any{})) && !clash(base, over, third) {
			t.Fatalf("%v, %v, %v: the order of merging matters", base, over, third)
		}
	}
}

// overwritten says whether a table sets something at or above a path, or makes a
// table of what was none.
func overwritten(t table, path string) bool {
	first, rest, deeper := strings.Cut(path, ".")
	value, ok := t[first]
	if !ok {
		return false
	}
	inner, isTable := value.(table)
	return !isTable || !deeper || overwritten(inner, rest)
}

// clash says whether one path is a table in one of them and none in another: then
// the middle one takes away what the last would have merged with.
func clash(tables ...table) bool {
	kinds := map[string]bool{}
	var walk func(t table, under string) bool
	walk = func(t table, under string) bool {
		for key, value := range t {
			inner, isTable := value.(table)
			if was, known := kinds[under+key]; known && was != isTable {
				return true
			}
			kinds[under+key] = isTable
			if isTable && walk(inner, under+key+".") {
				return true
			}
		}
		return false
	}
	return slices.ContainsFunc(tables, func(t table) bool { return walk(t, "") })
}

// node is a node of a few files.
func node(handler string, files map[string]string) *Node {
	n := &Node{Handler: handler, Roots: []string{"/etc/containerd/config.toml"}}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		n.Files = append(n.Files, File{Path: path, Real: path, Text: files[path]})
	}
	return n
}

const runtimes = `plugins."io.containerd.cri.v1.runtime".containerd.runtimes.kata`

func TestContainerd(t *testing.T) {
	for name, test := range map[string]struct {
		engine string
		files  map[string]string
		want   Runtime
		fails  string
	}{
		"a drop-in overwrites texts and keeps what it does not say": {files: map[string]string{
			"/etc/containerd/config.toml":   "imports = ['conf.d/*.toml']\n[" + runtimes + "]\nruntime_type = 'io.containerd.kata.v2'\nprivileged_without_host_devices = true\npod_annotations = ['a']\n",
			"/etc/containerd/conf.d/a.toml": "[" + runtimes + ".options]\nConfigPath = '/a'\n",
			"/etc/containerd/conf.d/b.toml": "[" + runtimes + "]\npod_annotations = ['b']\n[" + runtimes + ".options]\nConfigPath = '/b'\n",
			"/etc/containerd/conf.d/c.conf": "[" + runtimes + ".options]\nConfigPath = '/c'\n",
		}, want: Runtime{Type: "io.containerd.kata.v2", ConfigPath: "/b", HostDevicesWithheld: true, PodAnnotations: []string{"b"}}},
		"names of older versions are one with today's": {files: map[string]string{
			"/etc/containerd/config.toml":   "version = 2\nimports = ['/etc/containerd/conf.d/a.toml']\n[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.kata]\nruntime_type = 'io.containerd.kata.v2'\n",
			"/etc/containerd/conf.d/a.toml": "version = 3\n[" + runtimes + ".options]\nConfigPath = '/a'\n",
		}, want: Runtime{Type: "io.containerd.kata.v2", ConfigPath: "/a"}},
		"the section of version 1": {files: map[string]string{
			"/etc/containerd/config.toml": "[plugins.cri.containerd.runtimes.kata]\nruntime_type = 'io.containerd.kata.v2'\n",
		}, want: Runtime{Type: "io.containerd.kata.v2"}},
		"containerd 1 replaces a section whole": {engine: "containerd://1.7.27", files: map[string]string{
			"/etc/containerd/config.toml":   "version = 2\nimports = ['/etc/containerd/conf.d/a.toml']\n[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.kata]\nruntime_type = 'io.containerd.kata.v2'\nprivileged_without_host_devices = true\n",
			"/etc/containerd/conf.d/a.toml": "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.kata.options]\nConfigPath = '/a'\n",
		}, want: Runtime{ConfigPath: "/a"}},
		"files that import each other are read once": {files: map[string]string{
			"/etc/containerd/config.toml": "imports = ['b.toml']\n[" + runtimes + "]\nruntime_type = 'x'\n",
			"/etc/containerd/b.toml":      "imports = ['config.toml']\n[" + runtimes + "]\nruntime_type = 'io.containerd.kata.v2'\n",
		}, want: Runtime{Type: "io.containerd.kata.v2"}},
		"imports of imports come after all imports": {files: map[string]string{
			"/etc/containerd/config.toml": "imports = ['a.toml', 'b.toml']\n",
			"/etc/containerd/a.toml":      "imports = ['c.toml']\n",
			"/etc/containerd/b.toml":      "[" + runtimes + "]\nruntime_type = 'b'\n",
			"/etc/containerd/c.toml":      "[" + runtimes + "]\nruntime_type = 'c'\n",
		}, want: Runtime{Type: "c"}},
		"nobody knows the handler": {files: map[string]string{"/etc/containerd/config.toml": "version = 3\n"}, fails: "knows the handler \"kata\""},
		"a file that was not read": {files: map[string]string{"/etc/containerd/config.toml": "imports = ['b.toml']\n"}, fails: "/etc/containerd/b.toml was not read"},
		"no TOML":                  {files: map[string]string{"/etc/containerd/config.toml": "imports = \n"}, fails: "is no TOML"},
		"imports of something else": {files: map[string]string{"/etc/containerd/config.toml": "imports = 'b.toml'\n"},
			fails: "no list of paths"},
	} {
		t.Run(name, func(t *testing.T) {
			n := node("kata", test.files)
			n.Engine = test.engine
			got, err := n.Runtime()
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Errorf("%v, want %q", err, test.fails)
				}
				return
			}
			got.Files, test.want.Handler, test.want.Engine = nil, "kata", Containerd
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("%+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}

// Two containerds of one node may know a handler, but not differently.
func TestTwoContainerds(t *testing.T) {
	n := node("kata", map[string]string{
		"/etc/containerd/config.toml": "[" + runtimes + "]\nruntime_type = 'io.containerd.kata.v2'\n",
		"/other/config.toml":          "[" + runtimes + "]\nruntime_type = 'io.containerd.runc.v2'\n",
	})
	n.Roots = append(n.Roots, "/other/config.toml")
	if _, err := n.Runtime(); err == nil || !strings.Contains(err.Error(), "differently") {
		t.Errorf("%v", err)
	}
	n.Files[1].Text = n.Files[0].Text
	if r, err := n.Runtime(); err != nil || !r.IsKata() {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestKataDropIns(t *testing.T) {
	n := node("kata", map[string]string{
		"/k/configuration.toml": "[hypervisor.qemu]\nimage = '/i'\nenable_annotations = ['a', 'b']\nkernel_params = 'x'\n[runtime]\nenable_debug = true\n",
		"/k/config.d/10-a":      "[hypervisor.qemu]\nenable_annotations = ['c']\n",
		"/k/config.d/20-b.toml": "[hypervisor.qemu]\nimage = ''\n[runtime]\nenable_debug = false\n",
		"/k/config.d/15-b.toml": "[runtime]\nenable_pprof = true\n[hypervisor.qemu]\nimage = '/never'\n",
		"/elsewhere/config.d/a": "[runtime]\nenable_pprof = false\n",
	})
	c, err := n.Kata(Runtime{ConfigPath: "/k/configuration.toml"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Files, []string{"/k/configuration.toml", "/k/config.d/10-a", "/k/config.d/15-b.toml", "/k/config.d/20-b.toml"}) {
		t.Errorf("read in the order %q", c.Files)
	}
	annotations, _ := c.List(Hypervisor, "enable_annotations")
	image, _ := c.Text(Hypervisor, "image", "unset")
	params, _ := c.Text(Hypervisor, "kernel_params", "")
	debug, _ := c.Bool(RuntimeSec, "enable_debug", true)
	pprof, _ := c.Bool(RuntimeSec, "enable_pprof", false)
	if !slices.Equal(annotations, []string{"c"}) || image != "" || params != "x" || debug || !pprof {
		t.Errorf("annotations %q, image %q, parameters %q, debug %t, pprof %t", annotations, image, params, debug, pprof)
	}
	if _, err := c.Bool(Hypervisor, "kernel_params", false); err == nil {
		t.Error("a text is taken for a flag")
	}
}

// Which file counts where nobody names one, and where two do.
func TestWhichConfiguration(t *testing.T) {
	files := map[string]string{}
	for _, path := range append(usual(GoShim), append(usual(RustShim), "/option.toml", "/variable.toml")...) {
		files[path] = "[hypervisor.qemu]\nkernel_params = '" + path + "'\n[runtime]\nhypervisor_name = 'qemu'\n"
	}
	for _, test := range []struct {
		name             string
		option, variable string
		isGo             bool
		without          []string
		want             string
	}{
		{name: "the Go shim looks in /etc first", isGo: true, want: "/etc/kata-containers/configuration.toml"},
		{name: "then where packages put it", isGo: true, without: []string{"/etc/"}, want: "/usr/share/defaults/kata-containers/configuration.toml"},
		{name: "or those of Fedora and OpenShift", isGo: true, without: []string{"/etc/", "/usr/share/defaults/"}, want: "/usr/share/kata-containers/defaults/configuration.toml"},
		{name: "then where kata-deploy puts it", isGo: true, without: []string{"/etc/", "/usr/"}, want: "/opt/kata/share/defaults/kata-containers/configuration.toml"},
		{name: "runtime-rs has folders of its own", want: "/etc/kata-containers/runtime-rs/configuration.toml"},
		{name: "an option counts", option: "/option.toml", want: "/option.toml"},
		{name: "the variable counts", variable: "/variable.toml", isGo: true, want: "/variable.toml"},
		{name: "the Go shim takes the option first", option: "/option.toml", variable: "/variable.toml", isGo: true, want: "/option.toml"},
		{name: "runtime-rs takes the variable first", option: "/option.toml", variable: "/variable.toml", want: "/variable.toml"},
	} {
		t.Run(test.name, func(t *testing.T) {
			here := maps.Clone(files)
			for path := range here {
				if slices.ContainsFunc(test.without, func(prefix string) bool { return strings.HasPrefix(path, prefix) }) {
					delete(here, path)
				}
			}
			n := node("kata", here)
			n.Variable, n.Programs = test.variable, []Program{{Role: "shim", Path: "/shim", Go: test.isGo}}
			c, err := n.Kata(Runtime{Path: "/shim", ConfigPath: test.option})
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := c.Text(Hypervisor, "kernel_params", ""); got != test.want {
				t.Errorf("read %s, want %s", got, test.want)
			}
		})
	}
	if _, err := node("kata", nil).Kata(Runtime{}); err == nil || !strings.Contains(err.Error(), "names no configuration") {
		t.Errorf("without any configuration: %v", err)
	}
}

// Whatever the observation says, it is read or refused, in bounds.
func FuzzRead(f *testing.F) {
	f.Add(`{"path":"/etc/containerd/config.toml","text":"[plugins.cri.containerd.runtimes.kata]\nruntime_type = 'io.containerd.kata.v2'\noptions = {ConfigPath = '/k'}"}`, `{"path":"/k","text":"[hypervisor.qemu]\na = [1]"}`, `{"role":"shim","path":"/s","bytes":1,"uid":0}`)
	f.Add(`{"path":"/etc/containerd/config.toml","text":"imports = ['*']"}`, `{"path":"*","problem":"x"}`, `{}`)
	f.Add(`{"path":"/etc/containerd/config.toml","absent":true}`, `null`, `[]`)
	f.Fuzz(func(t *testing.T, first, second, program string) {
		o := evidence.Observation{State: evidence.Seen, Values: evidence.Values{
			"handler": evidence.Text("kata"), "roots": evidence.List("/etc/containerd/config.toml"),
			"files": evidence.List(first, second), "programs": evidence.List(program)}}
		n, err := Read(o)
		if err != nil {
			return
		}
		r, err := n.Runtime()
		if err != nil {
			return
		}
		c, err := n.Kata(r)
		if err != nil {
			return
		}
		if _, err := c.With(c.Header(Hypervisor) + "\nenable_debug = true\n"); err != nil {
			t.Errorf("a drop-in for hypervisor %q cannot be merged: %v", c.Hypervisor, err)
		}
		for _, s := range []Section{Hypervisor, Factory, Agent, RuntimeSec} {
			_, _ = c.Bool(s, "enable_debug", false)
			_, _ = c.List(s, "enable_annotations")
		}
	})
}

// Of several shims that files name, the one counts that containerd starts.
func TestShimOf(t *testing.T) {
	n := &Node{Programs: []Program{{Role: "shim", Path: "/usr/bin/containerd-shim-other-v2", Go: true}, {Role: "shim", Path: "/usr/bin/containerd-shim-kata-qemu-v2"},
		{Role: "kernel", Path: "/opt/shim"}, {Role: "shim", Path: "/opt/shim", Go: true}}}
	for _, test := range []struct {
		of   Runtime
		path string
		shim Shim
	}{
		{Runtime{Type: "io.containerd.kata-qemu.v2"}, "/usr/bin/containerd-shim-kata-qemu-v2", RustShim},
		{Runtime{Type: "io.containerd.kata-qemu.v2", Path: "/opt/shim"}, "/opt/shim", GoShim},
		{Runtime{Type: "io.containerd.kata-fc.v2", ConfigPath: "/x/runtime-rs/y"}, "", RustShim},
		{Runtime{}, "", ""},
	} {
		if p, _ := n.ShimOf(test.of); p.Path != test.path || n.shim(test.of) != test.shim {
			t.Errorf("%+v: %s, %q", test.of, p.Path, n.shim(test.of))
		}
	}
}
