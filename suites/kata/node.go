package kata

import (
	"fmt"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
	"github.com/katacert/katacert/suites/katanode"
)

// probeFiles and probeDigests are what the witness reads of Kata on the node.
const (
	probeFiles   = "kata-files"
	probeDigests = "kata-digests"
)

// node is Kata as it is set up on the node of a target.
type node struct {
	Setup
	*katanode.Node
	runtime katanode.Runtime
	config  *katanode.Config
	c       *judge.Case
	// asked is whose evidence came by exec.
	asked evidence.Vantage
}

// look reads the configuration behind a target, or gives the verdict of every
// control on it where there is none or it could not be read.
func look(c *judge.Case) (*node, *judge.Verdict) {
	setup, ends := Find(c)
	if ends != nil {
		return nil, ends
	}
	o, err := c.Observe(evidence.Witness, evidence.Look, probeFiles)
	if err != nil {
		return nil, ended(c, judge.Error, "witness "+err.Error())
	}
	if o.State != evidence.Seen {
		return nil, ended(c, judge.Error, fmt.Sprintf("witness could not read the node's files: %s %s", o.State, o.Detail))
	}
	n := &node{Setup: setup, c: c, asked: evidence.Subject}
	if n.Node, err = katanode.Read(o); err != nil {
		return nil, ended(c, judge.Error, err.Error())
	}
	if n.Node.Handler != setup.Handler {
		return nil, ended(c, judge.Error, fmt.Sprintf("witness read the files of handler %q, the RuntimeClass names %q", n.Node.Handler, setup.Handler))
	}
	if api, err := c.Observe(evidence.API, evidence.Look, "runtimeclass"); err == nil {
		n.Engine, _ = api.Values.Text("node_runtime")
	}
	if n.runtime, err = n.Runtime(); err != nil {
		return nil, ended(c, judge.Error, err.Error())
	}
	if !n.runtime.IsKata() {
		return nil, ended(c, judge.Error, fmt.Sprintf("%s runs the subject, but %s's configuration has %s for handler %q: it was changed since %s started, or another one counts",
			setup.Sandbox.Shim, n.runtime.Engine, n.runtime.Type, setup.Handler, n.runtime.Engine))
	}
	if n.config, err = n.Kata(n.runtime); err != nil {
		return nil, ended(c, judge.Error, err.Error())
	}
	return n, nil
}
