package reports

import (
	"fmt"
	"io"
	"strings"
)

// Writer writes a report in one format.
type Writer struct {
	// Name is what --format calls the format.
	Name string
	// File is the format's file name in the folder of a run.
	File string
	// Write writes the report. The same report gives the same bytes.
	Write func(w io.Writer, r *Report) error
}

// Formats lists the formats in the order in which they are written. The first
// is the one that Read reads; the others can be made from it again.
func Formats() []Writer {
	return []Writer{
		{Name: "json", File: "report.json", Write: writeJSON},
		{Name: "junit", File: "junit.xml", Write: writeJUnit},
		{Name: "markdown", File: "summary.md", Write: writeMarkdown},
		{Name: "html", File: "report.html", Write: writeHTML},
		{Name: "ctrf", File: "ctrf.json", Write: writeCTRF},
		{Name: "oscal", File: "oscal.json", Write: writeOSCAL},
	}
}

// AllFormats lists the formats of a run's folder, and those that are made only when
// they are asked for.
func AllFormats() []Writer {
	return append(Formats(),
		Writer{Name: "junit-properties", File: "junit-properties.xml", Write: writeJUnitWithProperties},
		Writer{Name: "prometheus", File: "katacert.prom", Write: writePrometheus},
		Writer{Name: "cncf", File: "secure_accelerator_access.yaml", Write: writeConformance},
	)
}

// Format finds a format by its name.
func Format(name string) (Writer, error) {
	var names []string
	for _, format := range AllFormats() {
		if format.Name == name {
			return format, nil
		}
		names = append(names, format.Name)
	}
	return Writer{}, fmt.Errorf("unknown report format %q: choose one of %s", name, strings.Join(names, ", "))
}
