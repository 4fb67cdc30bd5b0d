// Package pagetest checks katacert's pages in tests: whether they are inert and need
// nothing else, and whether they come to life in a real browser.
package pagetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// foreign are elements that load something, or that only evidence can have brought.
var foreign = map[string]bool{"img": true, "iframe": true, "object": true, "embed": true, "link": true, "base": true, "video": true, "audio": true, "foreignobject": true, "b": true}

// RequireInert fails the test where a page could run or load anything that is not its
// own: its policy must name its scripts and styles by their hashes, no attribute may
// run or load anything, and every link must lead to a place on the page.
func RequireInert(t testing.TB, page []byte) {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var policy string
	var inline, links []string
	ids := map[string]bool{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch {
		case n.Data == "script" || n.Data == "style":
			inline = append(inline, n.Data+"-src 'sha256-"+hash(n.FirstChild.Data)+"'")
		case foreign[n.Data]:
			t.Errorf("there is an element <%s %v>", n.Data, n.Attr)
		}
		for _, a := range n.Attr {
			switch {
			case a.Key == "content" && strings.Contains(a.Val, "default-src"):
				policy = a.Val
			case a.Key == "href":
				links = append(links, a.Val)
			case a.Key == "id":
				if ids[a.Val] {
					t.Errorf("id %q is used twice", a.Val)
				}
				ids[a.Val] = true
			case strings.HasPrefix(a.Key, "on"), a.Key == "src", a.Key == "style", a.Key == "srcset", a.Key == "action":
				t.Errorf("<%s> has the attribute %s=%.60q", n.Data, a.Key, a.Val)
			}
		}
	}
	if len(inline) == 0 || !strings.HasPrefix(policy, "default-src 'none';") {
		t.Fatalf("there are %d scripts and styles under the policy %q", len(inline), policy)
	}
	for _, directive := range inline {
		if !strings.Contains(policy, directive) {
			t.Errorf("the policy %q does not allow %q", policy, directive)
		}
	}
	for _, link := range links {
		if target, ok := strings.CutPrefix(link, "#"); !ok || !ids[target] {
			t.Errorf("the link %q leads out of the page or nowhere", link)
		}
	}
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}
