package kata

import (
	"reflect"
	"strings"
	"testing"
)

func TestStatements(t *testing.T) {
	text := `# a comment
version = 3 # another
imports = [
  "/a/*.toml", # the first
  '/b.toml',
]
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.kata]
runtime_type = "io.containerd.kata.v2"
  options = { ConfigPath = "/k#1.toml" }
a.b."c.d" = """
# no comment
"quoted" \
"""
[[array]]
lit = '''x ' # y'''
esc = "tab\there \"#\""
n = 1_000
`
	all, err := statements(text)
	if err != nil {
		t.Fatal(err)
	}
	runtime := []string{"plugins", "io.containerd.cri.v1.runtime", "containerd", "runtimes", "kata"}
	with := func(more ...string) []string { return append(append([]string{}, runtime...), more...) }
	for i, want := range []statement{
		{path: []string{"version"}, text: "version = 3"},
		{path: []string{"imports"}, values: []string{"/a/*.toml", "/b.toml"}},
		{path: runtime, header: true, text: `[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.kata]`},
		{path: with("runtime_type"), text: `runtime_type = "io.containerd.kata.v2"`, values: []string{"io.containerd.kata.v2"}},
		{path: with("options"), text: `options = { ConfigPath = "/k#1.toml" }`, values: []string{"/k#1.toml"}},
		{path: with("a", "b", "c.d"), values: []string{"\n# no comment\n\"quoted\" \\\n"}},
		{path: []string{"array"}, header: true, text: "[[array]]"},
		{path: []string{"array", "lit"}, text: "lit = '''x ' # y'''", values: []string{"x ' # y"}},
		{path: []string{"array", "esc"}, values: []string{"tab\there \"#\""}},
		{path: []string{"array", "n"}, text: "n = 1_000"},
	} {
		if i >= len(all) {
			t.Fatalf("only %d statements", len(all))
		}
		got := all[i]
		if !reflect.DeepEqual(got.path, want.path) || got.header != want.header || !reflect.DeepEqual(got.values, want.values) || want.text != "" && got.text != want.text {
			t.Errorf("statement %d is %+v, want %+v", i, got, want)
		}
	}
	if strings.Contains(all[1].text, "#") {
		t.Errorf("comments are kept: %q", all[1].text)
	}
}

func TestBrokenStatements(t *testing.T) {
	for text, says := range map[string]string{
		"a = 1\nb": "line 2: a key", "[a": "a key", "[[a]": "a header", "[]": "a key", "= 1": "a key", "a = [1": "a value", "a = 1]": "a value",
		"a = \"x\n": "a string", "a = '''x": "a string", "a.= 1": "a key", `"a = 1`: "a string", "a = \"\\": "a string",
		strings.Repeat("a = 1\n", maxStatements+1): "more than",
	} {
		if _, err := statements(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.20q: %v, want %q", text, err, says)
		}
	}
}

func TestKept(t *testing.T) {
	all, err := statements("top = 1\n[secret]\npassword = 'x'\n[plugins.x.containerd]\na = 1 # why\n[plugins.x.registry]\nauth = 'y'\n[plugins.x.containerd.runtimes.kata]\n")
	if err != nil {
		t.Fatal(err)
	}
	const want = "[plugins.x.containerd]\na = 1\n[plugins.x.containerd.runtimes.kata]\n"
	if got := kept(all, aboutContainers); got != want {
		t.Errorf("kept %q, want %q", got, want)
	}
}

// Whatever a file of the node holds, it is read or refused, and what is kept of it
// reads as the same again.
func FuzzStatements(f *testing.F) {
	f.Add("a = 1\n[b.'c']\nd = [\"e\", # f\n'g']\n")
	f.Add("[[a]]\nb = \"\"\"c\n\"\"\" # d")
	f.Add("a = {b = 'c', d = [1]}\r\n")
	everything := func([]string) bool { return true }
	f.Fuzz(func(t *testing.T, text string) {
		all, err := statements(text)
		if err != nil {
			return
		}
		again, err := statements(kept(all, everything))
		if err != nil {
			t.Fatalf("%q is kept as %q: %v", text, kept(all, everything), err)
		}
		if len(again) != len(all) {
			t.Fatalf("%q: %d statements, kept %d", text, len(all), len(again))
		}
		for i := range all {
			if !reflect.DeepEqual(all[i].path, again[i].path) || !reflect.DeepEqual(all[i].values, again[i].values) {
				t.Fatalf("%q: %+v is kept as %+v", text, all[i], again[i])
			}
		}
	})
}
