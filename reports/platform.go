package reports

import (
	"fmt"
	"strings"
)

// Platform is a set of targets that differ in nothing but their node's name.
type Platform struct {
	// Target is the first of them.
	Target
	IDs []string
}

// Platforms groups the targets, in the order of their first members. In a large
// cluster it shows at a glance which nodes are not like the others.
func (r *Report) Platforms() []Platform {
	type key struct {
		node           Node
		class, handler string
		runtime        Runtime
		parts          string
	}
	var all []Platform
	index := map[key]int{}
	for _, t := range r.Targets {
		k := key{t.Node, t.RuntimeClass, t.Handler, t.Runtime, fmt.Sprint(t.Parts)}
		k.node.Name = ""
		i, ok := index[k]
		if !ok {
			i = len(all)
			index[k] = i
			all = append(all, Platform{Target: t})
		}
		all[i].IDs = append(all[i].IDs, t.ID)
	}
	return all
}

// Name names the platform's targets, the first few of many.
func (p Platform) Name() string { return firstFew(p.IDs) }

func firstFew(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
