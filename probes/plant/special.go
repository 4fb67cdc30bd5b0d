package plant

import (
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/katacert/katacert/probes"
)

const (
	plantSpecial = "special-file"
)

// putSpecial plants nothing but a name: pods make special files in their scratch
// volumes that begin with it, and the witness looks which of them are special
// files on the node.
func putSpecial(s *site, r *report) {
	root, err := s.kubeletRoot()
	if err != nil {
		r.failed(plantSpecial, err)
		return
	}
	r.give(probes.ParamSpecialMark, s.name())
	r.planted(plantSpecial, "watched for in %s/pods", root)
}

// findSpecial lists the files that pods made, special or not.
func findSpecial(s *site) []string {
	var found []string
	_ = s.eachSpecial(func(_ *os.Root, file, _ string) error {
		found = append(found, "/"+file)
		return nil
	})
	return found
}

func removeSpecial(s *site) error {
	return unlessNoPods(s.eachSpecial(func(node *os.Root, file, _ string) error { return node.Remove(file) }))
}

// touchedSpecial tells whose special files are special on the node too. A setuid
// file is told under a name of its own: it is a reading, for the owner that the
// runtime gives it decides what it is worth.
func touchedSpecial(s *site) ([]string, error) {
	var lines []string
	err := s.eachSpecial(func(node *os.Root, file, nonce string) error {
		info, err := node.Lstat(file)
		switch {
		case err != nil:
			return err
		case info.Mode()&fs.ModeDevice != 0:
			lines = append(lines, plantSpecial+" "+nonce)
		case info.Mode()&fs.ModeSetuid != 0:
			lines = append(lines, "setuid-file "+nonce)
		}
		return nil
	})
	return lines, err
}

// eachSpecial calls do with every file in a scratch volume on the node whose name
// is the site's, a hyphen, a nonce and what kind of file it is.
func (s *site) eachSpecial(do func(node *os.Root, file, nonce string) error) error {
	return s.eachFile(scratchVolume, func(node *os.Root, folder, name string) error {
		nonce, ok := s.specialNonce(name)
		if !ok {
			return nil
		}
		return do(node, path.Join(folder, name), nonce)
	})
}

// specialNonce takes the nonce from a name "<site>-<nonce>-<kind>".
func (s *site) specialNonce(name string) (string, bool) {
	rest, _, ok := cutLast(name)
	if !ok {
		return "", false
	}
	mark, nonce, ok := cutLast(rest)
	return nonce, ok && s.owns(mark) && nonceForm.MatchString(nonce)
}

func cutLast(name string) (before, after string, ok bool) {
	i := strings.LastIndexByte(name, '-')
	if i < 0 {
		return "", "", false
	}
	return name[:i], name[i+1:], true
}
