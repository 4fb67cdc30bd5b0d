package terminal

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/katacert/katacert/suites/judge"
)

// Progress shows how far a run is: on a terminal one line that is rewritten,
// elsewhere one line per phase. Its methods may be called from any goroutine.
type Progress struct {
	w       io.Writer
	tty     bool
	started time.Time

	// mu is never held during a call into mpb, which calls line in turn.
	mu          sync.Mutex
	total, done int
	phase       string
	// live is nil where lines are plain, before Plan and after Stop.
	live *mpb.Progress
	bar  *mpb.Bar
	// open says that the terminal's line holds what Working wrote, worked when a
	// log was last told.
	open   bool
	worked time.Time
}

// NewProgress shows progress on w. Elapsed time counts from here.
func NewProgress(w io.Writer, tty bool) *Progress {
	return &Progress{w: w, tty: tty, started: time.Now()}
}

// Plan says of how many steps the run consists. Called again it corrects the
// number.
func (p *Progress) Plan(total int) {
	p.mu.Lock()
	first := p.tty && p.total == 0 && total > 0
	p.total = max(total, 0)
	p.mu.Unlock()
	if !first {
		return
	}
	live := mpb.New(mpb.WithOutput(p.w), mpb.WithAutoRefresh())
	bar := live.New(0, mpb.NopStyle(), mpb.PrependDecorators(decor.Any(p.line)))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live, p.bar = live, bar
}

// Phase says what is being done, and for which target; the target may be empty.
func (p *Progress) Phase(target, name string) {
	phase := judge.Printable(name, 60)
	if target != "" {
		phase = judge.Printable(target, 60) + ": " + phase
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if phase == p.phase {
		return
	}
	p.phase = phase
	if p.live == nil {
		p.print(p.text())
	}
}

// Done says that n more steps are done.
func (p *Progress) Done(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
}

// Note writes a line that stays, above the live one.
func (p *Progress) Note(line string) {
	line = judge.Printable(line, 2000)
	p.mu.Lock()
	live := p.live
	p.mu.Unlock()
	if live != nil {
		if _, err := fmt.Fprintln(live, line); err == nil {
			return
		}
		// Stop came first.
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.print(line)
}

// Working says again and again how far a long work has come: in one place on a
// terminal, and now and then elsewhere.
func (p *Progress) Working(line string) {
	line = judge.Printable(line, 2000)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.live != nil:
		p.phase = line
	case p.tty:
		_, _ = fmt.Fprint(p.w, clearLine+cut(line, narrowTerminal))
		p.open = true
	case time.Since(p.worked) >= workingEvery:
		p.worked = time.Now()
		p.print(line)
	}
}

const (
	// workingEvery is how often a log gets a line about one long work.
	workingEvery = 15 * time.Second
	// narrowTerminal is the width, in columns, that a line must not leave: one
	// that wraps cannot be cleared.
	narrowTerminal = 79
	// clearLine goes back to the start of a terminal's line and empties it.
	clearLine = "\r\x1b[K"
)

// Stop takes the live line away; what follows is plain. It may be called more
// than once.
func (p *Progress) Stop() {
	p.mu.Lock()
	live, bar := p.live, p.bar
	p.mu.Unlock()
	if live == nil {
		return
	}
	bar.Abort(true)
	live.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live, p.bar, p.tty = nil, nil, false
}

// print is called with the lock held. Nobody is helped by an error about a
// progress line that could not be shown.
func (p *Progress) print(line string) {
	if p.open {
		line, p.open = clearLine+line, false
	}
	_, _ = fmt.Fprintln(p.w, line)
}

func (p *Progress) line(decor.Statistics) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text()
}

// text is, for example, "[12/34] worker-1/gvisor: look, 8s, about 15s left".
func (p *Progress) text() string {
	elapsed := time.Since(p.started)
	text := ""
	if p.total > 0 {
		text = fmt.Sprintf("[%d/%d] ", min(p.done, p.total), p.total)
	}
	if p.phase != "" {
		text += p.phase + ", "
	}
	text += elapsed.Round(time.Second).String()
	if p.live != nil && p.done > 0 && p.done < p.total {
		left := elapsed / time.Duration(p.done) * time.Duration(p.total-p.done)
		text += fmt.Sprintf(", about %s left", left.Round(time.Second))
	}
	return text
}
