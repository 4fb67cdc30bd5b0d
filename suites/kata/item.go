package kata

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
	"github.com/katacert/katacert/suites/katanode"
)

// item is one setting, or a few that belong together, and what a node that is set
// up for tenants who do not trust each other has there.
type item struct {
	id, title string
	// risk says what an open setting would let happen; wanted what it should be,
	// unset what Kata 4.1 has by default, and mend how to set it.
	risk, wanted, unset, mend string
	// check reads the setting.
	check func(*node) (reading, error)
	// opens is the node with the setting open, as one more drop-in would leave it:
	// the same check must find it open there, or it is blind on this node.
	opens func(*node) (*node, error)
	level catalogue.Level
	// expected is the verdict of Kata as everybody gets it; pass where it is empty.
	expected judge.Result
	refs     []string
	// also are further vantages that check asks.
	also []evidence.Vantage
}

// reading is what a check found.
type reading struct {
	// setting is how this node's configuration calls it, found what it says.
	setting, found string
	// files say it, in the order in which one overwrites the other; Kata's own where
	// it is empty.
	files []string
	// open is set where it is not as it should be; why says so in words, where the
	// found value alone does not.
	open bool
	why  string
	// none says why this node has no such thing.
	none string
}

// control is the catalogue's entry of the item.
func (i item) control() catalogue.Control {
	level := i.level
	if level == "" {
		level = catalogue.Hardening
	}
	c := catalogue.Control{
		ID: i.id, Group: catalogue.Kata, Title: i.title, Why: i.risk,
		Proves:    fmt.Sprintf("In the configuration of the handler, as its shim merges it from the node's files, it is %s.", i.wanted),
		ProvesNot: "That the sandboxes which run now were started with it: a file may have been changed since. What a tenant's annotations change is left to the annotations' own controls.",
		OnFail:    i.mend + " Kata's own default: " + i.unset + ".",
		Level:     level, Profile: catalogue.Nightly, Safety: catalogue.Observes,
		Shown:    "the same files of the node, with one more drop-in that opens the setting, must be found open",
		Also:     append([]evidence.Vantage{evidence.Subject}, i.also...),
		OptIn:    []string{probeFiles},
		Verdict:  i.verdict,
		Refs:     catalogue.Refs(i.refs...),
		Expected: map[judge.Kind]judge.Result{judge.KindUserKernel: judge.NotApplicable},
	}
	if i.expected != "" {
		c.Expected[judge.KindVM] = i.expected
	}
	return c
}

func (i item) verdict(from judge.Evidence) judge.Verdict {
	c := judge.Open(from)
	n, ends := look(c)
	if ends != nil {
		return *ends
	}
	r, err := i.check(n)
	switch {
	case err != nil:
		return c.Ends(judge.Error, err.Error())
	case r.none != "":
		return c.Ends(judge.NotApplicable, r.none)
	}
	files := n.config.Files
	if len(r.files) > 0 {
		files = r.files
	}
	v := c.Ends(judge.Pass, fmt.Sprintf("%s: %s, by %s", r.setting, r.found, strings.Join(files, ", ")))
	v.Compared = []judge.Comparison{{Reading: r.setting, Truth: i.wanted, Subject: r.found, Match: r.open}}
	blind := i.blind(n)
	v.Shown = blind == nil
	switch {
	case r.open:
		v.Result = judge.Fail
		v.Reason = fmt.Sprintf("subject runs with %s = %s%s, where %s is wanted (Kata's default: %s). %s %s", r.setting, r.found, because(r.why), i.wanted, i.unset, i.risk, i.mend)
	case blind != nil:
		v.Result, v.Reason = judge.Invalid, fmt.Sprintf("the check was not shown able to fail on this node's files: %v", blind)
	}
	return v
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " (" + why + ")"
}

// blind says why the check does not see the setting open where it is.
func (i item) blind(n *node) error {
	opened, err := i.opens(n)
	if err != nil {
		return err
	}
	r, err := i.check(opened)
	if err == nil && !r.open {
		err = errors.New("with the setting open it finds " + r.setting + " = " + r.found)
	}
	return err
}

// opensBy is the node with one more drop-in of Kata's, for its own shim and
// hypervisor.
func opensBy(section katanode.Section, assignment string) func(*node) (*node, error) {
	return func(n *node) (*node, error) { return n.with(section, assignment) }
}

func (n *node) with(section katanode.Section, assignment string) (*node, error) {
	config, err := n.config.With(n.config.Header(section) + "\n" + assignment + "\n")
	if err != nil {
		return nil, err
	}
	opened := *n
	opened.config = config
	return &opened, nil
}

// switched checks a setting that is on or off; unset is what the shim takes where it
// is not set.
func switched(section katanode.Section, key string, want, unset bool) (check func(*node) (reading, error), opens func(*node) (*node, error)) {
	check = func(n *node) (reading, error) {
		got, err := n.config.Bool(section, key, unset)
		return reading{setting: n.config.Name(section, key), found: said(n, section, key, strconv.FormatBool(got)), open: got != want}, err
	}
	return check, opensBy(section, fmt.Sprintf("%s = %t", key, !want))
}

// empty checks a list that should have no entry.
func empty(section katanode.Section, key, entry string) (check func(*node) (reading, error), opens func(*node) (*node, error)) {
	check = func(n *node) (reading, error) {
		got, err := n.config.List(section, key)
		return reading{setting: n.config.Name(section, key), found: listed(got), open: len(got) > 0}, err
	}
	return check, opensBy(section, fmt.Sprintf("%s = [%q]", key, entry))
}

// blank checks a text of the hypervisor's table that should be empty.
func blank(key, entry string) (check func(*node) (reading, error), opens func(*node) (*node, error)) {
	check = func(n *node) (reading, error) {
		got, err := n.config.Text(katanode.Hypervisor, key, "")
		return reading{setting: n.config.Name(katanode.Hypervisor, key), found: said(n, katanode.Hypervisor, key, strconv.Quote(got)), open: got != ""}, err
	}
	return check, opensBy(katanode.Hypervisor, fmt.Sprintf("%s = %q", key, entry))
}

// said marks a value that no file sets.
func said(n *node, section katanode.Section, key, value string) string {
	if n.config.Has(section, key) {
		return value
	}
	return value + ", which no file sets"
}

func listed(items []string) string {
	if len(items) == 0 {
		return "empty"
	}
	quoted := make([]string, len(items))
	for i, item := range items {
		quoted[i] = strconv.Quote(item)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// unless makes a check not applicable where the node has no such thing.
func unless(none func(*node) string, check func(*node) (reading, error)) func(*node) (reading, error) {
	return func(n *node) (reading, error) {
		if reason := none(n); reason != "" {
			return reading{none: reason}, nil
		}
		return check(n)
	}
}

// on says that the hypervisor has no such setting.
func on(what string, hypervisors ...string) func(*node) string {
	return func(n *node) string {
		for _, name := range hypervisors {
			if n.config.Hypervisor == name {
				return fmt.Sprintf("the hypervisor is %s: %s", name, what)
			}
		}
		return ""
	}
}
