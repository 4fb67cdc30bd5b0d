package certification

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	codeSpan = regexp.MustCompile("`([^`\n]+)`")
	// controlID is the form of an id. The comparison keeps code font for ids, and
	// for commands, which have another form.
	controlID = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)+$`)
	comingID  = regexp.MustCompile(`^(gpu|vmm)-`)
)

const comingHeading = "\n## Controls of coming issues\n"

// comparisonFaults says where the comparison with other tools disagrees with the
// catalogue: ids that do not exist, ids announced that came or are not wanted,
// and checks that are neither covered nor left out for a reason.
func comparisonFaults(document string, catalogue []string) []string {
	text, announced, _ := strings.Cut(document, comingHeading)
	named, coming := controlIDs(text), controlIDs(announced)
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	for _, id := range named {
		if !slices.Contains(catalogue, id) && !slices.Contains(coming, id) {
			fault("no control %s", id)
		}
	}
	for _, id := range coming {
		switch {
		case slices.Contains(catalogue, id):
			fault("%s has come: take it off the list", id)
		case !comingID.MatchString(id):
			fault("%s belongs to no coming issue", id)
		case !slices.Contains(named, id):
			fault("%s is announced and not named", id)
		}
	}
	for _, cell := range columnCells(text, "katacert") {
		_, reason, found := strings.Cut(cell, ": ")
		excused := found && reason != "" && strings.HasPrefix(cell, "left out: ")
		if !excused && len(controlIDs(cell)) == 0 {
			fault("a check is mapped to %q: neither a control nor a reason", cell)
		}
	}
	return faults
}

func controlIDs(text string) []string {
	var ids []string
	for _, span := range codeSpan.FindAllStringSubmatch(text, -1) {
		if controlID.MatchString(span[1]) {
			ids = append(ids, span[1])
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// columnCells gives the cells below the named head in all tables that have it.
func columnCells(text, head string) []string {
	var cells []string
	column, inTable := -1, false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			inTable = false
			continue
		}
		row := strings.Split(strings.Trim(line, "|"), "|")
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		switch {
		case !inTable:
			inTable, column = true, slices.Index(row, head)
		case column < 0 || strings.Trim(row[0], "-:") == "":
		case column >= len(row):
			cells = append(cells, "")
		default:
			cells = append(cells, row[column])
		}
	}
	return cells
}

func TestTheComparisonNamesControlsThatExist(t *testing.T) {
	const path = "../../docs/comparison.md"
	document, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range comparisonFaults(string(document), catalogueIDs()) {
		t.Errorf("%s: %s", path, fault)
	}
}

func catalogueIDs() []string {
	var ids []string
	for _, c := range Catalogue() {
		ids = append(ids, c.ID)
	}
	return ids
}

func TestComparisonFaultsFindsEachFault(t *testing.T) {
	const sound = "`a b`\n\n| test | katacert |\n| --- | --- |\n| x | `kernel-x` |\n| y | left out: `ls` is no check |\n\n`gpu-x`\n" + comingHeading + "\n- `gpu-x`\n"
	for name, test := range map[string]struct {
		old, new, says string
	}{
		"sound":           {},
		"unknown id":      {old: "kernel-x", new: "kernel-y", says: "no control kernel-y"},
		"unannounced id":  {old: "- `gpu-x`", new: "", says: "no control gpu-x"},
		"id that came":    {old: "gpu-x", new: "kernel-x", says: "kernel-x has come"},
		"id of no issue":  {old: "gpu-x", new: "net-x", says: "net-x belongs to no coming issue"},
		"unused id":       {old: "\n`gpu-x`\n", new: "", says: "gpu-x is announced and not named"},
		"no reason":       {old: "left out: `ls` is no check", new: "left out", says: `mapped to "left out"`},
		"empty reason":    {old: "`ls` is no check", new: "", says: `mapped to "left out:"`},
		"put off":         {old: "left out: `ls` is no check", new: "not yet: see below", says: `mapped to "not yet: see below"`},
		"no control":      {old: "`kernel-x`", new: "kernel-x", says: `mapped to "kernel-x"`},
		"cell is missing": {old: "| x | `kernel-x` |", new: "| x |", says: `mapped to ""`},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(comparisonFaults(strings.ReplaceAll(sound, test.old, test.new), []string{"kernel-x"}), "\n")
			if test.says == "" && got != "" {
				t.Fatalf("a sound document: %s", got)
			}
			if !strings.Contains(got, test.says) {
				t.Errorf("got %q, want it to say %q", got, test.says)
			}
		})
	}
}
