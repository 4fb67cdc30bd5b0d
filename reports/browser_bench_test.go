package reports_test

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"github.com/katacert/katacert/reports/internal/sample"
	"github.com/katacert/katacert/reports/pagetest"
)

// stopwatch measures in the page: how long after the start of the navigation it was
// laid out whole, and the longest that one change of the filter took until it was laid
// out again. Both are in milliseconds.
const stopwatch = `
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
`

var measuredInPage = regexp.MustCompile(`data-measured="([0-9.]+) ([0-9.]+)"`)

// BenchmarkPageInABrowser opens the page of a large run in a real browser. Opening and
// filtering must each take less than a second on a machine that does nothing else.
func BenchmarkPageInABrowser(b *testing.B) {
	browser := pagetest.Browser(b)
	file := pagetest.WithScript(b, page(b, sample.Large(1000, 100)), stopwatch)
	var open, filter float64
	for b.Loop() {
		dom, log := pagetest.Open(b, browser, "file://"+file)
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
