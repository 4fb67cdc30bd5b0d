// Package kindconfigs holds the configurations of kind clusters that katacert
// brings with it. The files are plain kind configurations: `kind create cluster
// --config` takes them too, apart from katacert's additions to the nodes.
package kindconfigs

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

// Default is the configuration of a cluster for which none is chosen.
const Default = "one-node"

//go:embed *.yaml
var files embed.FS

// Names lists the configurations, sorted.
func Names() []string {
	entries, _ := fs.ReadDir(files, ".") // a folder in memory
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = strings.TrimSuffix(entry.Name(), ".yaml")
	}
	return names
}

// Read gives the configuration of a name.
func Read(name string) ([]byte, error) {
	data, err := files.ReadFile(name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("there is no kind configuration %q: choose of %s", name, strings.Join(Names(), ", "))
	}
	return data, nil
}

// Describe gives the comment at the head of a configuration on one line: what the
// cluster is for.
func Describe(name string) (string, error) {
	data, err := Read(name)
	if err != nil {
		return "", err
	}
	var words []string
	for line := range strings.Lines(string(data)) {
		comment, ok := strings.CutPrefix(line, "#")
		if !ok {
			break
		}
		words = append(words, strings.Fields(comment)...)
	}
	return strings.Join(words, " "), nil
}
