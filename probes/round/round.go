// Package round is the command by which a program of probes runs one round: it
// reads what the round is told, lets the probes look, and prints their evidence.
package round

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/filesystem"
)

// Environment variables by which the pod's spec tells the probe where it is
// (downward API).
const (
	EnvPodUID = "KATACERT_POD_UID"
	EnvNode   = "KATACERT_NODE"
)

// roundOptions are the parsed flags of the round command.
type roundOptions struct {
	context probes.Context
	nonce   string
	// leak is a directory to hold open without a mount that shows it.
	leak string
}

// ErrUsage says that the arguments are wrong, flag.ErrHelp that help was asked for
// and given.
var ErrUsage = errors.New("wrong arguments")

// Run runs the probes of one round and prints their evidence. Everything for
// people goes to stderr; stdout holds evidence or nothing.
func Run(args []string, inventory []probes.Probe, stdout, stderr io.Writer) error {
	options, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", ErrUsage, err)
	}
	if options.leak != "" {
		// On success the process goes on as another one and does not come back.
		return filesystem.Leak(options.leak, append([]string{"probe", "round"}, withoutLeak(args)...))
	}
	options.context.Progress = stderr
	observations, cpuMicros := probes.Run(&options.context, inventory)
	claim := evidence.Claim{
		Nonce:   options.nonce,
		Vantage: options.context.Vantage,
		Round:   options.context.Round,
		PodUID:  os.Getenv(EnvPodUID),
		Node:    os.Getenv(EnvNode),
	}
	return evidence.Write(stdout, claim, observations, cpuMicros)
}

func parse(args []string, stderr io.Writer) (roundOptions, error) {
	var (
		options            roundOptions
		roundName, vantage string
		seek, seed         string
		tenantSeed         string
		flags              = flag.NewFlagSet("probe round", flag.ContinueOnError)
		c                  = &options.context
		rounds             = evidence.Rounds()
	)
	flags.SetOutput(io.Discard)
	flags.StringVar(&roundName, "round", "", fmt.Sprintf("the round, one of %v", rounds))
	flags.StringVar(&vantage, "vantage", "", "where the probe looks from: witness, reference, subject, ...")
	flags.StringVar(&c.Run, "run", "", "the run's id")
	flags.StringVar(&options.nonce, "nonce", "", "the round's nonce, repeated in the evidence")
	flags.StringVar(&seek, "seek", "", "planted tokens to look for: name=sha256,...")
	flags.StringVar(&seed, "seed", "", "the secret of what is planted, in hex; for the witness only")
	flags.StringVar(&c.Tenant, "tenant", "", fmt.Sprintf("the letter of the tenant for whose data the pod stands, one of %v", probes.Tenants()))
	flags.StringVar(&tenantSeed, "tenant-seed", "", "the secret of that tenant's data, in hex")
	c.Params = map[string]string{}
	flags.Func("param", "name=value of something that only this round knows, repeatable", func(pair string) error {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return fmt.Errorf("%q is not name=value", pair)
		}
		c.Params[name] = value
		return nil
	})
	flags.StringVar(&c.HostRoot, "host-root", "", "where the node's root file system is mounted; for the witness only")
	flags.Func("skip", "the id of a probe to leave out, repeatable", func(id string) error {
		c.Skip = append(c.Skip, id)
		return nil
	})
	flags.Func("opt-in", "the id of a probe that does more than look, repeatable", func(id string) error {
		c.OptIn = append(c.OptIn, id)
		return nil
	})
	flags.Float64Var(&c.TimeoutScale, "timeout-scale", 1, "factor for the bounds of probes, for slow nodes")
	flags.StringVar(&options.leak, leakFlag, "", "a directory to hold open without a mount that shows it; for pods that are broken on purpose")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(stderr)
			flags.Usage()
		}
		return roundOptions{}, err
	}
	if flags.NArg() > 0 {
		return roundOptions{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if !(c.TimeoutScale > 0) || math.IsInf(c.TimeoutScale, 0) {
		return roundOptions{}, fmt.Errorf("--timeout-scale %v is not a factor above 0", c.TimeoutScale)
	}
	c.Round, c.Vantage = evidence.Round(roundName), evidence.Vantage(vantage)
	if !slices.Contains(rounds, c.Round) {
		return roundOptions{}, fmt.Errorf("--round %q is none of %v", roundName, rounds)
	}
	for _, required := range []struct{ name, value string }{{"vantage", vantage}, {"run", c.Run}, {"nonce", options.nonce}} {
		if required.value == "" {
			return roundOptions{}, fmt.Errorf("--%s is required", required.name)
		}
	}
	if c.Vantage == evidence.Witness && c.HostRoot == "" {
		return roundOptions{}, errors.New("--host-root is required for the witness")
	}
	if c.Vantage != evidence.Witness && (seed != "" || c.HostRoot != "") {
		return roundOptions{}, fmt.Errorf("--seed and --host-root are for the witness, not for vantage %s", vantage)
	}
	c.Nonce = options.nonce
	if (c.Tenant == "") != (tenantSeed == "") || c.Tenant != "" && !slices.Contains(probes.Tenants(), c.Tenant) {
		return roundOptions{}, fmt.Errorf("--tenant and --tenant-seed belong together, for one of the tenants %v", probes.Tenants())
	}
	if options.leak != "" && c.Vantage == evidence.Witness {
		return roundOptions{}, fmt.Errorf("--%s is for pods that are broken on purpose, not for vantage %s", leakFlag, vantage)
	}
	var err error
	if c.Seed, err = hex.DecodeString(seed); err != nil {
		return roundOptions{}, errors.New("--seed is not hexadecimal")
	}
	if c.TenantSeed, err = hex.DecodeString(tenantSeed); err != nil {
		return roundOptions{}, errors.New("--tenant-seed is not hexadecimal")
	}
	if c.Seek, err = parseSeek(seek); err != nil {
		return roundOptions{}, fmt.Errorf("--seek: %w", err)
	}
	return options, nil
}

const leakFlag = "leak"

// withoutLeak returns the arguments without the flag that names what to leak: the
// process that inherits the leak only looks.
func withoutLeak(args []string) []string {
	var rest []string
	for i := 0; i < len(args); i++ {
		name, _, joined := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		switch {
		case name != leakFlag || !strings.HasPrefix(args[i], "-"):
			rest = append(rest, args[i])
		case !joined:
			i++ // its value
		}
	}
	return rest
}

// parseSeek reads name=hash pairs divided by commas.
func parseSeek(list string) (map[string]string, error) {
	seek := map[string]string{}
	if list == "" {
		return seek, nil
	}
	for pair := range strings.SplitSeq(list, ",") {
		name, hash, _ := strings.Cut(pair, "=")
		if !slices.Contains(probes.SeekNames(), name) {
			return nil, fmt.Errorf("%q is none of the tokens %v", name, probes.SeekNames())
		}
		if raw, err := hex.DecodeString(hash); err != nil || len(raw) != 32 {
			return nil, fmt.Errorf("the hash of token %s is not 64 hexadecimal digits", name)
		}
		seek[name] = strings.ToLower(hash)
	}
	return seek, nil
}
