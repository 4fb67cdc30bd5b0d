// Package gputest tries a GPU on a machine without a cluster: natively, in a plain
// container by runc, and in a sandbox by gVisor's runsc, whose kernel is not the
// machine's. The judge is pure: verdicts can be derived again from the evidence.
package gputest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
)

// Place is where gpu-probe ran.
type Place string

// The places. Native and Runc share the machine's kernel.
const (
	Native Place = "native"
	Runc   Place = "runc"
	Runsc  Place = "runsc"
)

// Places lists them as the tables show them.
func Places() []Place { return []Place{Native, Runc, Runsc} }

// vantage is how a place is called in evidence. A process on the machine itself is
// no witness: its GPU probes must prove that they see, as everybody's.
func (p Place) vantage() evidence.Vantage {
	switch p {
	case Runc:
		return evidence.Reference
	case Runsc:
		return evidence.Subject
	}
	return "native"
}

// Stages of a run, each a process of its own at a place; together with the place
// they are the record's target.
const (
	stageBefore      = "before"      // what the management library says before anything ran
	stageLook        = "look"        // every probe
	stageUnrequested = "unrequested" // the driver's libraries are there and no GPU was asked for
	stageHeld        = "held"        // while a tenant holds the memory
	stageRelease     = "release"     // the tenant that gives its memory back
	stageReleased    = "after-release"
	stageKill        = "kill" // the tenant that is killed
	stageKilled      = "after-kill"
	stageFreed       = "freed" // what the management library says on the machine after both
	stageAgain       = "again" // short rounds, one container after the other; numbered from 1
)

func target(place Place, stage string) string { return string(place) + "/" + stage }

func again(n int) string { return fmt.Sprintf("%s-%d", stageAgain, n) }

// machineTarget is the target of what the program itself found on the machine.
const machineTarget = "machine"

// Probes that the program itself observes with.
const (
	probeMachine = "gpu-machine"
	probeTenant  = "gpu-tenant"
)

// Recorded is the evidence of a run by target.
type Recorded map[string]evidence.Record

// maxRecord bounds one line of evidence.
const maxRecord = 1 << 20

// Read reads records, one a line, as Run wrote them.
func Read(r io.Reader) (Recorded, error) {
	recorded := Recorded{}
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 0, 64<<10), maxRecord)
	for scanner.Scan() {
		decoder := json.NewDecoder(bytes.NewReader(scanner.Bytes()))
		decoder.DisallowUnknownFields()
		var record evidence.Record
		if err := decoder.Decode(&record); err != nil {
			return nil, fmt.Errorf("read a record of evidence: %w", err)
		}
		if record.Schema != evidence.RecordSchema {
			return nil, fmt.Errorf("a record of evidence has schema %q, not %s", record.Schema, evidence.RecordSchema)
		}
		if _, twice := recorded[record.Target]; twice {
			return nil, fmt.Errorf("there are two records of %s", record.Target)
		}
		recorded[record.Target] = record
	}
	return recorded, scanner.Err()
}

// observation finds what a probe saw in a stage; the error says why it saw nothing.
func (r Recorded) observation(target, probe string) (evidence.Observation, error) {
	record, ok := r[target]
	if !ok {
		return evidence.Observation{}, fmt.Errorf("%s was not run", target)
	}
	if record.Error != "" {
		return evidence.Observation{}, fmt.Errorf("%s: %s", target, record.Error)
	}
	o, ok := record.Observation(probe)
	if !ok {
		return o, fmt.Errorf("%s has no observation of %s", target, probe)
	}
	return o, nil
}

// seen is observation for probes that must have seen.
func (r Recorded) seen(target, probe string) (evidence.Observation, error) {
	o, err := r.observation(target, probe)
	if err == nil && o.State != evidence.Seen {
		err = fmt.Errorf("%s: %s is %s: %s", target, probe, o.State, o.Detail)
	}
	return o, err
}

// list is a list that a probe must have seen.
func (r Recorded) list(target, probe, reading string) ([]string, error) {
	o, err := r.seen(target, probe)
	if err != nil {
		return nil, err
	}
	items, ok := o.Values.List(reading)
	if !ok {
		return nil, fmt.Errorf("%s: %s has no list %q", target, probe, reading)
	}
	return items, nil
}

// text is a text that a probe must have seen.
func (r Recorded) text(target, probe, reading string) (string, error) {
	o, err := r.seen(target, probe)
	if err != nil {
		return "", err
	}
	value, ok := o.Values.Text(reading)
	if !ok {
		return "", fmt.Errorf("%s: %s has no text %q", target, probe, reading)
	}
	return value, nil
}

// gpus are the lines that a probe gave, one for each GPU and at least one.
func (r Recorded) gpus(target, probe string) ([]line, error) {
	items, err := r.list(target, probe, "gpus")
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("%s: %s saw no GPU", target, probe)
	}
	lines := make([]line, len(items))
	for i, item := range items {
		lines[i] = parse(item)
	}
	return lines, nil
}

// line is what a probe says of one GPU: name=value, divided by blanks.
type line map[string]string

func parse(text string) line {
	l := line{}
	for _, field := range strings.Fields(text) {
		if name, value, ok := strings.Cut(field, "="); ok {
			l[name] = value
		}
	}
	return l
}

// number reads a number of the line.
func (l line) number(name string) (float64, error) {
	text, ok := l[name]
	if !ok {
		return 0, fmt.Errorf("nothing was said of %s", name)
	}
	var value float64
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return 0, fmt.Errorf("%s=%.40q is no number", name, text)
	}
	return value, nil
}

// numbers reads several numbers of the line.
func (l line) numbers(names ...string) ([]float64, error) {
	values := make([]float64, len(names))
	var errs []error
	for i, name := range names {
		var err error
		values[i], err = l.number(name)
		errs = append(errs, err)
	}
	return values, errors.Join(errs...)
}

func verdict(result judge.Result, format string, args ...any) judge.Verdict {
	return judge.Verdict{Result: result, Reason: fmt.Sprintf(format, args...), Shown: result == judge.Pass || result == judge.Fail}
}

// missing is the verdict where evidence is: what was not seen is never said.
func missing(err error) judge.Verdict {
	return judge.Verdict{Result: judge.Error, Reason: oneLine(err)}
}

// oneLine is an error on one line that is not too long, without what it says twice.
func oneLine(err error) string {
	if err == nil {
		return ""
	}
	var said []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); !slices.Contains(said, line) {
			said = append(said, line)
		}
	}
	return clip(strings.Join(said, "; "), 400)
}

// clip is the beginning of a text that may be long.
func clip(text string, most int) string {
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
