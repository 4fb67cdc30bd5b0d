package filesystem

import (
	"fmt"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/bounded"
)

// canaryWalk looks for the files that the witness planted on the node, by their
// content, from every root that can be reached. How they are called and where
// they are mounted makes no difference.
func canaryWalk(ctx *probes.Context) evidence.Observation {
	if ctx.Seek[probes.TokenFile] == "" {
		return evidence.Observation{State: evidence.Failed, Detail: "was not told the hash of the planted token " + probes.TokenFile}
	}
	w := newWalk(func(content, path string) (string, bool) { return path, ctx.Find(probes.TokenFile, content) })
	w.within, w.withinCPU = ctx.Scaled(walkWithin), ctx.Scaled(walkCPU)
	grace := ctx.Scaled(walkGrace)
	_, ended := bounded.Within(w.within+grace, func() struct{} {
		w.from(reachableRoots())
		return struct{}{}
	})
	values := w.result().values(ended)
	o := probes.Seen(values)
	if !ended {
		o.Detail = fmt.Sprintf("a file system did not answer within %v", grace)
	}
	return o
}
