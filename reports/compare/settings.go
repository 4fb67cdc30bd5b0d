package compare

import (
	"slices"
	"strings"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
)

// settings lists what was changed between the runs: the tool, the cluster, the
// nodes and runtimes, and what Kata's configuration says.
func settings(before, after *reports.Report, pairs []pair) []Setting {
	l := &settingList{index: map[settingKey]int{}}
	for _, s := range []struct{ what, before, after string }{
		{"katacert", before.Run.Version, after.Run.Version},
		{"profile", string(before.Run.Profile), string(after.Run.Profile)},
		{"required level", string(before.Run.Require), string(after.Run.Require)},
		{"cluster", before.Cluster.Name, after.Cluster.Name},
		{"provider", before.Cluster.Provider, after.Cluster.Provider},
		{"API server", server(before), server(after)},
		{"Kubernetes", before.Cluster.Kubernetes, after.Cluster.Kubernetes},
	} {
		l.add(s.what, s.before, s.after, "")
	}
	was, is := digests(before), digests(after)
	for _, name := range union(was, is) {
		l.add("image "+name, was[name], is[name], "")
	}
	for _, p := range pairs {
		old, now := attributes(p.before), attributes(p.after)
		for i := range now {
			l.add(now[i].what, old[i].value, now[i].value, p.after.ID)
		}
		parts(l, p)
	}
	configured(l, before, after, pairs)
	return l.all
}

// server is where the API server of a cluster is that is not katacert's own: those
// listen on another port every time.
func server(r *reports.Report) string {
	if r.Cluster.Provider != "existing" {
		return ""
	}
	return r.Cluster.Server
}

type attribute struct{ what, value string }

// attributes are what a target is made of; its node's name is no part of it.
func attributes(t reports.Target) []attribute {
	return []attribute{
		{"node's kernel", t.Node.Kernel}, {"node's operating system", t.Node.OS}, {"node's architecture", t.Node.Architecture},
		{"container runtime", t.Node.ContainerRuntime}, {"kubelet", t.Node.Kubelet}, {"node's control groups", t.Node.Cgroups()},
		{"handler of RuntimeClass " + t.RuntimeClass, t.Handler}, {"kind of sandbox", string(t.Runtime.Kind)},
		{"shim", t.Runtime.Shim}, {"shim's SHA-256", t.Runtime.Digest},
	}
}

// parts compares what Kata is made of, by what it is for: an upgrade may lay it
// elsewhere. Where a run did not look at it, nothing is said.
func parts(l *settingList, p pair) {
	if len(p.before.Parts) == 0 || len(p.after.Parts) == 0 {
		return
	}
	told := func(parts []reports.Part, what string, of func(reports.Part) string) string {
		var values []string
		for _, part := range parts {
			if value := of(part); part.Name() == what && value != "" && !slices.Contains(values, value) {
				values = append(values, value)
			}
		}
		return strings.Join(values, ", ")
	}
	var names []string
	for _, part := range slices.Concat(p.before.Parts, p.after.Parts) {
		if !slices.Contains(names, part.Name()) {
			names = append(names, part.Name())
		}
	}
	for _, name := range names {
		for _, a := range []struct {
			what string
			of   func(reports.Part) string
		}{
			{"version", func(p reports.Part) string { return p.Version }},
			{"path", func(p reports.Part) string { return p.Path }},
			{"SHA-256", func(p reports.Part) string { return p.SHA256 }},
		} {
			if name == "shim" && a.what == "SHA-256" {
				continue // that of the one which ran is told already
			}
			l.add("Kata's "+name+": "+a.what, told(p.before.Parts, name, a.of), told(p.after.Parts, name, a.of), p.after.ID)
		}
	}
}

func digests(r *reports.Report) map[string]string {
	all := map[string]string{}
	for _, image := range r.Images {
		all[image.Name] = image.Digest
	}
	return all
}

func union(a, b map[string]string) (names []string) {
	for _, m := range []map[string]string{a, b} {
		for name := range m {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// configured compares what the witness read of Kata's configuration and versions,
// which the verdicts of group kata show side by side with what is wanted.
func configured(l *settingList, before, after *reports.Report, pairs []pair) {
	was, is := rowsOf(before), rowsOf(after)
	for _, control := range after.Controls {
		if control.Group != catalogue.Kata || !strings.HasPrefix(control.ID, "kata-config-") && !strings.HasPrefix(control.ID, "kata-version") {
			continue
		}
		for _, p := range pairs {
			old, had := was[p.before.ID][control.ID]
			now, has := is[p.after.ID][control.ID]
			if !had || !has {
				continue
			}
			for _, reading := range now.Verdict.Compared {
				for _, earlier := range old.Verdict.Compared {
					if earlier.Reading == reading.Reading {
						l.add(reading.Reading, earlier.Subject, reading.Subject, p.after.ID)
					}
				}
			}
		}
	}
}

// settingKey tells one change of a setting from another.
type settingKey struct{ what, before, after string }

type settingList struct {
	index map[settingKey]int
	all   []Setting
}

// add notes a setting that is another one, with all the targets that it is so on.
func (l *settingList) add(what, before, after, target string) {
	if before == after {
		return
	}
	key := settingKey{what, before, after}
	i, ok := l.index[key]
	if !ok {
		i = len(l.all)
		l.index[key] = i
		l.all = append(l.all, Setting{What: what, Before: before, After: after})
	}
	if target != "" && !slices.Contains(l.all[i].Targets, target) {
		l.all[i].Targets = append(l.all[i].Targets, target)
	}
}
