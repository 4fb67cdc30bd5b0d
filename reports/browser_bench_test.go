package reports_test

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/katacert/katacert/reports/internal/sample"
)

// stopwatch measures in the page: how long after the start of the navigation it was
// laid out whole, and the longest that one change of the filter took until it was laid
// out again. Both are in milliseconds.
const stopwatch = `<script>
addEventListener('load', () => {
  const laidOut = () => document.documentElement.scrollHeight && performance.now();
  const open = laidOut();
  const text = document.getElementById('filter');
  const pass = document.querySelector('.filter input[value=pass]');
  let filter = 0;
  const time = (change) => {
    const from = laidOut();
    change();
    text.dispatchEvent(new Event('input', {bubbles: true}));
    filter = Math.max(filter, laidOut() - from);
  };
  time(() => { text.value = 'w'; });
  time(() => { text.value = 'worker-0013'; });
  time(() => { text.value = ''; });
  time(() => { pass.checked = false; });
  time(() => { pass.checked = true; });
  document.body.dataset.measured = open + ' ' + filter;
});
</script>`

var measuredInPage = regexp.MustCompile(`data-measured="([0-9.]+) ([0-9.]+)"`)

// BenchmarkPageInABrowser opens the page of a large run in a real browser. Opening and
// filtering must each take less than a second on a machine that does nothing else.
func BenchmarkPageInABrowser(b *testing.B) {
	browser := chromium(b)
	text, err := os.ReadFile(page(b, sample.Large(1000, 100)))
	if err != nil {
		b.Fatal(err)
	}
	// The page's own security policy would not let the stopwatch run.
	before, after, found := strings.Cut(string(text), `<meta http-equiv="Content-Security-Policy"`)
	if !found {
		b.Fatal("the page has no security policy")
	}
	before += strings.Replace(after[strings.Index(after, ">")+1:], "</body>", stopwatch+"</body>", 1)
	file := b.TempDir() + "/measured.html"
	if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
		b.Fatal(err)
	}
	var open, filter float64
	for b.Loop() {
		dom, log := dumped(b, browser, "file://"+file)
		took := measuredInPage.FindStringSubmatch(dom)
		if took == nil {
			b.Fatalf("the page did not measure itself: %s", log)
		}
		open, filter = max(open, number(b, took[1])), max(filter, number(b, took[2]))
	}
	b.ReportMetric(open, "open-ms")
	b.ReportMetric(filter, "filter-ms")
}

func number(b *testing.B, text string) float64 {
	b.Helper()
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		b.Fatal(fmt.Errorf("read what the page measured: %w", err))
	}
	return n
}
