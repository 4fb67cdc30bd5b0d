package bundle_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/katacert/katacert/reports/bundle"
)

func TestKeysThatCannotSignAreRefused(t *testing.T) {
	edwards, curve := newKeys(t)
	large, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := bundle.PublicKeyOf(curve.Public())
	if err != nil {
		t.Fatal(err)
	}
	put := func(text string) string {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, err := os.ReadFile(keyFile(t, edwards))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ path, says string }{
		"no file":          {filepath.Join(t.TempDir(), "none"), "no such file"},
		"no PEM":           {put("ssh-ed25519 AAAA"), "it is no PEM file"},
		"too large":        {put(strings.Repeat("x", 1<<17)), "larger than any key"},
		"encrypted":        {put(string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}))), "it is encrypted"},
		"cosign's":         {put(string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED SIGSTORE PRIVATE KEY", Bytes: []byte("x")}))), "it is encrypted"},
		"the public half":  {put(string(public.PEM())), "the public half alone"},
		"openssl's old":    {put(string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: []byte("x")}))), "openssl pkcs8 -topk8"},
		"garbage in PEM":   {put(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}))), "an ed25519 or ECDSA P-256 key is needed"},
		"RSA":              {keyFile(t, rsaKey), "an ed25519 or ECDSA P-256 key is needed"},
		"another curve":    {keyFile(t, large), "its curve is P-384"},
		"two keys":         {put(string(good) + string(good)), "more than one key"},
		"something behind": {put(string(good) + "more"), "more than one key"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := bundle.ReadSigner(test.path); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want %q", err, test.says)
			}
		})
	}
	if _, err := bundle.ReadPublicKey(keyFile(t, edwards)); err == nil || !strings.Contains(err.Error(), `want a "PUBLIC KEY"`) {
		t.Errorf("a private key as a public one: %v", err)
	}
	if _, err := bundle.ReadPublicKey(put(string(public.PEM()))); err != nil {
		t.Error(err)
	}
}

// command is a signing command that keeps its key to itself.
func command(key *ecdsa.PrivateKey, encode func([]byte) []byte) bundle.Ask {
	return func(_ context.Context, argument string, stdin []byte) ([]byte, error) {
		switch argument {
		case bundle.PublicKeyArgument:
			public, err := bundle.PublicKeyOf(key.Public())
			return public.PEM(), err
		case bundle.SignArgument:
			sum := sha256.Sum256(stdin)
			signature, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
			return encode(signature), err
		default:
			return nil, errors.New("never asked for")
		}
	}
}

func TestACommandSigns(t *testing.T) {
	_, curve := newKeys(t)
	dir := aSmallRun(t)
	for name, encode := range map[string]func([]byte) []byte{
		"raw":    func(s []byte) []byte { return s },
		"base64": func(s []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(s) + "\n") },
	} {
		t.Run(name, func(t *testing.T) {
			signer, err := bundle.CommandSigner(t.Context(), command(curve, encode))
			if err != nil {
				t.Fatal(err)
			}
			written, err := bundle.Make(t.Context(), dir, signer, thisTool(t))
			if err != nil {
				t.Fatal(err)
			}
			result := verify(t, written[0], byThis(), signer.Public)
			if result.Verdict() != bundle.Verified || result.Signing.By != bundle.ByCommand || len(result.Notes) > 0 {
				t.Error(text(t, result))
			}
		})
	}
}

// A command that cannot sign is found out before there is anything to sign.
func TestACommandThatCannotSignIsRefused(t *testing.T) {
	edwards, curve := newKeys(t)
	good := command(curve, func(s []byte) []byte { return s })
	for name, test := range map[string]struct {
		ask  bundle.Ask
		says string
	}{
		"fails":  {func(context.Context, string, []byte) ([]byte, error) { return nil, errors.New("access denied") }, "for its public key: access denied"},
		"no key": {func(context.Context, string, []byte) ([]byte, error) { return []byte("usage: kms"), nil }, "it is no PEM file"},
		"may not sign": {func(ctx context.Context, argument string, stdin []byte) ([]byte, error) {
			if argument == bundle.SignArgument {
				return nil, errors.New("kms:Sign is not allowed")
			}
			return good(ctx, argument, stdin)
		}, "kms:Sign is not allowed"},
		"signs with another key": {func(ctx context.Context, argument string, stdin []byte) ([]byte, error) {
			if argument == bundle.SignArgument {
				return ed25519.Sign(edwards, stdin), nil
			}
			return good(ctx, argument, stdin)
		}, "the signature is not of this key and this content"},
		"signs something else": {func(ctx context.Context, argument string, stdin []byte) ([]byte, error) {
			return good(ctx, argument, append(stdin, '\n'))
		}, "the signature is not of this key and this content"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := bundle.CommandSigner(t.Context(), test.ask); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want %q", err, test.says)
			}
		})
	}
}
