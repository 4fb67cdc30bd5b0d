package reports_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/internal/sample"
)

func samples() map[string]func() *reports.Report {
	return map[string]func() *reports.Report{
		"sandboxed": sample.Sandboxed, "plain": sample.Plain, "dead": sample.Dead, "hostile": sample.Hostile,
		"several": func() *reports.Report { return sample.Large(3, 12) },
		"many":    func() *reports.Report { return sample.Large(30, 20) },
	}
}

// written writes a report into a new folder.
func written(t *testing.T, r *reports.Report) string {
	t.Helper()
	dir := t.TempDir()
	files, err := reports.Write(dir, r)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(reports.Formats()) {
		t.Fatalf("wrote %v, want a file of each of %d formats", files, len(reports.Formats()))
	}
	return dir
}

func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		list = append(list, file.Name())
	}
	return list
}

func contents(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestWriteLeavesItsFilesAndNothingElse(t *testing.T) {
	dir := written(t, sample.Sandboxed())
	if got, want := names(t, dir), []string{"ctrf.json", "junit.xml", "oscal.json", "report.html", "report.json", "summary.md"}; !slices.Equal(got, want) {
		t.Errorf("the folder holds %v, want %v", got, want)
	}
	for _, name := range names(t, dir) {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o644 {
			t.Errorf("%s has mode %v, want one that everybody can read", name, info.Mode())
		}
	}
}

// The same report must give the same bytes, in whatever order its verdicts came
// in, and every format must come out the same when made again from report.json.
func TestWriteIsDeterministicAndCanBeRepeated(t *testing.T) {
	for name, build := range samples() {
		t.Run(name, func(t *testing.T) {
			dir := written(t, build())
			shuffled := build()
			slices.Reverse(shuffled.Verdicts)
			other := written(t, shuffled)
			read, err := reports.Read(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, format := range reports.AllFormats() {
				path := filepath.Join(dir, format.File)
				if _, err := os.Stat(path); err != nil {
					for _, to := range []string{dir, other} {
						if err := reports.WriteFile(filepath.Join(to, format.File), format, read); err != nil {
							t.Fatal(err)
						}
					}
				}
				first := contents(t, path)
				if !bytes.Equal(first, contents(t, filepath.Join(other, format.File))) {
					t.Errorf("%s depends on the order of the verdicts", format.File)
				}
				var again bytes.Buffer
				if err := format.Write(&again, read); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(first, again.Bytes()) {
					t.Errorf("%s differs when made again from report.json", format.File)
				}
			}
		})
	}
}

func TestEveryFormatHoldsEveryControl(t *testing.T) {
	for name, build := range samples() {
		t.Run(name, func(t *testing.T) {
			r := build()
			dir := written(t, r)
			for _, format := range reports.Formats() {
				text := string(contents(t, filepath.Join(dir, format.File)))
				for _, c := range r.Controls {
					if !strings.Contains(text, c.ID) {
						t.Errorf("control %s is not in %s", c.ID, format.File)
					}
				}
			}
		})
	}
}

func TestWriteReplacesAnOlderReport(t *testing.T) {
	dir := written(t, sample.Plain())
	if _, err := reports.Write(dir, sample.Sandboxed()); err != nil {
		t.Fatal(err)
	}
	r, err := reports.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if r.Outcome != reports.Certified {
		t.Errorf("the outcome is %s, want that of the newer report", r.Outcome)
	}
}

func TestWriteIntoAMissingFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "missing")
	files, err := reports.Write(dir, sample.Sandboxed())
	if err == nil || len(files) != 0 {
		t.Fatalf("wrote %v into a folder that does not exist, error %v", files, err)
	}
	for _, want := range []string{filepath.Join(dir, "report.json"), filepath.Join(dir, "report.html"), "no such file", "make the folder"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
}

// A file is replaced as a whole, and nothing else is: not what a link names, nor a
// device or a pipe, which would be gone from the machine.
func TestWriteFileReplacesFilesAlone(t *testing.T) {
	dir, report := t.TempDir(), sample.Sandboxed()
	format, err := reports.Format("junit")
	if err != nil {
		t.Fatal(err)
	}
	if err := reports.WriteFile(dir, format, report); err == nil || !strings.Contains(err.Error(), "is a folder: name a file in it") {
		t.Errorf("a folder: %v", err)
	}
	file, link := filepath.Join(dir, "report.xml"), filepath.Join(dir, "latest.xml")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Symlink("report.xml", link)); err != nil {
		t.Fatal(err)
	}
	if err := reports.WriteFile(link, format, report); err != nil {
		t.Error(err)
	}
	if target, err := os.Readlink(link); err != nil || target != "report.xml" {
		t.Errorf("the link is %q (%v)", target, err)
	}
	if written, err := os.ReadFile(file); err != nil || !strings.Contains(string(written), "</testsuites>") {
		t.Errorf("behind the link is %.80q (%v)", written, err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan string, 1)
	go func() {
		content, _ := os.ReadFile(pipe)
		read <- string(content)
	}()
	if err := reports.WriteFile(pipe, format, report); err != nil {
		t.Fatal(err)
	}
	if got := <-read; !strings.Contains(got, "</testsuites>") {
		t.Errorf("through the pipe came %.80q", got)
	}
	if info, err := os.Lstat(pipe); err != nil || info.Mode().Type() != os.ModeNamedPipe {
		t.Errorf("the pipe is %v (%v)", info.Mode(), err)
	}
}

func TestFormat(t *testing.T) {
	for _, format := range reports.AllFormats() {
		if found, err := reports.Format(format.Name); err != nil || found.File != format.File {
			t.Errorf("Format(%q) gives %v, %v", format.Name, found.File, err)
		}
	}
	if _, err := reports.Format("pdf"); err == nil || !strings.Contains(err.Error(), "json, junit, markdown, html, ctrf, oscal, junit-properties, prometheus, cncf") {
		t.Errorf("an unknown format gives %v, want an error that lists the known ones", err)
	}
}
