package katanode

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// containerds finds what the node's containerd knows of the handler. Where several
// containerds are configured on the node, the one that knows it counts, and two
// that know it differently are an error.
func (n *Node) containerds() (Runtime, error) {
	var known []Runtime
	var failures []error
	for _, root := range n.Roots {
		if f, ok := n.file(root); ok && f.Absent {
			continue
		}
		r, err := n.containerd(root)
		switch {
		case errors.Is(err, ErrNoHandler):
		case err != nil:
			failures = append(failures, err)
		default:
			known = append(known, r)
		}
	}
	switch {
	case len(failures) > 0:
		return Runtime{}, errors.Join(failures...)
	case len(known) == 0:
		return Runtime{}, fmt.Errorf("%w %q (looked at %s)", ErrNoHandler, n.Handler, strings.Join(n.Roots, ", "))
	}
	for _, r := range known[1:] {
		if first := known[0]; r.Type != first.Type || r.Path != first.Path || r.ConfigPath != first.ConfigPath {
			return Runtime{}, fmt.Errorf("two configurations of containerd know the handler %q, and differently: %s and %s", n.Handler, first.Files[0], r.Files[0])
		}
	}
	return known[0], nil
}

// containerd reads one root and what it imports.
func (n *Node) containerd(root string) (Runtime, error) {
	plugins, files, err := n.plugins(root)
	if err != nil {
		return Runtime{}, err
	}
	handler := tableAt(plugins, runtimePlugin, "containerd", "runtimes", n.Handler)
	if handler == nil {
		return Runtime{}, ErrNoHandler
	}
	r := Runtime{Handler: n.Handler, Engine: Containerd, Files: files}
	r.Type, _ = handler["runtime_type"].(string)
	r.Path, _ = handler["runtime_path"].(string)
	r.HostDevicesWithheld, _ = handler["privileged_without_host_devices"].(bool)
	r.PodAnnotations, _ = texts(handler["pod_annotations"])
	r.ContainerAnnotations, _ = texts(handler["container_annotations"])
	option, _ := at(handler, "options", "ConfigPath")
	r.ConfigPath, _ = option.(string)
	return r, nil
}

// runtimePlugin is the section in which containerd 2 keeps its runtimes; the
// others are its names before.
const runtimePlugin = "io.containerd.cri.v1.runtime"

var olderPlugins = []string{"io.containerd.grpc.v1.cri", "cri"}

// plugins merges the sections of plugins of a root and of everything that it
// imports, breadth first, each file once (LoadConfig in containerd's
// cmd/containerd/server/config).
//
// containerd 2 merges the sections table by table; containerd 1 replaces each
// section whole that an imported file has too, which is why Kata's installer
// writes no drop-ins there.
func (n *Node) plugins(root string) (merged table, files []string, err error) {
	whole := strings.HasPrefix(n.Engine, "containerd://1.") || strings.HasPrefix(n.Engine, "containerd://v1.")
	loaded := map[string]bool{}
	for pending := []string{root}; len(pending) > 0; {
		name := pending[0]
		pending = pending[1:]
		if loaded[name] {
			continue
		}
		loaded[name] = true
		f, err := n.text(name)
		if err != nil {
			return nil, nil, err
		}
		decoded, err := decode(f)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, name)
		sections := modern(tableAt(decoded, "plugins"))
		if whole {
			merged = replace(merged, sections)
		} else {
			merged = merge(merged, sections)
		}
		imports, err := n.imports(name, decoded["imports"])
		if err != nil {
			return nil, nil, err
		}
		pending = append(pending, imports...)
	}
	return merged, files, nil
}

// replace lays sections over others, each whole.
func replace(base, over table) table {
	replaced := maps.Clone(base)
	if replaced == nil {
		replaced = table{}
	}
	maps.Copy(replaced, over)
	return replaced
}

// modern gives the section of runtimes its present name, as containerd does with
// files of version 1 and 2 before it merges them.
func modern(sections table) table {
	renamed := maps.Clone(sections)
	for _, older := range olderPlugins {
		section, ok := renamed[older].(table)
		if !ok {
			continue
		}
		delete(renamed, older)
		present, _ := renamed[runtimePlugin].(table)
		renamed[runtimePlugin] = merge(section, present)
	}
	return renamed
}

// imports are the files that a file imports, in order: a pattern with an asterisk
// stands for the files that match, sorted by name.
func (n *Node) imports(parent string, value any) ([]string, error) {
	if value == nil {
		return nil, nil
	}
	patterns, ok := texts(value)
	if !ok {
		return nil, fmt.Errorf("%s imports something that is no list of paths", parent)
	}
	var found []string
	for _, pattern := range patterns {
		if !path.IsAbs(pattern) {
			pattern = path.Join(path.Dir(parent), pattern)
		}
		pattern = path.Clean(pattern)
		if !strings.Contains(pattern, "*") {
			found = append(found, pattern)
			continue
		}
		matches, err := n.matching(pattern)
		if err != nil {
			return nil, fmt.Errorf("%s imports %s: %w", parent, pattern, err)
		}
		found = append(found, matches...)
	}
	return found, nil
}

// matching are the files that were read and match a pattern of containerd's.
func (n *Node) matching(pattern string) ([]string, error) {
	var matches []string
	for _, f := range n.Files {
		if f.Path == pattern {
			return nil, errors.New(f.Problem) // the probe could not list it
		}
		match, err := filepath.Match(pattern, f.Path)
		if err != nil {
			return nil, err
		}
		if match {
			matches = append(matches, f.Path)
		}
	}
	slices.Sort(matches)
	return matches, nil
}
