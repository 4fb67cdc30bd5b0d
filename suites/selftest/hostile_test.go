package selftest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	renderer "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html"

	"github.com/katacert/katacert/suites/judge"
)

// attacks are for a browser, a terminal, a table in Markdown and a reader's memory.
var attacks = []string{
	`<script>document.title="owned"</script><img src=x onerror=alert(1)><!-- -->`,
	"\x1b[31mred\x1b]0;owned\a\u009b2J\r\n\u202e\u2066lagel\u200b\ufeff\u2028\U000e0041",
	"| cell | **bold** [link](javascript:alert(1)) ![i](http://203.0.113.1/x.png) <b>\n\n# heading\n- [ ] task `code`",
	strings.Repeat("A<b>|", 1<<16),
}

// lied is a self-test in which every text that a pod or a cluster may have a part
// in is an attack.
func lied() *Result {
	attack := strings.Join(attacks, " ")
	return result(func(r *Result) {
		r.Whole = true
		for id := range r.Sound.Verdicts {
			r.Sound.Verdicts[id] = Verdict{Result: judge.Invalid, Reason: attack}
			r.Trials[0].Verdicts[id] = Verdict{Result: judge.NotApplicable, Reason: attack}
		}
		r.Sound.Verdicts["may"] = Verdict{Result: judge.NotApplicable, Reason: attack}
		r.Trials = append(r.Trials, Trial{Mutant: "n", mutant: mutant(), Failure: attack, Verdicts: map[string]Verdict{}})
		r.Leftovers = []string{attack}
	})
}

func TestHostileReasonsAreShownAsText(t *testing.T) {
	r := lied()
	dir := t.TempDir()
	if _, err := r.Write(dir, controls()); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	r.Text(&text)
	files := map[string][]byte{"text": text.Bytes()}
	for _, name := range []string{"selftest.json", "selftest.md", "selftest.html"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
	}
	for name, data := range files {
		if !bytes.Contains(data, []byte("owned")) {
			t.Errorf("%s holds nothing of the attack", name)
		}
		if i := bytes.IndexFunc(data, func(r rune) bool { return r != '\n' && !strconv.IsPrint(r) }); i >= 0 {
			t.Errorf("%s holds %q, which does not show as itself", name, data[i:min(i+8, len(data))])
		}
		if name != "selftest.json" && len(data) > 100<<10 {
			t.Errorf("%s has %d bytes", name, len(data))
		}
	}
	var again Result
	if err := json.Unmarshal(files["selftest.json"], &again); err != nil || again.Trials[1].Failure != strings.ToValidUTF8(r.Trials[1].Failure, "\ufffd") {
		t.Errorf("selftest.json does not keep what was said: %v", err)
	}
	requireNoMarkup(t, files["selftest.md"])
}

// requireNoMarkup renders Markdown with raw HTML let through, as CI systems do with
// part of it.
func requireNoMarkup(t *testing.T, markdown []byte) {
	t.Helper()
	var page bytes.Buffer
	convert := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(renderer.WithUnsafe()))
	if err := convert.Convert(markdown, &page); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(&page)
	if err != nil {
		t.Fatal(err)
	}
	known := " html head body h1 p strong table thead tbody tr th td ul li "
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && !strings.Contains(known, " "+n.Data+" ") {
			t.Errorf("a reason became the element <%s %v>", n.Data, n.Attr)
		}
		if n.Type == html.CommentNode {
			t.Errorf("a reason became the comment %q", n.Data)
		}
	}
}
