package main

import (
	"bytes"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/katacert/katacert/reports/terminal"
)

// notes turns lines written to it into notes of the progress.
type notes struct{ progress *terminal.Progress }

func (n notes) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			n.progress.Note(line)
		}
	}
	return len(p), nil
}

// wholly writes what was written to it in one piece, so that no write that failed is
// passed over.
func wholly(w io.Writer, write func(io.Writer) error) error {
	var text bytes.Buffer
	if err := write(&text); err != nil {
		return err
	}
	_, err := w.Write(text.Bytes())
	return err
}

// isTerminal reports whether lines can be rewritten on w. A dumb terminal, such
// as a serial console, takes none of the codes for that (terminfo's "dumb").
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(file.Fd()))
}

func width(w io.Writer) int {
	if file, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(file.Fd())); err == nil {
			return columns
		}
	}
	return 100
}

func hostArch() string { return runtime.GOARCH }

func join[T ~string](items []T) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = string(item)
	}
	return strings.Join(texts, ", ")
}

func completions[T ~string](items []T) cobra.CompletionFunc {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = string(item)
	}
	return cobra.FixedCompletions(texts, cobra.ShellCompDirectiveNoFileComp)
}
