package main

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// errUsage marks errors in the command line.
var errUsage = errors.New("usage")

func usagef(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errUsage, fmt.Sprintf(format, args...))
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "katacert",
		Short: "Certify that sandboxed training pods are isolated",
		Long: `katacert proves, on a given cluster, that pods of a sandbox RuntimeClass
(Kata Containers, gVisor) really are isolated from their node and from each
other, and that training still works inside them. It compares what probes see
inside the pods with the truth collected on the node, and shows for every
control that its probe can fail.

Exit codes:
  0  certified
  1  not certified: a control failed
  2  usage: an unknown flag, field, profile, control, node or RuntimeClass
  3  partial: something could not be proven, or the cluster failed
  4  certified, but something that the run made could not be removed`,
		Example: `  katacert certify                              # on an embedded cluster, nothing else needed
  katacert certify --cluster existing --context prod --runtime-class kata-runtime
  katacert explain kernel-boot-id
  katacert doctor`,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return refuseEmpty(cmd) },
		SilenceUsage:      true,
		SilenceErrors:     true,
		Args:              cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return cmd.Help()
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%v: see `%s --help`", err, cmd.CommandPath())
	})
	root.AddCommand(newCertify(), newCluster(), newImages(), newCatalogue(), newExplain(), newReport(), newCompare(), newHistory(), newBundle(), newVerify(), newSelftest(), newDoctor(), newKata(), newGPU(), newRBAC(), newCleanup(), newVersion())
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.RunE = help
		case "completion":
			group(cmd)
		}
	}
	return root
}

// help shows the help of a command; cobra's own shows that of the root for one
// that does not exist.
func help(cmd *cobra.Command, args []string) error {
	found, rest, err := cmd.Root().Find(args)
	if err != nil {
		return usagef("%v", err)
	}
	if len(rest) > 0 {
		return unknownCommand(found, rest[0])
	}
	found.InitDefaultHelpFlag()
	return found.Help()
}

// refuseEmpty refuses flags that were given without a value, as a script does whose
// variable is not set: what it means to name would be passed over in silence.
func refuseEmpty(cmd *cobra.Command) error {
	var found error
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if found == nil && empty(flag) {
			found = usagef("--%s is given without a value: give one, or leave the flag out", flag.Name)
		}
	})
	return found
}

// empty says that a flag has no value that could be one.
func empty(flag *pflag.Flag) bool {
	list, isList := flag.Value.(pflag.SliceValue)
	return isList && len(list.GetSlice()) == 0 || flag.Value.Type() == "string" && flag.Value.String() == ""
}

// checkScale holds the factor of all time-outs within what makes sense.
func checkScale(scale float64) error {
	if math.IsNaN(scale) || scale < 0.1 || scale > 100 {
		return usagef("--timeout-scale %v is out of range: choose 0.1 to 100", scale)
	}
	return nil
}

func unknownCommand(cmd *cobra.Command, name string) error {
	message := fmt.Sprintf("unknown command %q", name)
	cmd.SuggestionsMinimumDistance = 2 // cobra's own default, which it sets elsewhere
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		message += " (did you mean " + strings.Join(near, " or ") + "?)"
	}
	return usagef("%s: see `%s --help`", message, cmd.CommandPath())
}

// noArgs refuses arguments with the usage exit code.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no argument %q: see `%s --help`", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	return nil
}

// oneArg asks for an argument of the given name.
func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usagef("%s needs %s: see `%s --help`", cmd.CommandPath(), what, cmd.CommandPath())
		}
		return nil
	}
}

// group is a command that only has subcommands.
func group(cmd *cobra.Command, sub ...*cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		return cmd.Help()
	}
	cmd.AddCommand(sub...)
	return cmd
}
