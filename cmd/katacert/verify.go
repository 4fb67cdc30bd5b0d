package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/reports/bundle"
	"github.com/katacert/katacert/suites/certification"
)

func newVerify() *cobra.Command {
	var keyFiles []string
	var output string
	cmd := &cobra.Command{
		Use:   "verify BUNDLE",
		Short: "Check the signed bundle of a run, and judge its evidence again",
		Long: `Verify takes the bundle of a run apart: its signature and hashes, that the report
is whole and says what was asked for, and that its evidence, judged again, comes
to the same verdicts. It reaches no cluster and no network. One of the keys must
have signed the bundle; without --key nobody's signature is checked.

Exit codes:
  0  verified
  1  something is wrong: it is named
  2  usage: an unknown flag, a key that is none
  3  not verified: the bundle cannot be read, no --key was given, or this version
     of katacert lacks a control of the run or gives other reasons; nothing was
     seen to be wrong`,
		Example: "  katacert verify bundle.tar.gz --key auditor-trusts.pub\n  katacert verify reports/20260101-120000-1a2b3c4d --key release-1.pub --key release-2.pub --output json",
		Args:    oneArg("the bundle, or the folder, of one run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains([]string{"text", "json"}, output) {
				return usagef("unknown --output %q: choose text or json", output)
			}
			var keys []bundle.PublicKey
			for _, path := range keyFiles {
				key, err := bundle.ReadPublicKey(path)
				if err != nil {
					return usagef("--key: %v", err)
				}
				keys = append(keys, key)
			}
			path := args[0]
			if info, err := os.Stat(path); err == nil && info.IsDir() {
				path = filepath.Join(path, bundle.File)
			}
			result, err := bundle.Verify(cmd.Context(), path, keys, bundle.Judge{Controls: certification.Catalogue(), Version: version()})
			if err != nil {
				return err
			}
			return showVerification(cmd, result, output)
		},
	}
	cmd.Flags().StringSliceVar(&keyFiles, "key", nil, "file with the public key of somebody whose signature counts (PEM), repeatable")
	cmd.Flags().StringVar(&output, "output", "text", "what goes to standard output: text or json")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func showVerification(cmd *cobra.Command, result *bundle.Result, output string) error {
	var err error
	if output == "json" {
		encoder := json.NewEncoder(cmd.OutOrStdout())
		encoder.SetIndent("", "  ")
		err = encoder.Encode(struct {
			Verdict bundle.Verdict `json:"verdict"`
			*bundle.Result
		}{result.Verdict(), result})
	} else {
		err = result.Text(cmd.OutOrStdout())
	}
	if err != nil {
		return fmt.Errorf("show what was verified: %w", err)
	}
	switch result.Verdict() {
	case bundle.Verified:
		return nil
	case bundle.Refuted:
		return &outcomeError{exitRefuted}
	default:
		return &outcomeError{exitUnverified}
	}
}

// Exit codes of verify, documented in its help text and in docs/bundle.md.
const (
	exitRefuted    = 1
	exitUnverified = 3
)
