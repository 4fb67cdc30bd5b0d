package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/kata"
)

func newKataUninstall() *cobra.Command {
	return uninstallCommand(kataContainers, &cobra.Command{
		Short: "Remove Kata Containers again, and wait until the nodes are clean",
		Long: `Uninstall removes the Helm release and the RuntimeClasses that install made, and
waits until kata-deploy's pods have reverted their nodes: the label
katacontainers.io/kata-runtime and the handlers are gone. What nobody is left to
remove is named with what to do about it, and the exit code is 4. It is no error
when there is nothing to remove. A Kata that came some other way is left alone.`,
		Example: "  katacert kata uninstall --context prod",
	}, (*kata.Client).Uninstall, func(out io.Writer, f *releaseFlags, removed *kata.Removed) error {
		if removed.Release {
			fmt.Fprintf(out, "removed release %s/%s\n", f.namespace, f.release)
		} else if len(removed.Classes) == 0 {
			fmt.Fprintf(out, "there is no release %s/%s\n", f.namespace, f.release)
		}
		for _, class := range removed.Classes {
			fmt.Fprintln(out, "removed RuntimeClass "+class)
		}
		return showRemoved(out, &removed.Removed)
	})
}
