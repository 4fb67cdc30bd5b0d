package gputest

import (
	"bytes"
	"io"
)

// progressPrefix begins the lines by which gpu-probe says how far it is.
const progressPrefix = "gpu-probe: "

const (
	// lineLimit bounds what is shown of a line.
	lineLimit = 4 << 10
	// mostProgress bounds how many lines one round may have shown. An honest one says
	// something every ten seconds.
	mostProgress = 1000
)

// progressLines writes on what gpu-probe says of how far it is, and nothing of what a
// runtime says besides. It comes out of a container: what would not show as itself
// does not reach the terminal.
type progressLines struct {
	to      io.Writer
	line    []byte
	written int
}

// Write never fails: nothing depends on these lines.
func (p *progressLines) Write(data []byte) (int, error) {
	all := len(data)
	for len(data) > 0 {
		part, rest, ended := bytes.Cut(data, []byte("\n"))
		p.line = append(p.line, part[:min(len(part), lineLimit-min(lineLimit, len(p.line)))]...)
		data = rest
		if !ended {
			break
		}
		if bytes.HasPrefix(p.line, []byte(progressPrefix)) && p.written < mostProgress {
			p.written++
			_, _ = io.WriteString(p.to, "    "+shown(string(p.line))+"\n")
		}
		p.line = p.line[:0]
	}
	return all, nil
}
