package bundle

import (
	"errors"
	"fmt"
	"time"

	"github.com/katacert/katacert/reports"
)

// Manifest lists the files of an archive with their hashes. The attestation holds
// the hash of the manifest, and by it all of them.
type Manifest struct {
	Schema string `json:"schema"`
	Run    string `json:"run"`
	// Finished is when the run ended; the files in the archive bear it, too.
	Finished time.Time `json:"finished"`
	// Packer is the program that made the archive, Tool the one that made the run.
	Packer    Tool      `json:"packer"`
	Tool      Tool      `json:"tool"`
	Catalogue Catalogue `json:"catalogue"`
	Signing   Signing   `json:"signing"`
	// Images are those that the run used, by digest.
	Images []reports.Image `json:"images"`
	Files  []Entry         `json:"files"`
}

// Signing says with what the attestation is signed.
type Signing struct {
	By        By     `json:"by"`
	Algorithm string `json:"algorithm"`
	KeyID     string `json:"key_id"`
}

// Entry is one file of the archive.
type Entry struct {
	Name string `json:"name"`
	// Size in bytes.
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// errSchema says that an archive was written by another version of katacert.
var errSchema = errors.New("another version of katacert wrote it")

func decodeManifest(text []byte) (*Manifest, error) {
	m := &Manifest{}
	if err := decodeJSON(text, m); err != nil {
		if m.Schema != "" && m.Schema != Schema {
			return nil, fmt.Errorf("schema %.60q, but this katacert reads %q: %w", m.Schema, Schema, errSchema)
		}
		return nil, err
	}
	if m.Schema != Schema {
		return nil, fmt.Errorf("schema %.60q, but this katacert reads %q: %w", m.Schema, Schema, errSchema)
	}
	names := contents()
	if len(m.Files) != len(names) {
		return nil, fmt.Errorf("it lists %d files, want %d: %v", len(m.Files), len(names), names)
	}
	for i, f := range m.Files {
		switch {
		case f.Name != names[i]:
			return nil, fmt.Errorf("it lists %.60q as file %d, want %q", f.Name, i+1, names[i])
		case f.Size < 0 || f.Size > largest[f.Name]:
			return nil, fmt.Errorf("it says that %s has %d bytes, and %d are the most that katacert reads", f.Name, f.Size, largest[f.Name])
		case !isDigest(f.SHA256):
			return nil, fmt.Errorf("its hash of %s is none", f.Name)
		}
	}
	return m, nil
}

// isDigest says whether a text is a SHA-256 as digest gives it.
func isDigest(text string) bool {
	if len(text) != 64 {
		return false
	}
	for _, c := range text {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
