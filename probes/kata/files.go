package kata

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// file is one configuration file in evidence, in JSON.
type file struct {
	Path string `json:"path"`
	// Real is where it lies once links were followed.
	Real string `json:"real,omitempty"`
	// Text is what was kept of it: no comments, and nothing that is not asked for.
	Text string `json:"text,omitempty"`
	// Problem says why there is no text; Absent is set where there is no such file.
	Problem string `json:"problem,omitempty"`
	Absent  bool   `json:"absent,omitempty"`
}

const (
	// maxFiles and maxTextBytes bound what the probe reads together. A node with
	// three drop-ins and Kata's configuration has some 8 KiB of it.
	maxFiles     = 64
	maxTextBytes = 160 << 10
)

// reader reads the configuration of one handler.
type reader struct {
	tree  *tree
	seen  map[string]bool
	files []file
	texts int
	// cut is set when a bound was met.
	cut bool
}

// load reads one file, keeps of it what is wanted, and returns the statements.
func (r *reader) load(path string, wanted func([]string) bool) (all []statement, real string, ok bool) {
	path = filepath.Clean(path)
	if r.seen[path] {
		return nil, "", false
	}
	if len(r.files) == maxFiles {
		r.cut = true
		return nil, "", false
	}
	r.seen[path] = true
	f := file{Path: path}
	text, real, err := r.tree.read(path)
	f.Real = real
	if err == nil {
		all, err = statements(text)
	}
	if err == nil {
		f.Text = kept(all, wanted)
		if r.texts += len(f.Text); r.texts > maxTextBytes {
			err, r.cut = fmt.Errorf("more than %d bytes of configuration", maxTextBytes), true
		}
	}
	if err != nil {
		f.Text, f.Problem, f.Absent = "", err.Error(), errors.Is(err, os.ErrNotExist)
	}
	r.files = append(r.files, f)
	return all, real, err == nil
}

// problem records that a path could not be followed.
func (r *reader) problem(path string, err error) {
	if len(r.files) < maxFiles {
		r.files = append(r.files, file{Path: path, Problem: err.Error()})
	}
}

// aboutContainers keeps of containerd's configuration what decides how a handler's
// containers run. The rest may hold credentials of registries.
func aboutContainers(path []string) bool {
	return len(path) == 1 && (path[0] == "version" || path[0] == "imports") ||
		len(path) > 2 && path[0] == "plugins" && path[2] == "containerd"
}

// notSecret keeps Kata's configuration but for what logs in elsewhere.
func notSecret(path []string) bool {
	return !slices.Contains([]string{"jaeger_user", "jaeger_password", "snp_id_auth"}, path[len(path)-1])
}

// runtime is what the container runtime's files say of one handler, every file for
// itself: which of them wins is for the judge.
type runtime struct{ types, paths, configs []string }

// containerd reads a configuration of containerd and what it imports, and notes
// what they say of the handler.
func (r *reader) containerd(root, handler string, found *runtime) {
	pending := []string{root}
	for len(pending) > 0 {
		path := pending[0]
		pending = pending[1:]
		all, _, ok := r.load(path, aboutContainers)
		if !ok {
			continue
		}
		for _, s := range all {
			if len(s.path) == 1 && s.path[0] == "imports" && !s.header {
				pending = append(pending, r.imports(path, s.values)...)
			}
			found.note(s, handler)
		}
	}
}

// imports are the files that containerd's imports name; paths are relative to the
// file that imports.
func (r *reader) imports(parent string, patterns []string) []string {
	var paths []string
	for _, pattern := range patterns {
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(filepath.Dir(parent), pattern)
		}
		matches, err := r.tree.glob(filepath.Clean(pattern))
		if err != nil {
			r.problem(pattern, err)
			continue
		}
		paths = append(paths, matches...)
	}
	return paths
}

func (found *runtime) note(s statement, handler string) {
	const table = 5 // plugins, plugin, containerd, runtimes, handler
	if s.header || len(s.path) <= table || s.path[0] != "plugins" || s.path[3] != "runtimes" || s.path[4] != handler {
		return
	}
	switch strings.Join(s.path[table:], ".") {
	case "runtime_type":
		found.types = append(found.types, s.values...)
	case "runtime_path":
		found.paths = append(found.paths, s.values...)
	case "options.ConfigPath":
		found.configs = append(found.configs, s.values...)
	case "options": // an inline table
		for _, value := range s.values {
			if filepath.IsAbs(value) {
				found.configs = append(found.configs, value)
			}
		}
	}
}

// isKata says whether any file names a shim of Kata's for the handler.
func (found *runtime) isKata() bool {
	return slices.ContainsFunc(slices.Concat(found.types, found.paths), func(name string) bool { return strings.Contains(name, "kata") })
}

// usualKataConfigs are where Kata's shims look for a configuration that nobody
// names: the Go shim's paths, as packages (the second of Fedora, RHEL and OpenShift)
// and as kata-deploy build it, and those of runtime-rs (src/libs/kata-types/src/config/default.rs).
var usualKataConfigs = []string{
	"/etc/kata-containers/configuration.toml",
	"/usr/share/defaults/kata-containers/configuration.toml",
	"/usr/share/kata-containers/defaults/configuration.toml",
	"/opt/kata/share/defaults/kata-containers/configuration.toml",
	"/etc/kata-containers/runtime-rs/configuration.toml",
	"/usr/share/defaults/kata-containers/runtime-rs/configuration.toml",
	"/opt/kata/share/defaults/kata-containers/runtime-rs/configuration.toml",
}

// kata reads a configuration of Kata's and everything in config.d beside it, and
// returns all their statements.
func (r *reader) kata(path string) []statement {
	all, real, ok := r.load(path, notSecret)
	if !ok {
		return nil
	}
	if real == "" {
		real = path
	}
	folder := filepath.Join(filepath.Dir(real), "config.d")
	names, err := r.tree.names(folder)
	if err != nil {
		r.problem(folder, err)
	}
	for _, name := range names { // of any ending: Kata reads them all
		more, _, _ := r.load(filepath.Join(folder, name), notSecret)
		all = append(all, more...)
	}
	return all
}

// Bounds of what a release says of itself: VERSION is "4.1.0", and versions.yaml has
// some 5 KiB of versions.
const (
	maxVersionBytes  = 64
	maxVersionsBytes = 16 << 10
)

// release reads a file in which Kata's archives say what they hold, and keeps of it
// what is wanted. There need be none.
func (r *reader) release(path string, most int, wanted func(string) string) {
	if r.seen[path] || len(r.files) == maxFiles {
		return
	}
	r.seen[path] = true
	f := file{Path: path}
	text, real, err := r.tree.read(path)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	f.Real, f.Text = real, wanted(text)
	if err == nil && len(f.Text) > most {
		err = fmt.Errorf("longer than %d bytes", most)
	}
	if err != nil {
		f.Text, f.Problem = "", err.Error()
	}
	r.files = append(r.files, f)
}

// onlyVersions keeps of Kata's versions.yaml the versions and what they stand below.
// It knows YAML as far as that file goes: blocks, and no flow style.
func onlyVersions(text string) string {
	var kept strings.Builder
	folded := -1 // how far the key of a text of several lines is indented
	for line := range strings.Lines(text) {
		statement := strings.TrimSpace(line)
		indent := len(line) - len(strings.TrimLeft(line, " "))
		if statement == "" || folded >= 0 && indent > folded {
			continue
		}
		folded = -1
		statement, _, _ = strings.Cut(statement, " #")
		key, value, ok := strings.Cut(statement, ":")
		value = strings.TrimSpace(value)
		switch {
		case !ok || strings.HasPrefix(statement, "#") || strings.HasPrefix(statement, "- "):
		case strings.HasPrefix(value, "|") || strings.HasPrefix(value, ">"):
			folded = indent
		case value == "":
			kept.WriteString(line[:indent] + key + ":\n")
		case key == "version":
			kept.WriteString(line[:indent] + key + ": " + value + "\n")
		}
	}
	return kept.String()
}

// releaseFolders are where the files VERSION and versions.yaml of the Kata lie to
// which a shim belongs: above the folder of the shim, bin or runtime-rs/bin.
func releaseFolders(programs []program) []string {
	var folders []string
	for _, p := range programs {
		if p.Role != "shim" {
			continue
		}
		at := p.Path
		if p.Real != "" {
			at = p.Real
		}
		above := filepath.Dir(filepath.Dir(at))
		folders = append(folders, above, filepath.Dir(above))
	}
	return folders
}

// lines are the files as evidence holds them.
func lines[T any](items []T) evidence.Value {
	texts := make([]string, len(items))
	for i, item := range items {
		var out strings.Builder
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(item); err != nil {
			panic(err) // texts and numbers can always be written
		}
		texts[i] = strings.TrimSpace(out.String())
	}
	return evidence.List(texts...)
}
