package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const ciFolder = "../../docs/ci"

var ciCommand = regexp.MustCompile(`bin/katacert [^|>\n]*`)

// The examples for CI systems are valid YAML, and every command in them is one of
// katacert's with flags that it has.
func TestExamplesForCI(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(ciFolder, "*.yaml"))
	if err != nil || len(files) < 3 {
		t.Fatalf("the examples are %v, %v", files, err)
	}
	commands := 0
	for _, path := range append(files, filepath.Join(ciFolder, "README.md")) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, ".yaml") {
			var document map[string]any
			if err := yaml.UnmarshalStrict(text, &document); err != nil || len(document) == 0 {
				t.Errorf("%s: %v", path, err)
			}
		}
		// Lines that go on, in a shell and in folded YAML.
		joined := regexp.MustCompile(`\\\n\s*|\n\s+(--)`).ReplaceAllString(string(text), " $1")
		for _, line := range ciCommand.FindAllString(joined, -1) {
			commands++
			words := strings.Fields(line)[1:]
			found, rest, err := newRoot().Find(words)
			if err != nil || found.Name() == "katacert" {
				t.Errorf("%s: %q is no command: %v", path, line, err)
				continue
			}
			for _, word := range rest {
				// The commands run in a copy of the source, the runs are elsewhere.
				if own, err := filepath.Glob(filepath.Join("../..", word)); err != nil || strings.Contains(word, "*") && len(own) > 0 {
					t.Errorf("%s: %s means %d files of the source (%v)", path, word, len(own), err)
				}
				name, isFlag := strings.CutPrefix(word, "--")
				if isFlag && found.Flags().Lookup(name) == nil {
					t.Errorf("%s: %q has no flag %s", path, found.CommandPath(), word)
				}
			}
		}
	}
	if commands < 5 {
		t.Errorf("only %d commands were found in the examples", commands)
	}
}
