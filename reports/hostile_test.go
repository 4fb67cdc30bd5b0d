package reports_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	renderer "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/internal/sample"
	"github.com/katacert/katacert/reports/pagetest"
)

// displayed bounds a file for people, in bytes, whatever a pod sends.
const displayed = 1 << 20

func TestHostileEvidenceReachesNoTerminal(t *testing.T) {
	dir := written(t, sample.Hostile())
	for _, format := range reports.Formats() {
		text := contents(t, filepath.Join(dir, format.File))
		if i := bytes.IndexFunc(text, func(r rune) bool { return r != '\n' && !strconv.IsPrint(r) }); i >= 0 {
			t.Errorf("%s holds %q, which does not show as itself", format.File, text[i:min(i+8, len(text))])
		}
		if format.Name != "json" && len(text) > displayed {
			t.Errorf("%s has %d bytes, want at most %d", format.File, len(text), displayed)
		}
	}
}

func TestHostileEvidenceIsKeptWholeInJSON(t *testing.T) {
	text := contents(t, filepath.Join(written(t, sample.Hostile()), "report.json"))
	if bytes.ContainsAny(text, "<>&") {
		t.Error("report.json could break out of a script element")
	}
	var r reports.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	for i, attack := range sample.Attacks[:len(sample.Attacks)-1] {
		if got := r.Verdicts[0].Compared[i+1]; got.Reading != attack || got.Subject != attack {
			t.Errorf("%q was changed to %q and %q", attack, got.Reading, got.Subject)
		}
	}
	if got, want := len(r.Verdicts[0].Compared[0].Subject), len(sample.Attacks[len(sample.Attacks)-1]); got != want {
		t.Errorf("a long text has %d bytes, want %d", got, want)
	}
}

func TestHostileEvidenceAddsNoXML(t *testing.T) {
	elements := func(r *reports.Report) (names []string) {
		decoder := xml.NewDecoder(bytes.NewReader(contents(t, filepath.Join(written(t, r), "junit.xml"))))
		for {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				return names
			}
			if err != nil {
				t.Fatal(err)
			}
			// Their number depends on what is set.
			if start, ok := token.(xml.StartElement); ok && start.Name.Local != "property" {
				names = append(names, start.Name.Local)
			}
		}
	}
	if got, want := elements(sample.Hostile()), elements(sample.Plain()); !slices.Equal(got, want) {
		t.Errorf("the elements are\n%v, want those of a harmless report\n%v", got, want)
	}
}

func TestHostileEvidenceIsInertInMarkdown(t *testing.T) {
	// Raw HTML is let through, as CI systems do with part of it.
	markdown := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(renderer.WithUnsafe()))
	var page bytes.Buffer
	if err := markdown.Convert(contents(t, filepath.Join(written(t, sample.Hostile()), "summary.md")), &page); err != nil {
		t.Fatal(err)
	}
	known := []string{"html", "head", "body", "h1", "h2", "h3", "p", "blockquote", "strong", "code", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"}
	headings := 0
	walk(t, page.Bytes(), func(n *html.Node) {
		switch {
		case n.Type == html.ElementNode && !slices.Contains(known, n.Data):
			t.Errorf("evidence became the element <%s %v>", n.Data, n.Attr)
		case n.Type == html.ElementNode && n.Data == "h1":
			headings++
		case n.Type == html.CommentNode:
			t.Errorf("evidence became the comment %q", n.Data)
		case n.Type == html.TextNode && n.Parent.Data != "code" && (strings.Contains(n.Data, "@team") || strings.Contains(n.Data, "#1 ")):
			t.Errorf("evidence can mention people and issues: %q", n.Data)
		}
	})
	if headings != 1 {
		t.Errorf("there are %d headings of the first level, want one", headings)
	}
}

func walk(t *testing.T, page []byte, visit func(*html.Node)) {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		visit(n)
	}
}

func TestPageIsInertAndSelfContained(t *testing.T) {
	for name, build := range samples() {
		t.Run(name, func(t *testing.T) {
			pagetest.RequireInert(t, contents(t, filepath.Join(written(t, build()), "report.html")))
		})
	}
}
