package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/katacert/katacert/fixtures/command"
	"github.com/katacert/katacert/reports/bundle"
	"github.com/katacert/katacert/suites/certification"
)

// signTimeout is how long a signing command may take for one answer: time for a KMS
// that is asked over a slow line, and for a touch of a token.
const signTimeout = time.Minute

// signingFlags say who signs the bundle of a run.
type signingFlags struct{ key, command string }

func (f *signingFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.key, "signing-key", "", "private key that signs the run's bundle: ed25519 or ECDSA P-256, PEM (PKCS #8); without one a fresh key signs")
	cmd.Flags().StringVar(&f.command, "signing-command", "", "program that signs in place of --signing-key (a KMS, an HSM), with its arguments, separated by spaces")
}

// signer makes ready who signs, so that a key that is none is refused before a run.
func (f *signingFlags) signer(ctx context.Context) (*bundle.Signer, error) {
	var signer *bundle.Signer
	var err error
	switch {
	case f.key != "" && f.command != "":
		return nil, usagef("--signing-key and --signing-command exclude each other")
	case f.key != "":
		if signer, err = bundle.ReadSigner(f.key); err != nil {
			return nil, usagef("--signing-key: %v", err)
		}
	case f.command != "":
		if signer, err = bundle.CommandSigner(ctx, ask(strings.Fields(f.command))); err != nil {
			return nil, usagef("--signing-command: %v", err)
		}
	default:
		return bundle.FreshSigner()
	}
	return signer, nil
}

// ask runs a signing command. It gets its argument as the last one and what is to be
// signed by standard input.
func ask(argv []string) bundle.Ask {
	return func(ctx context.Context, argument string, stdin []byte) ([]byte, error) {
		ctx, cancel := context.WithTimeoutCause(ctx, signTimeout, fmt.Errorf("it gave no answer within %v", signTimeout))
		defer cancel()
		result, err := command.Run(ctx, command.Command{Argv: append(slices.Clone(argv), argument), Stdin: bytes.NewReader(stdin)})
		return []byte(result.Stdout), err
	}
}

// configurationOf notes every option of a command as it is in force.
func configurationOf(cmd *cobra.Command) (*bundle.Configuration, error) {
	tool, err := bundle.ThisTool(version())
	if err != nil {
		return nil, err
	}
	catalogue, err := bundle.CatalogueOf(certification.Catalogue())
	if err != nil {
		return nil, err
	}
	c := &bundle.Configuration{Schema: bundle.ConfigurationSchema, Tool: tool, Catalogue: catalogue}
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if flag.Name == "help" {
			return
		}
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			c.Set(flag.Name, flag.Changed, true, list.GetSlice()...)
			return
		}
		c.Set(flag.Name, flag.Changed, false, flag.Value.String())
	})
	return c, nil
}
