package selftest

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/katacert/katacert/reports/pagetest"
	"github.com/katacert/katacert/suites/judge"
)

// pageOf writes a self-test's page alone.
func pageOf(t *testing.T, r *Result) (file string, text []byte) {
	t.Helper()
	var page bytes.Buffer
	if err := r.writePage(&page, controls()); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "selftest.html")
	if err := os.WriteFile(file, page.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, page.Bytes()
}

// tried is a self-test with every mark and every part of a page.
func tried() *Result {
	return result(func(r *Result) {
		r.Trials[0].mutant.Caught = []string{"must", "other"}
		r.Trials[0].Verdicts["may"] = Verdict{Result: judge.Fail, Reason: "subject saw it too"}
		r.Trials[0].Verdicts["recorded"] = Verdict{Result: judge.Fail, Reason: "subject saw what is not there"}
		r.Recorded = []Recorded{
			{Recording: "node-a", What: "a node", Verdicts: map[string]Verdict{"recorded": {Result: judge.Fail}}, Caught: []string{"recorded"}},
			{Trial: "opened", Recording: "node-a", What: "a node", Broken: "a file", Verdicts: map[string]Verdict{"recorded": {Result: judge.Pass}}, Missed: []string{"recorded"}},
			{Trial: "unread", Recording: "node-b", Failure: "no such file", Verdicts: map[string]Verdict{}},
		}
	})
}

// The page and the Markdown say the same of every control and trial.
func TestPageAndMarkdownAgree(t *testing.T) {
	r := tried()
	var markdown bytes.Buffer
	if err := r.writeMarkdown(&markdown, controls()); err != nil {
		t.Fatal(err)
	}
	_, text := pageOf(t, r)
	root, err := html.Parse(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || n.Data != "tr" || attribute(n, "data-marks") == "" {
			continue
		}
		var control, letters string
		for cell := range n.Descendants() {
			switch {
			case cell.Data == "th":
				control = cell.FirstChild.Data
			case strings.HasPrefix(attribute(cell, "class"), "beat") && cell.FirstChild != nil:
				letters += cell.FirstChild.Data
			}
		}
		said[control] = letters
	}
	for _, row := range regexp.MustCompile(`(?m)^\| (\S+) \| [^|]* \| (.) \| \**([^ |*]?)\** \|$`).FindAllStringSubmatch(markdown.String(), -1) {
		if row[1] == "control" { // the head of the table
			continue
		}
		if said[row[1]] != row[2]+row[3] {
			t.Errorf("%s is %q on the page, and %q in Markdown", row[1], said[row[1]], row[2]+row[3])
		}
		delete(said, row[1])
	}
	if len(said) > 0 {
		t.Errorf("Markdown lacks %v:\n%s", said, markdown.String())
	}
}

func TestPageTellsEveryTrial(t *testing.T) {
	_, text := pageOf(t, tried())
	for _, want := range []string{"BLUNT: the suite does not catch what it must", `id="mutant-m"`, `id="recorded-opened"`, "subject saw what is not there",
		"fired without cause", "1 missed, 1 fired without cause, 1 caught, 2 also caught", "no such file", "survived", "not tried"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("the page does not hold %q", want)
		}
	}
}

func TestPageIsInert(t *testing.T) {
	for name, r := range map[string]*Result{"hostile": lied(), "every mark": tried(), "caught": result(func(*Result) {})} {
		t.Run(name, func(t *testing.T) {
			file, text := pageOf(t, r)
			pagetest.RequireInert(t, text)
			pagetest.RequireAlive(t, "file://"+file, " trials</output>")
		})
	}
}

func TestPageByKeyboardAndOnPaper(t *testing.T) {
	file, _ := pageOf(t, tried())
	pagetest.RequireUsable(t, file)
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
