package terminal

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgressOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := NewProgress(&out, true)
		p.Plan(4)
		p.Phase("worker-1/gvisor", "look")
		p.Done(1)
		time.Sleep(10 * time.Second)
		p.Note("pod starts slowly \x1b[2J")
		time.Sleep(time.Second)
		p.Stop()
		p.Stop()
		for _, want := range []string{
			"[1/4] worker-1/gvisor: look, 10s, about 30s left",
			"pod starts slowly \\x1b[2J\n",
		} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the terminal never showed %q, but\n%q", want, out.String())
			}
		}
		out.Reset()
		p.Note("after the end")
		p.Phase("", "clean up")
		if got, want := out.String(), "after the end\n[1/4] clean up, 11s\n"; got != want {
			t.Errorf("after Stop it wrote %q, want %q", got, want)
		}
	})
}

func TestProgressInALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := NewProgress(&out, false)
		p.Phase("", "start the cluster")
		p.Plan(30)
		p.Phase("worker-1/gvisor", "look")
		p.Phase("worker-1/gvisor", "look")
		time.Sleep(3 * time.Second)
		p.Done(30)
		p.Phase("worker-1/gvisor", "act\r\x1b[2K")
		p.Note("a note")
		p.Stop()
		want := "start the cluster, 0s\n[0/30] worker-1/gvisor: look, 0s\n[30/30] worker-1/gvisor: act\\r\\x1b[2K, 3s\na note\n"
		if out.String() != want {
			t.Errorf("got %q\nwant %q", out.String(), want)
		}
	})
}

func TestProgressFromManyGoroutines(t *testing.T) {
	for _, tty := range []bool{true, false} {
		t.Run(fmt.Sprintf("tty=%v", tty), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const each, workers = 50, 8
				var out bytes.Buffer
				p := NewProgress(&out, tty)
				p.Plan(each * workers)
				var all sync.WaitGroup
				for w := range workers {
					all.Go(func() {
						for i := range each {
							p.Phase(fmt.Sprintf("worker-%d", w), fmt.Sprintf("step %d", i))
							p.Done(1)
							time.Sleep(time.Duration(w+1) * 37 * time.Millisecond)
							p.Note(fmt.Sprintf("note %d.%d.", w, i))
						}
					})
				}
				all.Wait()
				p.Stop()
				for w := range workers {
					for i := range each {
						if note := fmt.Sprintf("note %d.%d.\n", w, i); !strings.Contains(out.String(), note) {
							t.Fatalf("%q is lost", note)
						}
					}
				}
				if p.done != each*workers {
					t.Errorf("%d steps are done, want %d", p.done, each*workers)
				}
			})
		})
	}
}

func TestWorkingTakesOneLineOfATerminal(t *testing.T) {
	var out strings.Builder
	p := NewProgress(&out, true)
	p.Working("package 1 of 9")
	p.Working("package 2 of 9")
	p.Note("done")
	if got, want := out.String(), "\r\x1b[Kpackage 1 of 9\r\x1b[Kpackage 2 of 9\r\x1b[Kdone\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWorkingIsRareInALog(t *testing.T) {
	var out strings.Builder
	p := NewProgress(&out, false)
	for range 50 {
		p.Working("package 1 of 9")
	}
	if got, want := out.String(), "package 1 of 9\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
