package main

import (
	"context"
	"fmt"
	"os"

	"github.com/katacert/katacert/fixtures/cluster"
	"github.com/katacert/katacert/fixtures/images"
	"github.com/katacert/katacert/suites/certification"
)

// trainingImage is what a training image that came in a file is called in a registry.
const trainingImage = "training"

// saved says whether the training image is in a file.
func (f *trainingFlags) saved() bool {
	if f.image == "" || byDigest.MatchString(f.image) {
		return false
	}
	info, err := os.Stat(f.image)
	return err == nil && info.Mode().IsRegular()
}

// bringTrainingImage puts a training image that is in a file where the nodes can pull it,
// as nodes without a way to other registries need it.
func (f *certifyFlags) bringTrainingImage(ctx context.Context, c cluster.Cluster, o *certification.Options) error {
	if !f.training.saved() {
		return nil
	}
	image, err := images.OpenSaved(f.training.image)
	if err != nil {
		return fmt.Errorf("%w: --training-image: %w", errUsage, err)
	}
	to := images.PushOptions{Prefix: f.registry, Insecure: f.insecureRegistry}
	if registry, ok := c.(cluster.Registry); ok {
		to = images.PushOptions{Prefix: registry.RegistryPrefix(), Transport: registry.RegistryTransport(), Insecure: true}
	} else if f.skipPush {
		digest, err := image.Digest()
		if err != nil {
			return fmt.Errorf("compute the digest of the image in %s: %w", f.training.image, err)
		}
		o.Training.Image = f.registry + "/" + trainingImage + "@" + digest.String()
		return nil
	}
	if o.Training.Image, err = images.PushSaved(ctx, image, trainingImage, to); err != nil {
		return fmt.Errorf("bring the training image to the cluster: %w", err)
	}
	return nil
}
