package kata

import (
	"embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	katafiles "github.com/katacert/katacert/probes/kata"
)

// trees are nodes as Kata's installers and distributions lay them out, written
// after their documented formats, one for each layout.
//
//go:embed trees/*.txtar
var trees embed.FS

// tree is the part of a node's files that Kata is made of, by path without the
// leading slash. Text that begins with "-> " is a link.
type tree map[string]string

// goProgram stands for a program that the Go compiler made.
const goProgram = "(Go program)\n"

// readTree returns a recorded node by its name.
func readTree(name string) (tree, error) {
	data, err := trees.ReadFile("trees/" + name + ".txtar")
	if err != nil {
		return nil, fmt.Errorf("read the recorded node %s: %w", name, err)
	}
	t := tree{}
	for _, f := range txtar.Parse(data).Files {
		t[f.Name] = string(f.Data)
	}
	return t, nil
}

// with is the node with one more file, or another in its place.
func (t tree) with(path, text string) tree {
	changed := maps.Clone(t)
	changed[strings.TrimPrefix(path, "/")] = text
	return changed
}

// observe lets the witness's own probes look at the node in one round. The node is
// laid out in a folder that goes away afterwards.
func (t tree) observe(handler string, round evidence.Round) (found []evidence.Observation, err error) {
	root, err := os.MkdirTemp("", "katacert-node-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for a recorded node: %w", err)
	}
	defer func() {
		if removed := os.RemoveAll(root); err == nil && removed != nil {
			err = fmt.Errorf("remove a recorded node: %w", removed)
		}
	}()
	for path, text := range t {
		if err := lay(filepath.Join(root, path), text); err != nil {
			return nil, fmt.Errorf("lay out a recorded node: %w", err)
		}
	}
	observations, _ := probes.Run(&probes.Context{
		Round: round, Vantage: evidence.Witness, HostRoot: root, Params: map[string]string{probes.ParamHandler: handler},
		OptIn: []string{probeFiles, probeDigests},
	}, katafiles.Probes())
	return observations, nil
}

func lay(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if target, isLink := strings.CutPrefix(text, "-> "); isLink {
		return os.Symlink(strings.TrimSpace(target), path)
	}
	switch {
	case text == goProgram:
		text = "\xff Go build" + "inf:"
	case filepath.Base(path) == "cmdline" || filepath.Base(path) == "environ":
		text = strings.Join(strings.Fields(text), "\x00") + "\x00"
	}
	return os.WriteFile(path, []byte(text), 0o644)
}
