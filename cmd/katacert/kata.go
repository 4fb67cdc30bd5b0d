package main

import (
	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/kata"
)

func newKata() *cobra.Command {
	return group(&cobra.Command{
		Use:   "kata",
		Short: "Install Kata Containers on a cluster, show it, and remove it",
		Long: `Kata puts Kata Containers on the nodes of an existing cluster by the project's own
Helm chart, pinned by version and digest, and takes it away again. Where Kata is
there already, status shows what certify can use. Neither helm nor kubectl is
needed; helm understands the release.

Exit codes:
  0  done
  2  usage: an unknown flag or value, a chart or image that is not the one demanded,
     a release or a Kata that is there already
  3  the cluster failed: unreachable, permissions missing, Kata did not become ready
  4  removed, but something stayed on a node`,
		Example: `  katacert kata status --context prod
  katacert kata install --context prod
  katacert kata uninstall --context prod`,
	}, newKataInstall(), newKataStatus(), newKataUninstall())
}

// kataContainers is Kata.
var kataContainers = software[*kata.Client]{kata.DefaultRelease, kata.DefaultTimeouts, kata.New}
