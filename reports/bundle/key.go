package bundle

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// The algorithms of signatures.
const (
	// Ed25519 is EdDSA on edwards25519 (RFC 8032), over the message itself.
	Ed25519 = "ed25519"
	// ECDSAP256 is ECDSA on P-256 over the message's SHA-256; the signature is in
	// ASN.1 (SEC 1, FIPS 186-5).
	ECDSAP256 = "ecdsa-p256-sha256"
)

// PublicKey is the public half of a key that signs bundles.
type PublicKey struct {
	key       crypto.PublicKey
	der       []byte
	Algorithm string
	// ID is the SHA-256 of the key in PKIX form (DER), in hexadecimal.
	ID string
}

var _ dsse.Verifier = PublicKey{}

// errKey is what every refusal of a key says.
var errKey = errors.New("an ed25519 or ECDSA P-256 key is needed")

// kindOf says of which kind a key of another kind is.
func kindOf(key any) string {
	switch key.(type) {
	case *rsa.PublicKey, *rsa.PrivateKey:
		return "it is a key of RSA"
	case *ecdh.PublicKey, *ecdh.PrivateKey:
		return "it is a key for encryption (X25519)"
	default:
		return "it is a key of another kind"
	}
}

// PublicKeyOf wraps a key of crypto/ed25519 or crypto/ecdsa.
func PublicKeyOf(key crypto.PublicKey) (PublicKey, error) {
	p := PublicKey{key: key}
	switch k := key.(type) {
	case ed25519.PublicKey:
		p.Algorithm = Ed25519
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return PublicKey{}, fmt.Errorf("its curve is %s: %w", k.Curve.Params().Name, errKey)
		}
		p.Algorithm = ECDSAP256
	default:
		return PublicKey{}, fmt.Errorf("%s: %w", kindOf(key), errKey)
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return PublicKey{}, fmt.Errorf("encode the public key: %w", err)
	}
	p.der, p.ID = der, digest(der)
	return p, nil
}

// ParsePublicKey reads a public key in PEM (PKIX).
func ParsePublicKey(text []byte) (PublicKey, error) {
	block, rest := pem.Decode(text)
	switch {
	case block == nil:
		return PublicKey{}, fmt.Errorf("it is no PEM file: %w", errKey)
	case block.Type != "PUBLIC KEY":
		return PublicKey{}, fmt.Errorf("it holds a %.40q, want a \"PUBLIC KEY\" (openssl pkey -pubout makes one of a private key): %w", block.Type, errKey)
	case !blank(rest):
		return PublicKey{}, errors.New("it holds more than one key: give each its own file")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: %w", err, errKey)
	}
	return PublicKeyOf(key)
}

// largestKey bounds the size of a file with a key, in bytes.
const largestKey = 1 << 16

// ReadPublicKey reads a public key from a file in PEM (PKIX).
func ReadPublicKey(path string) (PublicKey, error) {
	text, err := readKeyFile(path)
	if err != nil {
		return PublicKey{}, fmt.Errorf("read the public key: %w", err)
	}
	key, err := ParsePublicKey(text)
	if err != nil {
		return PublicKey{}, fmt.Errorf("read the public key %s: %w", path, err)
	}
	return key, nil
}

func readKeyFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, largestKey+1))
	if err == nil && len(text) > largestKey {
		err = fmt.Errorf("%s is larger than any key", path)
	}
	return text, err
}

// PEM is the key as openssl and cosign read it.
func (p PublicKey) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: p.der})
}

// KeyID names the key in a DSSE envelope.
func (p PublicKey) KeyID() (string, error) { return p.ID, nil }

// Public is the key itself.
func (p PublicKey) Public() crypto.PublicKey { return p.key }

// errSignature says that a signature is not of the key and the message.
var errSignature = errors.New("the signature is not of this key and this content")

// Verify checks a signature of the message.
func (p PublicKey) Verify(_ context.Context, message, signature []byte) error {
	good := false
	switch key := p.key.(type) {
	case ed25519.PublicKey:
		good = ed25519.Verify(key, message, signature)
	case *ecdsa.PublicKey:
		sum := sha256.Sum256(message)
		good = ecdsa.VerifyASN1(key, sum[:], signature)
	}
	if !good {
		return errSignature
	}
	return nil
}
