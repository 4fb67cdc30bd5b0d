package plant

import (
	"errors"
	"io/fs"
	"os"

	"github.com/katacert/katacert/probes/internal/kubelet"
)

const (
	// scratchVolume and sealedVolume are the names of the pods' volumes.
	scratchVolume = "scratch"
	sealedVolume  = "sealed"
	// maxVolumeFiles bounds how many files of one volume are looked at.
	maxVolumeFiles = 4096
)

func (s *site) kubeletRoot() (string, error) {
	if s.kubelet == "" {
		root, err := kubelet.Root(s.hostRoot)
		if err != nil {
			return "", err
		}
		s.kubelet = root
	}
	return s.kubelet, nil
}

// eachVolume calls do with every emptyDir volume of that name on the node.
func (s *site) eachVolume(name string, do func(node *os.Root, volume kubelet.Volume) error) error {
	root, err := s.kubeletRoot()
	if err != nil {
		return err
	}
	return s.onNode(func(node *os.Root) error {
		volumes, err := kubelet.EmptyDirs(node, root, name)
		for _, volume := range volumes {
			// A volume may go with its pod meanwhile, and a file with its volume.
			if doErr := do(node, volume); !errors.Is(doErr, fs.ErrNotExist) {
				err = errors.Join(err, doErr)
			}
		}
		return err
	})
}

// eachFile calls do with every file at the top of every emptyDir volume of that
// name on the node.
func (s *site) eachFile(volumes string, do func(node *os.Root, folder, name string) error) error {
	return s.eachVolume(volumes, func(node *os.Root, volume kubelet.Volume) error {
		dir, err := node.Open(volume.Path)
		if err != nil {
			return err
		}
		defer func() { _ = dir.Close() }()
		var failures error
		names, _ := dir.Readdirnames(maxVolumeFiles)
		for _, name := range names {
			failures = errors.Join(failures, do(node, volume.Path, name))
		}
		return failures
	})
}

// unlessNoPods takes it for no error that the node has no folder of pods: nothing
// of ours can lie in it then.
func unlessNoPods(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
