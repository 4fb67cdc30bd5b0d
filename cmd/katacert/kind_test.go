package main

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/katacert/katacert/fixtures/cluster"
	"github.com/katacert/katacert/fixtures/images"
)

// Where there is no container engine, certify says so at once, with what can be
// certified instead, and writes a report that is partial.
func TestKindWhereItCannotRun(t *testing.T) {
	t.Setenv("PATH", "/nonexistent")
	out := t.TempDir()
	got := katacert(t, "certify", "--cluster", "kind", "--out", out)
	if got.code != exitPartial {
		t.Errorf("exit code %d, want %d", got.code, exitPartial)
	}
	for _, part := range []string{"kind cannot run here: docker: not installed", "--cluster local", "--cluster existing"} {
		if !strings.Contains(got.stderr, part) {
			t.Errorf("standard error is %q, it should say %q", got.stderr, part)
		}
	}
	if reports, _ := filepath.Glob(filepath.Join(out, "*", "report.json")); len(reports) != 1 {
		t.Errorf("reports: %v", reports)
	}
	if got := katacert(t, "doctor"); !strings.Contains(got.stdout, "kind cannot run here") {
		t.Errorf("doctor says %q", got.stdout)
	}
	if got := katacert(t, "cleanup", "--cluster", "kind"); got.code != exitCertified || got.stdout != "nothing was left behind\n" {
		t.Errorf("cleanup: %+v", got)
	}
}

// shelf is a cluster that keeps the archives it is given.
type shelf struct {
	host     string
	archives [][]byte
}

func (s *shelf) Name() string                { return "shelf" }
func (s *shelf) Provider() string            { return providerKind }
func (s *shelf) Kubeconfig() string          { return "" }
func (s *shelf) RESTConfig() *rest.Config    { return &rest.Config{Host: s.host} }
func (s *shelf) Close(context.Context) error { return nil }

func (s *shelf) LoadImage(_ context.Context, archive []byte) error {
	if len(archive) == 0 {
		return errors.New("no archive")
	}
	s.archives = append(s.archives, archive)
	return nil
}

// The images that are put into nodes are known there by the references that pods
// name, and by the digests that they report.
func TestImagesAreLoadedIntoNodes(t *testing.T) {
	arch := "arm64"
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		node := corev1.Node{Status: corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{Architecture: arch}}}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(corev1.NodeList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "NodeList"}, Items: []corev1.Node{node}})
	}))
	t.Cleanup(api.Close)
	payload := t.TempDir()
	for _, name := range images.Names() {
		file := filepath.Join(payload, "linux-"+arch, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, emptyProgram(t, elf.EM_AARCH64), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	set, err := images.Build(t.Context(), images.Options{Arch: []string{arch}, Names: []string{images.Probe, images.Trainer}, PayloadDir: payload})
	if err != nil {
		t.Fatal(err)
	}
	c := &shelf{host: api.URL}
	var _ cluster.Cluster = c
	refs, err := bringImages(t.Context(), c, set, "", false, false)
	if err != nil || len(c.archives) != 2 {
		t.Fatalf("%d archives, %v", len(c.archives), err)
	}
	for i, name := range []string{images.Probe, images.Trainer} {
		info, err := set.Info(name, arch)
		if err != nil {
			t.Fatal(err)
		}
		if want := "localhost/katacert/" + name + "@" + info.Digest; refs[name] != want || !strings.Contains(indexOf(t, c.archives[i]), want) {
			t.Errorf("image %s is %s, want %s, also in the archive's index: %s", name, refs[name], want, indexOf(t, c.archives[i]))
		}
		if got := manifests(set, refs)[info.Digest]; len(got) != 1 || got[0] != info.Digest {
			t.Errorf("image %s is told by the digests %v, want %s", name, got, info.Digest)
		}
	}
}

// emptyProgram is the header of a static program, and nothing else.
func emptyProgram(t *testing.T, machine elf.Machine) []byte {
	t.Helper()
	header := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT), Ehsize: 64,
	}
	data, err := binary.Append(nil, binary.LittleEndian, header)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// indexOf reads the index of an archive in OCI layout.
func indexOf(t *testing.T, archive []byte) string {
	t.Helper()
	reader := tar.NewReader(bytes.NewReader(archive))
	for {
		header, err := reader.Next()
		if err != nil {
			t.Fatal(err)
		}
		if header.Name == "index.json" {
			data, err := io.ReadAll(reader)
			if err != nil {
				t.Fatal(err)
			}
			return string(data)
		}
	}
}
