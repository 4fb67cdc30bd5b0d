package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/internal/jsonfault"
)

// digest is the SHA-256 of a text, in hexadecimal.
func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// encodeJSON writes a value for people and programs alike, the same bytes for the
// same value.
func encodeJSON(value any) ([]byte, error) {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(reports.EscapeInvisible(text), '\n'), nil
}

func writeJSON(w io.Writer, value any) error {
	text, err := encodeJSON(value)
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}

// decodeJSON reads what encodeJSON wrote and nothing else: no unknown or repeated
// field, no other spelling, nothing behind it.
func decodeJSON(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("not understood: %.200s", jsonfault.Of(err).Error())
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is something behind its JSON")
	}
	again, err := encodeJSON(into)
	if err != nil {
		return fmt.Errorf("not understood: %w", err)
	}
	if !bytes.Equal(again, text) {
		return errors.New("it is not written as katacert writes it")
	}
	return nil
}
