package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/reports/bundle"
)

func newBundle() *cobra.Command {
	signing := &signingFlags{}
	cmd := &cobra.Command{
		Use:   "bundle RUN",
		Short: "Make the signed bundle of an earlier run again, with a key of yours",
		Long: `Bundle packs and signs what lies in the folder of a run, as certify does at its
end. It takes the place of the bundle that is there.`,
		Example: "  katacert bundle reports/20260101-120000-1a2b3c4d --signing-key release.key",
		Args:    oneArg("the folder of one run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			signer, err := signing.signer(cmd.Context())
			if err != nil {
				return err
			}
			tool, err := bundle.ThisTool(version())
			if err != nil {
				return err
			}
			written, err := bundle.Make(cmd.Context(), args[0], signer, tool)
			if err != nil {
				return err
			}
			for _, path := range written {
				fmt.Fprintln(cmd.OutOrStdout(), path)
			}
			aboutFreshKey(cmd.ErrOrStderr(), signer)
			return nil
		},
	}
	signing.register(cmd)
	return cmd
}
