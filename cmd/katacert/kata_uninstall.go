package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/kata"
	"github.com/katacert/katacert/reports/terminal"
)

func newKataUninstall() *cobra.Command {
	f := &releaseFlags{}
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Remove Kata Containers again, and wait until the nodes are clean",
		Long: `Uninstall removes the Helm release and the RuntimeClasses that install made, and
waits until kata-deploy's pods have reverted their nodes: the label
katacontainers.io/kata-runtime and the handlers are gone. What nobody is left to
remove is named with what to do about it, and the exit code is 4. It is no error
when there is nothing to remove. A Kata that came some other way is left alone.`,
		Example: "  katacert kata uninstall --context prod",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			progress := terminal.NewProgress(cmd.ErrOrStderr(), isTerminal(cmd.ErrOrStderr()))
			defer progress.Stop()
			client, err := f.openKata(progress)
			if err != nil {
				return err
			}
			removed, err := client.Uninstall(cmd.Context())
			progress.Stop()
			if err != nil {
				return asUsage(err)
			}
			out := cmd.OutOrStdout()
			if removed.Release {
				fmt.Fprintf(out, "removed release %s/%s\n", f.namespace, f.release)
			}
			for _, class := range removed.Classes {
				fmt.Fprintln(out, "removed RuntimeClass "+class)
			}
			if err := f.showRemoved(out, &removed.Removed); err != nil {
				return err
			}
			if !removed.Release && len(removed.Classes) == 0 {
				fmt.Fprintf(out, "there is no release %s/%s\n", f.namespace, f.release)
			}
			return nil
		},
	}
	f.register(cmd, kata.DefaultRelease)
	return cmd
}
