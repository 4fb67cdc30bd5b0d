package main

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
)

// check refuses flags of certify that are wrong or contradict each other, before
// anything is done.
func (f *certifyFlags) check(cmd *cobra.Command) error {
	if err := f.cluster.check(cmd); err != nil {
		return err
	}
	if err := f.kind.check(cmd, f.cluster.provider); err != nil {
		return err
	}
	if _, err := catalogue.Select(certification.Catalogue(), f.choice()); err != nil {
		return usagef("%v", err)
	}
	if !slices.Contains([]string{string(catalogue.Isolation), string(catalogue.Hardening)}, f.require) {
		return usagef("unknown --require %q: choose isolation or hardening", f.require)
	}
	if !slices.Contains([]string{"text", "json"}, f.output) {
		return usagef("unknown --output %q: choose text or json", f.output)
	}
	if f.prometheusFile != "" {
		dir := filepath.Dir(f.prometheusFile)
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return usagef("--prometheus-file %s: there is no folder %s", f.prometheusFile, dir)
		}
		// The file is written beside itself first, and renamed.
		if unix.Access(dir, unix.W_OK|unix.X_OK) != nil {
			return usagef("--prometheus-file %s: this user may not write into %s", f.prometheusFile, dir)
		}
		if info, err := os.Stat(f.prometheusFile); err == nil && info.IsDir() {
			return usagef("--prometheus-file %s is a folder: name a file in it", f.prometheusFile)
		}
	}
	if err := checkOut(f.out); err != nil {
		return err
	}
	if f.keep && f.cluster.provider == providerExisting {
		return usagef("--keep-cluster goes with --cluster local and kind: an existing cluster stays in any case")
	}
	if err := checkScale(f.scale); err != nil {
		return err
	}
	if _, err := certification.ParseTenantLabels(f.tenantLabels); err != nil {
		return err
	}
	if err := f.training.check(cmd); err != nil {
		return err
	}
	if f.training.saved() && f.cluster.provider == providerKind && f.registry == "" {
		return usagef("--training-image %s is a file, which a kind cluster takes by a registry alone: name one by --image-registry", f.training.image)
	}
	if _, err := parseSecret(f.pullSecret); err != nil {
		return err
	}
	return f.checkImages(cmd)
}

// checkOut makes sure that the folder for runs can be made or written to, before the
// time for a cluster is spent. It makes nothing: a run that is refused leaves nothing.
func checkOut(out string) error {
	for dir := filepath.Clean(out); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		switch {
		case err != nil && dir != filepath.Dir(dir):
			continue // it is to be made in the one above
		case err != nil:
			return usagef("--out %s: %v", out, err)
		case !info.IsDir():
			return usagef("--out %s: %s is no folder", out, dir)
		case unix.Access(dir, unix.W_OK|unix.X_OK) != nil:
			return usagef("--out %s: this user may not write into %s", out, dir)
		default:
			return nil
		}
	}
}

// checkImages refuses what would be passed over: a local cluster brings its own
// registry, and without one there is nothing to trust, to reach or to pull from.
func (f *certifyFlags) checkImages(cmd *cobra.Command) error {
	given := cmd.Flags().Changed
	if given("image-registry") && f.cluster.provider == providerLocal {
		return usagef("--image-registry goes with --cluster existing and kind, the local cluster has a registry of its own")
	}
	for _, name := range []string{"skip-image-push", "insecure-registry", "image-pull-secret"} {
		if given(name) && f.registry == "" {
			return usagef("--%s goes with --image-registry", name)
		}
	}
	return nil
}
