package bundle_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/katacert/katacert/reports/bundle"
)

// keyFile writes a new private key as openssl would, and returns its path.
func keyFile(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "signing.key")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func newKeys(t testing.TB) (ed25519.PrivateKey, *ecdsa.PrivateKey) {
	t.Helper()
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return edwards, curve
}

// envelope is a DSSE envelope as its specification tells it
// (https://github.com/secure-systems-lab/dsse/blob/master/envelope.md).
type envelope struct {
	PayloadType, Payload string
	Signatures           []struct{ KeyID, Sig string }
}

// The envelope is checked here by the words of the specification alone, and the
// statement by those of in-toto, without the libraries that wrote them.
func TestTheAttestationIsWhatTheSpecificationsSay(t *testing.T) {
	edwards, curve := newKeys(t)
	dir := aRun(t, "")
	for name, test := range map[string]struct {
		key    any
		verify func(message, signature []byte) bool
	}{
		"ed25519": {edwards, func(message, signature []byte) bool {
			return ed25519.Verify(edwards.Public().(ed25519.PublicKey), message, signature)
		}},
		"ecdsa": {curve, func(message, signature []byte) bool {
			sum := sha256.Sum256(message)
			return ecdsa.VerifyASN1(&curve.PublicKey, sum[:], signature)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			signer, err := bundle.ReadSigner(keyFile(t, test.key))
			if err != nil {
				t.Fatal(err)
			}
			written, err := bundle.Make(t.Context(), dir, signer, thisTool(t))
			if err != nil {
				t.Fatal(err)
			}
			all := unpack(t, written[0])
			var e envelope
			if err := json.Unmarshal(all[1].text, &e); err != nil {
				t.Fatal(err)
			}
			payload, err := base64.StdEncoding.DecodeString(e.Payload)
			if err != nil {
				t.Fatal(err)
			}
			signature, err := base64.StdEncoding.DecodeString(e.Signatures[0].Sig)
			if err != nil {
				t.Fatal(err)
			}
			message := fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(e.PayloadType), e.PayloadType, len(payload), payload)
			if e.PayloadType != "application/vnd.in-toto+json" || !test.verify(message, signature) {
				t.Errorf("the signature of %s is not of the envelope's content", e.PayloadType)
			}
			requireStatement(t, payload, all)
			public, err := bundle.ReadPublicKey(written[1])
			if err != nil {
				t.Fatal(err)
			}
			if result := verify(t, written[0], byThis(), public); result.Verdict() != bundle.Verified || len(result.Notes) > 0 {
				t.Error(text(t, result))
			}
		})
	}
}

// requireStatement checks a statement by the words of
// https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md.
func requireStatement(t *testing.T, payload []byte, all []entry) {
	t.Helper()
	var s struct {
		Type          string `json:"_type"`
		PredicateType string
		Subject       []struct {
			Name   string
			Digest map[string]string
		}
		Predicate struct {
			Result                                string
			PassedTests, WarnedTests, FailedTests []string
			Configuration                         []struct{ Name string }
		}
	}
	if err := json.Unmarshal(payload, &s); err != nil {
		t.Fatal(err)
	}
	if s.Type != "https://in-toto.io/Statement/v1" || s.PredicateType != "https://in-toto.io/attestation/test-result/v0.1" {
		t.Errorf("it is a %s about a %s", s.Type, s.PredicateType)
	}
	sum := sha256.Sum256(all[0].text)
	if first := s.Subject[0]; first.Name != "manifest.json" || first.Digest["sha256"] != hex.EncodeToString(sum[:]) {
		t.Errorf("its first subject is %+v, want the manifest with %x", first, sum)
	}
	want := map[string]string{ // by the digests in the recorded evidence
		"shim /opt/kata/bin/containerd-shim-kata-v2":                              "e93cd5f7680ae9dc21eb77edba1a7c70771eeec008419eaada10b02a34156931",
		"hypervisor /opt/kata/bin/qemu-system-x86_64":                             "1493008ba0036014c727bb23bbe2f399135867e9b5c4fe288ef2b4b816f46b0c",
		"virtiofsd /opt/kata/libexec/virtiofsd":                                   "144b4439a257ae1132bbf2810bae9bef0583569a14b027d2364d825dbd7a4173",
		"guest kernel /opt/kata/share/kata-containers/vmlinux.container":          "b2b9d602a316b2dbd4870911aa07d40bf0b3f59c4d0147c7bc7e18c049a01fab",
		"guest initrd /opt/kata/share/kata-containers/kata-containers-initrd.img": "b738563f3d86dd2c24c871064e7e4fa96ed0adcf1ab21da59e3a3de1808b9afb",
	}
	for _, subject := range s.Subject[1:] {
		if want[subject.Name] != subject.Digest["sha256"] {
			t.Errorf("subject %q has the digest %s", subject.Name, subject.Digest["sha256"])
		}
		delete(want, subject.Name)
	}
	if len(want) > 0 {
		t.Errorf("no subject are %v", want)
	}
	if p := s.Predicate; p.Result != "FAILED" || len(p.PassedTests) == 0 || len(p.WarnedTests) == 0 || len(p.FailedTests) == 0 || len(p.Configuration) != 4 {
		t.Errorf("the predicate is %+v", p)
	}
}

// The same run and key give the same bytes.
func TestABundleIsDeterministic(t *testing.T) {
	edwards, curve := newKeys(t)
	dir := aRun(t, few)
	for _, key := range []any{edwards, curve} {
		path := keyFile(t, key)
		var bundles [2]string
		for i := range bundles {
			signer, err := bundle.ReadSigner(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := bundle.Make(t.Context(), dir, signer, thisTool(t)); err != nil {
				t.Fatal(err)
			}
			bundles[i] = read(t, dir, bundle.File)
		}
		if bundles[0] != bundles[1] {
			t.Errorf("with a %T the same run gave two bundles", key)
		}
	}
}
