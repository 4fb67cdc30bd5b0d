package main

import (
	"os"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/suites/certification"
)

// maxScript is what a training script may have, within what a ConfigMap holds.
const maxScript = 512 << 10

// byDigest are references of images that always mean the same image.
var byDigest = regexp.MustCompile(`^\S+@sha256:[0-9a-f]{64}$`)

// trainingFlags say what the training jobs are.
type trainingFlags struct {
	image, script, blockStorage string
	gpus                        int64
}

func (f *trainingFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.image, "training-image", "", "PyTorch image that trains in place of katacert's own trainer: NAME@sha256:…, or a file of `docker save`, which goes where katacert's images go")
	flags.StringVar(&f.script, "training-script", "", "Python file that --training-image runs (default: katacert's; yours must print the same evidence)")
	flags.Int64Var(&f.gpus, "training-gpus", -1, "GPUs that the training pod asks for (default: 1 with --training-image, 0 without)")
	flags.StringVar(&f.blockStorage, "block-storage-class", "", "StorageClass that serves volumes without a file system (volumeMode Block), for a training job on one (default: the one annotated katacert.dev/block-volumes=true, as the local cluster has)")
}

func (f *trainingFlags) check(cmd *cobra.Command) error {
	switch {
	case f.image != "" && !byDigest.MatchString(f.image) && !f.saved():
		return usagef("--training-image %q names no digest and is no file: give NAME@sha256:…, so that it is known what trained, or what `docker save` wrote", f.image)
	case f.image == "" && f.script != "":
		return usagef("--training-script needs --training-image, an image of PyTorch that runs it")
	case f.image == "" && f.gpus > 0:
		return usagef("--training-gpus needs --training-image: katacert's own trainer computes on the CPU")
	case f.gpus < 0 && cmd.Flags().Changed("training-gpus"):
		return usagef("--training-gpus %d: give 0 or more", f.gpus)
	}
	return nil
}

func (f *trainingFlags) options() (certification.Training, error) {
	o := certification.Training{Image: f.image, GPUs: f.gpus, BlockStorageClass: f.blockStorage}
	if f.gpus < 0 {
		o.GPUs = 0
		if f.image != "" {
			o.GPUs = 1
		}
	}
	if f.script == "" {
		return o, nil
	}
	script, err := os.ReadFile(f.script)
	if err != nil {
		return o, usagef("read --training-script: %v", err)
	}
	if len(script) == 0 || len(script) > maxScript {
		return o, usagef("--training-script %s has %d bytes: it must have 1 to %d", f.script, len(script), maxScript)
	}
	o.Script = string(script)
	return o, nil
}
