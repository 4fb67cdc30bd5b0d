// Package katanode reads what stands behind a handler of Kata Containers from the
// files that the witness found on a node: containerd's or CRI-O's configuration and its
// drop-ins, Kata's and its drop-ins, each merged as its program merges it. It is
// pure: no files, no network, no clock.
package katanode

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// File is one configuration file of a node.
type File struct {
	Path string `json:"path"`
	// Real is where it lies once links were followed.
	Real string `json:"real"`
	// Text is what the probe kept of it.
	Text string `json:"text"`
	// Problem says why there is no text; Absent is set where there is no such file.
	Problem string `json:"problem"`
	Absent  bool   `json:"absent"`
}

// Program is one file that Kata runs or boots.
type Program struct {
	Role    string `json:"role"`
	Path    string `json:"path"`
	Real    string `json:"real"`
	Bytes   int64  `json:"bytes"`
	Mode    string `json:"mode"`
	UID     uint32 `json:"uid"`
	Go      bool   `json:"go"`
	SHA256  string `json:"sha256"`
	Version string `json:"version"`
	Problem string `json:"problem"`
}

// Node is what the witness read of one handler.
type Node struct {
	Handler string
	// Roots are the files at which containerd begins.
	Roots []string
	// CRIOConfig and CRIOFolder are CRI-O's file and the folder of its drop-ins; empty
	// where there is no CRI-O. CRIOOverridden says that its command line overrides them.
	CRIOConfig, CRIOFolder string
	CRIOOverridden         bool
	// Variable is KATA_CONF_FILE of the container runtime, which the shims inherit.
	Variable string
	Files    []File
	Programs []Program
	// Engine is what the node's kubelet says of its container runtime, for example
	// "containerd://2.4.2" or "cri-o://1.36.1"; it is not in the observation.
	Engine string
}

// Bounds of what is read: several times what the probe sends.
const (
	maxFiles     = 256
	maxFileBytes = 256 << 10
)

// Read decodes an observation of the probe kata-files.
func Read(o evidence.Observation) (*Node, error) {
	n := &Node{}
	n.Handler, _ = o.Values.Text("handler")
	n.Variable, _ = o.Values.Text("config_variable")
	n.Roots, _ = o.Values.List("roots")
	n.CRIOConfig, _ = o.Values.Text("crio_config")
	n.CRIOFolder, _ = o.Values.Text("crio_folder")
	overridden, _ := o.Values.Number("crio_overridden")
	n.CRIOOverridden = overridden != 0
	if cut, _ := o.Values.Number("truncated"); cut != 0 {
		return nil, errors.New("the node has more configuration than the probe reads")
	}
	texts, ok := o.Values.List("files")
	if !ok {
		return nil, errors.New("the witness lists no files")
	}
	if len(texts) > maxFiles {
		return nil, fmt.Errorf("the witness lists %d files", len(texts))
	}
	for _, text := range texts {
		var f File
		if err := strict(text, &f); err != nil {
			return nil, fmt.Errorf("a file of the witness: %w", err)
		}
		n.Files = append(n.Files, f)
	}
	programs, err := Programs(o)
	n.Programs = programs
	return n, err
}

// Programs decodes the programs in an observation of the probes kata-files and
// kata-digests.
func Programs(o evidence.Observation) ([]Program, error) {
	texts, _ := o.Values.List("programs")
	if len(texts) > maxFiles {
		return nil, fmt.Errorf("the witness lists %d programs", len(texts))
	}
	var programs []Program
	for _, text := range texts {
		var p Program
		if err := strict(text, &p); err != nil {
			return nil, fmt.Errorf("a program of the witness: %w", err)
		}
		programs = append(programs, p)
	}
	return programs, nil
}

// strict decodes one JSON object and nothing else.
func strict(text string, into any) error {
	if len(text) > maxFileBytes {
		return fmt.Errorf("%d bytes are more than any file has", len(text))
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("%.80q: %w", text, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%.80q: more than one object", text)
	}
	return nil
}

// file finds a file by the path by which it was asked for.
func (n *Node) file(path string) (File, bool) {
	i := slices.IndexFunc(n.Files, func(f File) bool { return f.Path == path })
	if i < 0 {
		return File{}, false
	}
	return n.Files[i], true
}

// text returns the text of a file, or why there is none.
func (n *Node) text(path string) (File, error) {
	f, ok := n.file(path)
	switch {
	case !ok:
		return f, fmt.Errorf("%s was not read", path)
	case f.Problem != "":
		return f, fmt.Errorf("%s could not be read: %s", path, f.Problem)
	default:
		return f, nil
	}
}
