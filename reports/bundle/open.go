package bundle

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// opened is what was read of an archive. Nothing in it is to be believed yet.
type opened struct {
	file     *os.File
	manifest *Manifest
	texts    map[string][]byte
	// evidence is a file without a name that holds the evidence, of evidenceSize
	// bytes; nil when the archive did not get that far.
	evidence     *os.File
	evidenceSize int64
	// whole is set when every file was there.
	whole bool
}

func (o *opened) close() {
	_ = o.file.Close()
	if o.evidence != nil {
		_ = o.evidence.Close()
	}
}

// ErrUnreadable says that a file is no bundle that this katacert can read.
var ErrUnreadable = errors.New("the bundle cannot be read")

// open reads an archive once, from front to back. What is wrong with it is handed to
// fault with the check that it fails; what cannot be read at all is an error.
func open(path string, fault func(check, text string)) (*opened, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	o := &opened{file: file, texts: map[string][]byte{}}
	if err := o.read(fault); err != nil {
		o.close()
		return nil, fmt.Errorf("%w: %s: %w", ErrUnreadable, path, err)
	}
	return o, nil
}

func (o *opened) read(fault func(check, text string)) error {
	buffered := bufio.NewReaderSize(o.file, 1<<16)
	magic, err := buffered.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return errors.New("it is not compressed by gzip, so it is none of katacert's: name the file bundle.tar.gz of a run")
	}
	unzipped, err := gzip.NewReader(buffered)
	if err != nil {
		fault(checkArchive, "its first bytes are damaged: "+err.Error())
		return nil
	}
	archive := tar.NewReader(unzipped)
	for _, name := range archived() {
		header, err := archive.Next()
		if err != nil {
			fault(checkArchive, fmt.Sprintf("it is damaged or cut off before %s: %.200s", name, err.Error()))
			return nil
		}
		if text := o.refuse(header, name); text != "" {
			fault(checkArchive, text)
			return nil
		}
		sum, err := o.take(archive, header)
		if err != nil {
			fault(checkArchive, fmt.Sprintf("it is damaged or cut off in %s: %.200s", name, err.Error()))
			return nil
		}
		switch {
		case name == manifestFile:
			if o.manifest, err = decodeManifest(o.texts[name]); errors.Is(err, errSchema) {
				return fmt.Errorf("%s: %w: use that version", name, err)
			} else if err != nil {
				fault(checkFiles, name+" was changed: "+err.Error())
				return nil
			}
		case name != attestationFile:
			if listed := o.manifest.entry(name); sum != listed.SHA256 || header.Size != listed.Size {
				fault(checkFiles, fmt.Sprintf("%s was changed: it has %d bytes with SHA-256 %s, and the manifest lists %d with %s", name, header.Size, sum, listed.Size, listed.SHA256))
			}
		}
	}
	if header, err := archive.Next(); err == nil {
		fault(checkArchive, fmt.Sprintf("it holds %.60q besides the files of a bundle", header.Name))
		return nil
	} else if !errors.Is(err, io.EOF) {
		fault(checkArchive, fmt.Sprintf("it is damaged behind its last file: %.200s", err.Error()))
		return nil
	}
	o.whole = true
	return nil
}

// refuse says why an entry of the archive is not read: it is not the one that comes
// next, no plain file, or larger than it may be.
func (o *opened) refuse(header *tar.Header, name string) string {
	switch {
	case header.Name != name:
		return fmt.Sprintf("it holds %.60q where %s has to be", header.Name, name)
	case header.Typeflag != tar.TypeReg:
		return fmt.Sprintf("its entry %s is no plain file", name)
	case header.Size < 0 || header.Size > largest[name]:
		return fmt.Sprintf("its entry %s has %d bytes, and %d are the most that katacert reads", name, header.Size, largest[name])
	case o.manifest != nil && name != attestationFile && header.Size > o.manifest.entry(name).Size:
		return fmt.Sprintf("its entry %s has %d bytes, more than the %d that the manifest lists", name, header.Size, o.manifest.entry(name).Size)
	default:
		return ""
	}
}

// take reads one file of the archive and returns its hash. Evidence, which may be
// large, goes to a file that nobody else can open.
func (o *opened) take(r io.Reader, header *tar.Header) (string, error) {
	sum := sha256.New()
	r = io.TeeReader(r, sum)
	if header.Name != evidenceFile {
		text, err := io.ReadAll(r)
		o.texts[header.Name] = text
		return hex.EncodeToString(sum.Sum(nil)), err
	}
	spool, err := os.CreateTemp("", "katacert-evidence-*")
	if err != nil {
		return "", err
	}
	o.evidence = spool
	if err := os.Remove(spool.Name()); err != nil {
		return "", err
	}
	o.evidenceSize, err = io.Copy(spool, r)
	return hex.EncodeToString(sum.Sum(nil)), err
}

func (m *Manifest) entry(name string) Entry {
	for _, f := range m.Files {
		if f.Name == name {
			return f
		}
	}
	return Entry{}
}

// parts are the files as pack takes them.
func (o *opened) parts() []part {
	var parts []part
	for _, name := range archived() {
		if name == evidenceFile {
			parts = append(parts, filePart(name, o.evidence, o.evidenceSize))
			continue
		}
		parts = append(parts, textPart(name, o.texts[name]))
	}
	return parts
}
