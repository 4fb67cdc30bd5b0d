package bundle

import "context"

// MakeOfAnything makes the bundle that a forger would: of evidence that Make refuses.
func MakeOfAnything(ctx context.Context, dir string, signer *Signer, packer Tool) ([]string, error) {
	return makeOf(ctx, dir, signer, packer, func(int, error) error { return nil })
}
