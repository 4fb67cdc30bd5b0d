package bundle

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/katacert/katacert/reports/internal/jsonfault"
)

// signature checks who signed, and returns what was signed where it can be read.
func (v *verification) signature(ctx context.Context, keys []PublicKey) []byte {
	text, ok := v.texts[attestationFile]
	if !ok {
		return nil
	}
	envelope, payload, err := decodeEnvelope(text)
	if err != nil {
		v.fault(checkSignature, attestationFile+" was changed: "+err.Error())
		return nil
	}
	if sum := firstSubject(payload); sum != digest(v.texts[manifestFile]) {
		v.fault(checkFiles, fmt.Sprintf("%s was changed: it is not the one with SHA-256 %.64s of which %s speaks", manifestFile, sum, attestationFile))
	}
	signed := envelope.Signatures[0].KeyID
	if v.manifest != nil && signed != v.manifest.Signing.KeyID {
		v.fault(checkSignature, fmt.Sprintf("%s was changed: it names key %.64s, and %s key %.64s", attestationFile, signed, manifestFile, v.manifest.Signing.KeyID))
	}
	if len(keys) == 0 {
		v.skipped(checkSignature, "no key was given, so anybody may have made and signed this bundle: give the public key of whom you trust with --key")
		return payload
	}
	keys = slices.CompactFunc(slices.SortedFunc(slices.Values(keys), func(a, b PublicKey) int { return strings.Compare(a.ID, b.ID) }),
		func(a, b PublicKey) bool { return a.ID == b.ID })
	verifiers := make([]dsse.Verifier, len(keys))
	for i, key := range keys {
		verifiers[i] = key
	}
	verifier, err := dsse.NewEnvelopeVerifier(verifiers...)
	if err != nil {
		v.fault(checkSignature, err.Error())
		return payload
	}
	accepted, err := verifier.Verify(ctx, envelope)
	if err != nil {
		known := slices.ContainsFunc(keys, func(k PublicKey) bool { return k.ID == signed })
		if known {
			v.fault(checkSignature, fmt.Sprintf("%s was changed: it bears the signature of the given key %.16s…, which does not fit it", attestationFile, signed))
		} else {
			v.fault(checkSignature, fmt.Sprintf("no given key signed this bundle: it names key %.16s…, given are %s", signed, ids(keys)))
		}
		return payload
	}
	v.sound(checkSignature, fmt.Sprintf("by key %.16s…", accepted[0].KeyID))
	return payload
}

// firstSubject is the hash of what a statement speaks of first.
func firstSubject(payload []byte) string {
	var statement struct {
		Subject []struct {
			Digest struct {
				SHA256 string `json:"sha256"`
			} `json:"digest"`
		} `json:"subject"`
	}
	if json.Unmarshal(payload, &statement) != nil || len(statement.Subject) == 0 {
		return ""
	}
	return statement.Subject[0].Digest.SHA256
}

func ids(keys []PublicKey) string {
	var texts []string
	for _, key := range keys {
		texts = append(texts, key.ID[:16]+"…")
	}
	return strings.Join(texts, ", ")
}

// decodeEnvelope reads an envelope in the one form in which katacert writes it: its
// JSON and its base64 leave nothing open that could be changed without notice.
func decodeEnvelope(text []byte) (*dsse.Envelope, []byte, error) {
	envelope := &dsse.Envelope{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(envelope); err != nil {
		return nil, nil, fmt.Errorf("it is no DSSE envelope: %.200s", jsonfault.Of(err).Error())
	}
	if envelope.PayloadType != payloadType {
		return nil, nil, fmt.Errorf("it holds a %.60q, want %q", envelope.PayloadType, payloadType)
	}
	if len(envelope.Signatures) != 1 {
		return nil, nil, fmt.Errorf("it bears %d signatures, want one", len(envelope.Signatures))
	}
	payload, err := base64.StdEncoding.Strict().DecodeString(envelope.Payload)
	if err != nil {
		return nil, nil, fmt.Errorf("its payload: %w", err)
	}
	if _, err := base64.StdEncoding.Strict().DecodeString(envelope.Signatures[0].Sig); err != nil {
		return nil, nil, fmt.Errorf("its signature: %w", err)
	}
	if again, err := json.Marshal(envelope); err != nil || !bytes.Equal(append(again, '\n'), text) {
		return nil, nil, errors.New("it is not written as katacert writes it")
	}
	return envelope, payload, nil
}
