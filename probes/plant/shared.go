package plant

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/katacert/katacert/probes"
)

const (
	plantShared = "shared-folder"
	// sharedPlace is where the folder lies: where everyone may write on a node.
	sharedPlace = "tmp"
	// maxShared bounds how many files in the folder are looked at.
	maxShared = 1024
)

// putShared makes a folder on the node into which everyone may write, as /tmp
// is: who comes there by whatever link leaves a file that holds its nonce.
func putShared(s *site, r *report) {
	folder := s.sharedFolder(s.name())
	err := s.onNode(func(node *os.Root) error {
		if err := node.Mkdir(folder, 0o700); err != nil {
			return err
		}
		// Mkdir's mode is subject to the umask.
		return node.Chmod(folder, 0o777|os.ModeSticky)
	})
	if err != nil {
		r.failed(plantShared, err)
		return
	}
	r.give(probes.ParamSharedFolder, "/"+folder)
	r.planted(plantShared, "/%s", folder)
}

// sharedSuffix tells the folder from the one of canaries beside it.
const sharedSuffix = ".shared"

func (s *site) sharedFolder(name string) string { return path.Join(sharedPlace, name+sharedSuffix) }

func findShared(s *site) []string {
	var found []string
	_ = s.onNode(func(node *os.Root) error {
		for _, folder := range s.ownFolders(node) {
			found = append(found, "/"+folder)
		}
		return nil
	})
	return found
}

func removeShared(s *site) error {
	return s.onNode(func(node *os.Root) error {
		var failures error
		for _, folder := range s.ownFolders(node) {
			failures = errors.Join(failures, node.RemoveAll(folder))
		}
		return failures
	})
}

// touchedShared reads who wrote into the folder.
func touchedShared(s *site) ([]string, error) {
	var lines []string
	err := s.onNode(func(node *os.Root) error {
		folder := s.sharedFolder(s.name())
		dir, err := node.Open(folder)
		if err != nil {
			return err
		}
		defer func() { _ = dir.Close() }()
		names, err := dir.Readdirnames(maxShared)
		if err != nil && len(names) == 0 {
			names = nil // an empty folder ends at once
		}
		for _, name := range names {
			if nonce, ok := signature(node, path.Join(folder, name)); ok {
				lines = append(lines, plantShared+" "+nonce)
			}
		}
		return nil
	})
	return lines, err
}

// ownFolders lists the site's folders for everyone.
func (s *site) ownFolders(node *os.Root) []string {
	return s.foldersAt(node, sharedPlace, sharedSuffix)
}

// foldersAt lists the site's folders at a place that have a suffix.
func (s *site) foldersAt(node *os.Root, place, suffix string) []string {
	dir, err := node.Open(place)
	if err != nil {
		return nil
	}
	defer func() { _ = dir.Close() }()
	names, _ := dir.Readdirnames(-1)
	var own []string
	for _, name := range names {
		base, ok := strings.CutSuffix(name, suffix)
		if ok && s.owns(base) {
			own = append(own, path.Join(place, name))
		}
	}
	return own
}

// onNode does something on the node, all names resolved within its root.
func (s *site) onNode(do func(node *os.Root) error) error {
	node, err := os.OpenRoot(s.hostRoot)
	if err != nil {
		return fmt.Errorf("open the node's root: %w", err)
	}
	defer func() { _ = node.Close() }()
	return do(node)
}
