package bundle

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/reports"
)

// Make packs and signs the run whose files are in dir, and returns the paths of the
// archive and of the public key beside it. The same run, signer and program give the
// same bytes.
func Make(ctx context.Context, dir string, signer *Signer, packer Tool) ([]string, error) {
	return makeOf(ctx, dir, signer, packer, func(line int, err error) error { return fmt.Errorf("line %d: %w", line, err) })
}

// makeOf makes a bundle unless fault gives an error for a line of the evidence that
// cannot be read.
func makeOf(ctx context.Context, dir string, signer *Signer, packer Tool, fault func(line int, err error) error) ([]string, error) {
	fail := func(err error) ([]string, error) {
		return nil, fmt.Errorf("make the bundle of %s: %w", dir, err)
	}
	texts, configuration, report, err := readRun(dir)
	if err != nil {
		return fail(err)
	}
	file, err := os.Open(filepath.Join(dir, evidenceFile))
	if err != nil {
		return fail(err)
	}
	defer func() { _ = file.Close() }()
	size, err := evidenceSize(file, report.Run.Interrupted != "")
	if err != nil {
		return fail(fmt.Errorf("read the evidence: %w", err))
	}
	sum, err := hashOf(io.NewSectionReader(file, 0, size))
	if err != nil {
		return fail(fmt.Errorf("read the evidence: %w", err))
	}
	if limit := largest[evidenceFile]; size > limit {
		return fail(fmt.Errorf("the evidence has %d bytes, and %d are the most that katacert reads: certify fewer targets at a time", size, limit))
	}
	var damaged error
	j, err := readJournal(file, size, func(evidence.Record) error { return nil }, func(line int, err error) {
		damaged = cmp.Or(damaged, fault(line, err))
	})
	if err = cmp.Or(err, damaged); err != nil {
		return fail(fmt.Errorf("read %s: %w", evidenceFile, err))
	}
	ran, err := whatRan(report, j)
	if err == nil {
		texts[nodesFile], err = encodeJSON(ran)
	}
	if err != nil {
		return fail(err)
	}
	m := &Manifest{Schema: Schema, Run: report.Run.ID, Finished: report.Run.Finished, Packer: packer, Tool: configuration.Tool, Catalogue: configuration.Catalogue,
		Signing: Signing{By: signer.By, Algorithm: signer.Public.Algorithm, KeyID: signer.Public.ID}, Images: append([]reports.Image{}, report.Images...)}
	parts := make([]part, 0, len(archived()))
	for _, name := range contents() {
		p := textPart(name, texts[name])
		entry := Entry{Name: name, Size: p.size, SHA256: digest(texts[name])}
		if name == evidenceFile {
			p, entry = filePart(name, file, size), Entry{Name: name, Size: size, SHA256: sum}
		}
		m.Files, parts = append(m.Files, entry), append(parts, p)
	}
	manifest, envelope, err := seal(ctx, m, report, ran, signer)
	if err != nil {
		return fail(err)
	}
	parts = append([]part{textPart(manifestFile, manifest), textPart(attestationFile, envelope)}, parts...)
	written := []string{filepath.Join(dir, File), filepath.Join(dir, PublicFile)}
	err = errors.Join(
		reports.WriteWhole(written[0], func(w io.Writer) error { return pack(w, report.Run.Finished, parts) }),
		reports.WriteWhole(written[1], func(w io.Writer) error { _, err := w.Write(signer.Public.PEM()); return err }))
	if err != nil {
		return fail(fmt.Errorf("%w; `katacert bundle %s` makes it again", err, dir))
	}
	return written, nil
}

// readRun reads what a run left, but for its evidence.
func readRun(dir string) (map[string][]byte, *Configuration, *reports.Report, error) {
	report, err := reports.Read(dir)
	if err != nil {
		return nil, nil, nil, err
	}
	texts := map[string][]byte{}
	for _, name := range []string{ConfigurationFile, reportFile} {
		if texts[name], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			return nil, nil, nil, err
		}
	}
	configuration, err := decodeConfiguration(texts[ConfigurationFile])
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read %s: %w", filepath.Join(dir, ConfigurationFile), err)
	}
	return texts, configuration, report, nil
}

// seal makes the manifest and the signed envelope that holds its hash.
func seal(ctx context.Context, m *Manifest, r *reports.Report, ran nodes, signer *Signer) (manifest, envelope []byte, err error) {
	if manifest, err = encodeJSON(m); err != nil {
		return nil, nil, fmt.Errorf("write the manifest: %w", err)
	}
	said, err := statement(m, manifest, r, ran)
	if err != nil {
		return nil, nil, err
	}
	sealer, err := dsse.NewEnvelopeSigner(signer)
	if err != nil {
		return nil, nil, fmt.Errorf("sign the attestation: %w", err)
	}
	signed, err := sealer.SignPayload(ctx, payloadType, said)
	if err != nil {
		return nil, nil, fmt.Errorf("sign the attestation: %w", err)
	}
	envelope, err = json.Marshal(signed)
	return manifest, append(envelope, '\n'), err
}

// evidenceSize is how much of the evidence there is to pack, in bytes. A run that was
// killed while it wrote may have left a part of a line, which is no evidence.
func evidenceSize(file *os.File, killed bool) (int64, error) {
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	size := info.Size()
	if !killed {
		return size, nil
	}
	tail := make([]byte, min(size, largestLine+1))
	if _, err := file.ReadAt(tail, size-int64(len(tail))); err != nil {
		return 0, err
	}
	return size - int64(len(tail)) + int64(bytes.LastIndexByte(tail, '\n')+1), nil
}

func hashOf(r io.Reader) (string, error) {
	sum := sha256.New()
	_, err := io.Copy(sum, r)
	return hex.EncodeToString(sum.Sum(nil)), err
}
