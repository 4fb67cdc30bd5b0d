package reports

import (
	"strings"

	"github.com/katacert/katacert/suites/judge"
)

// property is a name and a value, as several formats carry what a run, a target or
// a control was.
type property struct {
	Name  string `xml:"name,attr" json:"name"`
	Value string `xml:"value,attr" json:"value"`
}

type properties []property

func (l *properties) add(name, value string) {
	if value != "" {
		*l = append(*l, property{Name: name, Value: judge.Printable(value, longestReason)})
	}
}

// runProperties says what the run was, so that one file of a CI job is enough to
// know what was certified, and with what.
func (r *Report) runProperties() (l properties) {
	l.add("outcome", string(r.Outcome))
	l.add("headline", r.Headline())
	l.add("run", r.Run.ID)
	l.add("tool", r.Run.Tool+" "+r.Run.Version)
	l.add("profile", string(r.Run.Profile))
	l.add("require", string(r.Run.Require))
	l.add("interrupted", r.Run.Interrupted)
	l.add("setup_error", r.Run.SetupError)
	l.add("cluster", strings.TrimSpace(r.Cluster.Provider+" "+r.Cluster.Name))
	l.add("kubernetes", r.Cluster.Kubernetes)
	for _, image := range r.Images {
		l.add("image."+image.Name, image.Ref+" "+image.Digest)
	}
	for _, notice := range r.Notices {
		l.add("notice", notice)
	}
	return l
}

func targetProperties(t Target) (l properties) {
	l.add("runtime_class", t.RuntimeClass)
	l.add("handler", t.Handler)
	l.add("runtime", string(t.Runtime.Kind))
	l.add("shim", t.Runtime.Shim)
	l.add("shim_sha256", t.Runtime.Digest)
	l.add("versions", t.Versions())
	l.add("node", t.Node.Name)
	l.add("kernel", t.Node.Kernel)
	l.add("os", t.Node.OS)
	l.add("architecture", t.Node.Architecture)
	l.add("container_runtime", t.Node.ContainerRuntime)
	l.add("kubelet", t.Node.Kubelet)
	l.add("cgroups", t.Node.Cgroups())
	return l
}

// verdictProperties says what one verdict is about, so that it can be told from
// the others without its name being taken apart.
func verdictProperties(row Row) (l properties) {
	l.add("control", row.Control.ID)
	l.add("target", row.Verdict.Target)
	l.add("verdict", string(row.Verdict.Result))
	l.add("group", string(row.Control.Group))
	l.add("level", string(row.Control.Level))
	l.add("profile", string(row.Control.Profile))
	for _, ref := range row.Control.Refs {
		l.add("reference", ref.String())
	}
	if row.Verdict.Shown {
		l.add("shown", "true")
	}
	return l
}
