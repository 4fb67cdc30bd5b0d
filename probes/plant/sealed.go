package plant

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/internal/kubelet"
)

const (
	plantSealed = "sealed"
	// tokenSealed names what is written into the file; it is no secret.
	tokenSealed = "sealed"
)

// putSealed writes a file of known content into the node's folder of the volume
// that each pod of the run may only read. Everyone may write to the file itself:
// what keeps a pod from it is the mount, and nothing else.
func putSealed(s *site, r *report) {
	written := 0
	err := s.eachVolume(sealedVolume, func(node *os.Root, volume kubelet.Volume) error {
		if !slices.Contains(s.pods, volume.UID) {
			return nil // another run's, or nobody's
		}
		name := path.Join(volume.Path, s.name())
		err := node.WriteFile(name, []byte(s.token(tokenSealed)), 0o600)
		if err = errors.Join(err, node.Chmod(name, 0o666)); err == nil {
			written++
		}
		return err
	})
	if err == nil && written == 0 {
		err = errors.New("no pod of the run has a volume that it may only read")
	}
	if err != nil {
		r.failed(plantSealed, err)
		return
	}
	r.give(probes.ParamSealedFile, s.name())
	r.planted(plantSealed, "in %d volumes", written)
}

func findSealed(s *site) []string {
	var found []string
	_ = s.eachSealed(func(_ *os.Root, file string) error {
		found = append(found, "/"+file)
		return nil
	})
	return found
}

func removeSealed(s *site) error {
	return unlessNoPods(s.eachSealed(func(node *os.Root, file string) error { return node.Remove(file) }))
}

// touchedSealed tells who changed the file in its volume. A content that is
// neither the one that was written nor signed is an error: somebody was there,
// and it is not known who.
func touchedSealed(s *site) ([]string, error) {
	var lines []string
	err := s.eachSealed(func(node *os.Root, file string) error {
		content, err := node.ReadFile(file)
		if err != nil || string(content) == s.token(tokenSealed) {
			return err
		}
		nonce, ok := signature(node, file)
		if !ok {
			return fmt.Errorf("/%s was changed by somebody who did not sign", file)
		}
		lines = append(lines, plantSealed+" "+nonce)
		return nil
	})
	return lines, err
}

// eachSealed calls do with every file of the site in a sealed volume.
func (s *site) eachSealed(do func(node *os.Root, file string) error) error {
	return s.eachFile(sealedVolume, func(node *os.Root, folder, name string) error {
		if !s.owns(name) {
			return nil
		}
		return do(node, path.Join(folder, name))
	})
}
