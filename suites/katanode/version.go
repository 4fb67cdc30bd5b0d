package katanode

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"golang.org/x/mod/semver"
)

// ErrNoVersion is that Kata does not say its version on the node.
var ErrNoVersion = errors.New("the version of Kata is not known: no file VERSION lies above the folder of its shim, as Kata's own archives have it: install it whole")

// Packaged says whether the handler's shim is of a distribution's package: it lies
// below /usr, where Kata's own archives put nothing. What such a package's version has
// mended only its distributor says, who takes mends over to older versions.
func (n *Node) Packaged(r Runtime) bool {
	shim, ok := n.ShimOf(r)
	if !ok || shim.Problem != "" {
		return false
	}
	at := shim.Real
	if at == "" {
		at = shim.Path
	}
	return strings.HasPrefix(at, "/usr/") && !strings.HasPrefix(at, "/usr/local/")
}

// Version is that of the Kata to which the handler's shim belongs, and the file that
// says so.
func (n *Node) Version() (version, file string, err error) {
	for _, f := range n.Files {
		if path.Base(f.Path) != "VERSION" {
			continue
		}
		switch {
		case f.Problem != "":
			return "", "", fmt.Errorf("%s could not be read: %s", f.Path, f.Problem)
		case !semver.IsValid("v" + strings.TrimPrefix(f.Text, "v")):
			return "", "", fmt.Errorf("%s says %q, which is no version", f.Path, f.Text)
		default:
			return f.Text, f.Path, nil
		}
	}
	return "", "", ErrNoVersion
}
