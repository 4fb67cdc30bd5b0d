package bundle

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// By says whose key signed.
type By string

const (
	// ByFreshKey is a key that was made for this one archive and forgotten: whoever
	// trusts the public half sees that nothing changed since, and not who made it.
	ByFreshKey By = "fresh-key"
	// ByKeyFile is a key of the user's.
	ByKeyFile By = "key-file"
	// ByCommand is a command of the user's, which keeps the key elsewhere.
	ByCommand By = "command"
)

// Signer signs bundles.
type Signer struct {
	By     By
	Public PublicKey
	sign   func(ctx context.Context, message []byte) ([]byte, error)
}

var _ dsse.Signer = (*Signer)(nil)

// KeyID names the key in a DSSE envelope.
func (s *Signer) KeyID() (string, error) { return s.Public.ID, nil }

// Sign signs the message, and checks what it got.
func (s *Signer) Sign(ctx context.Context, message []byte) ([]byte, error) {
	signature, err := s.sign(ctx, message)
	if err != nil {
		return nil, err
	}
	return signature, s.Public.Verify(ctx, message, signature)
}

// FreshSigner makes a key for one archive.
func FreshSigner() (*Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return ofKey(key, ByFreshKey)
}

// ReadSigner reads a private key from a file in PEM (PKCS #8, not encrypted).
func ReadSigner(path string) (*Signer, error) {
	text, err := readKeyFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the signing key: %w", err)
	}
	signer, err := parseSigner(text)
	if err != nil {
		return nil, fmt.Errorf("read the signing key %s: %w", path, err)
	}
	return signer, nil
}

func parseSigner(text []byte) (*Signer, error) {
	block, rest := pem.Decode(text)
	switch {
	case block == nil:
		return nil, fmt.Errorf("it is no PEM file: %w", errKey)
	case strings.Contains(block.Type, "ENCRYPTED"):
		return nil, errors.New("it is encrypted, and there is nobody to ask for the passphrase: let a --signing-command decrypt it")
	case block.Type == "PUBLIC KEY":
		return nil, errors.New("it holds the public half alone: name the private one")
	case block.Type != "PRIVATE KEY":
		return nil, fmt.Errorf("it holds a %.40q, want a \"PRIVATE KEY\" (openssl pkcs8 -topk8 -nocrypt makes one of it): %w", block.Type, errKey)
	case !blank(rest):
		return nil, errors.New("it holds more than one key")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, errKey)
	}
	private, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s: %w", kindOf(key), errKey)
	}
	return ofKey(private, ByKeyFile)
}

func ofKey(key crypto.Signer, by By) (*Signer, error) {
	public, err := PublicKeyOf(key.Public())
	if err != nil {
		return nil, err
	}
	return &Signer{By: by, Public: public, sign: func(_ context.Context, message []byte) ([]byte, error) {
		if _, hashed := key.(*ecdsa.PrivateKey); hashed {
			sum := sha256.Sum256(message)
			// Without a source of randomness the signature is the deterministic one of
			// RFC 6979: the same run and key give the same archive.
			return key.Sign(nil, sum[:], crypto.SHA256)
		}
		return key.Sign(nil, message, crypto.Hash(0))
	}}, nil
}

// Ask runs the user's signing command with one more argument (PublicKeyArgument or
// SignArgument) and the given standard input, and returns its standard output.
type Ask func(ctx context.Context, argument string, stdin []byte) ([]byte, error)

// What a signing command is asked for by its last argument.
const (
	// PublicKeyArgument asks for the public key, in PEM (PKIX), on standard output.
	PublicKeyArgument = "public-key"
	// SignArgument asks for the signature of what is on standard input, as it is or
	// in base64, on standard output.
	SignArgument = "sign"
)

// trialType is the DSSE type of what a command signs to show that it can: no
// attestation has it.
const trialType = "application/vnd.katacert.trial"

// CommandSigner lets a command sign, as it is needed where the key lies in a KMS or
// an HSM. It asks for the public key and for one signature at once, so that what
// does not work is known before there is something to sign.
func CommandSigner(ctx context.Context, ask Ask) (*Signer, error) {
	text, err := ask(ctx, PublicKeyArgument, nil)
	if err != nil {
		return nil, fmt.Errorf("ask the signing command for its public key: %w", err)
	}
	public, err := ParsePublicKey(text)
	if err != nil {
		return nil, fmt.Errorf("ask the signing command for its public key: what it gave: %w", err)
	}
	signer := &Signer{By: ByCommand, Public: public, sign: func(ctx context.Context, message []byte) ([]byte, error) {
		given, err := ask(ctx, SignArgument, message)
		if err != nil {
			return nil, fmt.Errorf("let the signing command sign: %w", err)
		}
		return choose(ctx, public, message, given), nil
	}}
	if _, err := signer.Sign(ctx, dsse.PAE(trialType, []byte("katacert tries whether it can sign"))); err != nil {
		return nil, fmt.Errorf("try the signing command (key %s, %s): %w", public.ID[:16], public.Algorithm, err)
	}
	return signer, nil
}

// choose finds the signature in what a command gave: raw, or in base64 as most
// programs of KMS print it.
func choose(ctx context.Context, public PublicKey, message, given []byte) []byte {
	if public.Verify(ctx, message, given) == nil {
		return given
	}
	if decoded, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(given))); err == nil {
		return decoded
	}
	return given
}

func blank(text []byte) bool { return len(bytes.TrimSpace(text)) == 0 }
