package gputest

import (
	"bytes"
	"io"
)

// progressPrefix begins the lines by which gpu-probe says how far it is.
const progressPrefix = "gpu-probe: "

// lineLimit bounds what is kept of a line that does not end.
const lineLimit = 4 << 10

// progressLines writes on what gpu-probe says of how far it is, and nothing of what a
// runtime says besides.
type progressLines struct {
	to   io.Writer
	line []byte
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
		if bytes.HasPrefix(p.line, []byte(progressPrefix)) {
			_, _ = p.to.Write(append([]byte("    "), append(p.line, '\n')...))
		}
		p.line = p.line[:0]
	}
	return all, nil
}
