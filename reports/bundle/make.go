package bundle

import (
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
	size, sum, err := hashFile(file)
	if err != nil {
		return fail(fmt.Errorf("read the evidence: %w", err))
	}
	if limit := largest[evidenceFile]; size > limit {
		return fail(fmt.Errorf("the evidence has %d bytes, and %d are the most that katacert reads: certify fewer targets at a time", size, limit))
	}
	j, err := readJournal(file, size, func(evidence.Record) error { return nil }, func(int, error) {})
	if err != nil {
		return fail(fmt.Errorf("read the evidence: %w", err))
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

// hashFile gives the size and the SHA-256 of a file.
func hashFile(file *os.File) (int64, string, error) {
	sum := sha256.New()
	size, err := io.Copy(sum, file)
	return size, hex.EncodeToString(sum.Sum(nil)), err
}
