package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/cluster/kind"
	"github.com/katacert/katacert/fixtures/cluster/local"
)

func newDoctor() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine can and cannot do for a certification",
		Long: `Doctor checks what the embedded local cluster needs, whether clusters of kind can
come up, and which sandboxes this machine could run. It changes nothing. The exit
code is 3 when a local cluster could not run here.`,
		Example: "  katacert doctor",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			sound := true
			out := cmd.OutOrStdout()
			for _, finding := range append(local.Check(cmd.Context()), kind.Check(cmd.Context())...) {
				mark := "ok      "
				switch {
				case !finding.OK && !finding.Required:
					mark = "missing "
				case !finding.OK:
					mark, sound = "PROBLEM ", false
				}
				fmt.Fprintf(out, "%s %-22s %s\n", mark, finding.Name, finding.Detail)
				if !finding.OK && finding.Mend != "" {
					fmt.Fprintf(out, "%32s-> %s\n", "", finding.Mend)
				}
			}
			if !sound {
				fmt.Fprintln(out, "\nA local cluster cannot run here as it is; an existing cluster can still be certified: `katacert certify --cluster existing`.")
				return &outcomeError{exitPartial}
			}
			return nil
		},
	}
}
