package plant

import (
	"errors"
	"fmt"
	"os"
	"path"

	"github.com/katacert/katacert/probes"
)

// filePlaces are the node's directories in which canaries are planted: the ones
// that pods are most often given parts of.
func filePlaces() []string { return []string{"var/lib", "run", "var/log", "tmp"} }

// putFiles writes a canary into a folder of its own at each place. Folder and
// file may be read by everyone: who finds a way there must be able to see it.
// Names are resolved within the node's root, so that no link on the node leads
// the witness to files of its own.
func putFiles(s *site, r *report) {
	node, err := os.OpenRoot(s.hostRoot)
	if err != nil {
		r.failed("file", fmt.Errorf("open the node's root: %w", err))
		return
	}
	defer func() { _ = node.Close() }()
	for _, place := range filePlaces() {
		name := path.Join(place, s.name(), randomHex())
		if err := putFile(node, name, s.token(probes.TokenFile)); err != nil {
			r.failed("file", err)
			continue
		}
		r.planted("file", "/%s", name)
	}
}

func putFile(node *os.Root, name, content string) error {
	if err := node.Mkdir(path.Dir(name), 0o700); err != nil {
		return err
	}
	err := node.WriteFile(name, []byte(content), 0o600)
	// The modes given at creation are subject to the umask.
	err = errors.Join(err, node.Chmod(name, 0o644), node.Chmod(path.Dir(name), 0o755))
	if err != nil {
		// What is half made must not stay.
		err = errors.Join(err, node.RemoveAll(path.Dir(name)))
	}
	return err
}

func findFiles(s *site) []string {
	var found []string
	_ = eachFolder(s, func(_ *os.Root, folder string) error {
		found = append(found, "/"+folder)
		return nil
	})
	return found
}

func removeFiles(s *site) error {
	return eachFolder(s, func(node *os.Root, folder string) error {
		return node.RemoveAll(folder)
	})
}

// eachFolder calls do with every folder on the node that is the site's.
func eachFolder(s *site, do func(node *os.Root, folder string) error) error {
	node, err := os.OpenRoot(s.hostRoot)
	if err != nil {
		return fmt.Errorf("open the node's root: %w", err)
	}
	defer func() { _ = node.Close() }()
	var failures error
	for _, place := range filePlaces() {
		dir, err := node.Open(place)
		if err != nil {
			// Where the node has no such directory, or one that leads elsewhere,
			// nothing can have been planted.
			continue
		}
		names, err := dir.Readdirnames(-1)
		_ = dir.Close()
		if err != nil {
			failures = errors.Join(failures, fmt.Errorf("list /%s on the node: %w", place, err))
		}
		for _, name := range names {
			if s.owns(name) {
				failures = errors.Join(failures, do(node, path.Join(place, name)))
			}
		}
	}
	return failures
}
