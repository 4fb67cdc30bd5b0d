package katanode

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// everyAnnotation is what CRI-O passes on to a shim: it writes all annotations of a
// pod into the sandbox's bundle, and has no setting for it (createSandboxContainer
// in server/sandbox_run_linux.go).
var everyAnnotation = []string{"*"}

// hasCRIO says whether the witness found CRI-O on the node.
func (n *Node) hasCRIO() bool { return n.CRIOConfig != "" }

// crio merges CRI-O's configuration (crio.conf(5), crio(8) --config-dir): its file,
// then every file of its folder and of the folders in it, by name. The table of a
// handler stands in place of one that an earlier file has of it, whole: CRI-O decodes
// each file over the one before, and its decoder makes entries of a map anew
// (UpdateFromPath in pkg/config/config.go).
func (n *Node) crio() (Runtime, error) {
	if n.CRIOOverridden {
		return Runtime{}, errors.New("CRI-O's command line or environment sets its runtimes (--runtimes), which overrides its files: write them into a file of /etc/crio/crio.conf.d")
	}
	handlers := table{}
	var byDefault string
	var files []string
	for _, f := range n.crioFiles() {
		if f.Absent && f.Path == n.CRIOConfig {
			continue // it need not be there
		}
		if f.Problem != "" {
			return Runtime{}, fmt.Errorf("%s could not be read: %s", f.Path, f.Problem)
		}
		decoded, err := decode(f)
		if err != nil {
			return Runtime{}, err
		}
		files = append(files, f.Path)
		maps.Copy(handlers, tableAt(decoded, "crio", "runtime", "runtimes"))
		if name, ok := at(decoded, "crio", "runtime", "default_runtime"); ok {
			byDefault, _ = name.(string)
		}
	}
	handler := tableAt(handlers, n.Handler)
	if handler == nil {
		return Runtime{}, fmt.Errorf("%w %q (looked at %s and %s of CRI-O)", ErrNoHandler, n.Handler, n.CRIOConfig, n.CRIOFolder)
	}
	r := Runtime{Handler: n.Handler, Engine: CRIO, Files: files, PodAnnotations: everyAnnotation}
	r.HostDevicesWithheld, _ = handler["privileged_without_host_devices"].(bool)
	if inherits, _ := handler["inherit_default_runtime"].(bool); inherits {
		if handler = tableAt(handlers, byDefault); handler == nil {
			return Runtime{}, fmt.Errorf("handler %q inherits from CRI-O's default runtime %q, which its files do not describe", n.Handler, byDefault)
		}
	}
	r.Type, _ = handler["runtime_type"].(string)
	r.Path, _ = handler["runtime_path"].(string)
	r.ConfigPath, _ = handler["runtime_config_path"].(string)
	return r, nil
}

// crioFiles are the files in the order in which CRI-O reads them: a folder's entries
// by name, and what is in a folder where its name stands (filepath.Walk).
func (n *Node) crioFiles() []File {
	var found []File
	for _, f := range n.Files {
		if f.Path != n.CRIOConfig && (f.Path == n.CRIOFolder || strings.HasPrefix(f.Path, n.CRIOFolder+"/")) {
			found = append(found, f)
		}
	}
	slices.SortFunc(found, func(a, b File) int { return slices.Compare(strings.Split(a.Path, "/"), strings.Split(b.Path, "/")) })
	if config, ok := n.file(n.CRIOConfig); ok {
		found = append([]File{config}, found...)
	}
	return found
}
