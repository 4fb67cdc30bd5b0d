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
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/katacert/katacert/fixtures/cluster"
	"github.com/katacert/katacert/fixtures/cluster/kind"
	"github.com/katacert/katacert/fixtures/cluster/kind/kindtest"
	"github.com/katacert/katacert/fixtures/images"
	"github.com/katacert/katacert/fixtures/nvidia/deviceplugin"
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
	for _, part := range []string{"kind cannot run here: no container engine works: docker: not installed", "--cluster local", "--cluster existing"} {
		if !strings.Contains(got.stderr, part) {
			t.Errorf("standard error is %q, it should say %q", got.stderr, part)
		}
	}
	if reports, _ := filepath.Glob(filepath.Join(out, "*", "report.json")); len(reports) != 1 {
		t.Errorf("reports: %v", reports)
	}
	if got := katacert(t, "doctor"); !strings.Contains(got.stdout, "no container engine works: docker: not installed") {
		t.Errorf("doctor says %q", got.stdout)
	}
	if got := katacert(t, "cleanup", "--cluster", "kind"); got.code != exitCertified || got.stdout != "nothing was left behind\n" {
		t.Errorf("cleanup: %+v", got)
	}
}

// certifying starts the program, with images in place of a source tree beside it.
func certifying(t *testing.T, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "katacert")
	if err := os.WriteFile(program, self, 0o700); err != nil {
		t.Fatal(err)
	}
	emptyPrograms(t, filepath.Join(dir, "payload"), runtime.GOARCH)
	cmd, stderr := exec.CommandContext(t.Context(), program, append([]string{"certify", "--cluster", "kind"}, args...)...), &bytes.Buffer{}
	cmd.Dir, cmd.Stderr = t.TempDir(), stderr
	cmd.Env = append(os.Environ(), envProgram+"=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, stderr
}

// Ctrl-C while kubeadm works in a node: the node goes, and the report says why there
// is nothing in it.
func TestInterruptedKind(t *testing.T) {
	s := kindtest.New(t, "hang-init")
	cmd, stderr := certifying(t, "--name", "cut", "--runtime-class", "runc")
	s.Await("hanging")
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != exitPartial || !strings.Contains(stderr.String(), "bring up the kind cluster cut: ") {
		t.Errorf("%s, standard error %q", cmd.ProcessState, stderr)
	}
	s.RequireNothingLeft()
	if reports, _ := filepath.Glob(filepath.Join(cmd.Dir, "reports", "*", "report.json")); len(reports) != 1 {
		t.Errorf("reports: %v", reports)
	}
}

// A creation that fails leaves the nodes' logs in the run's folder, whose name the
// cluster carries.
func TestKindThatDoesNotComeUp(t *testing.T) {
	s := kindtest.New(t, "fail-init")
	cmd, stderr := certifying(t, "--kind-config", "runc-reference")
	if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != exitPartial || !strings.Contains(stderr.String(), "the fake was told to fail") {
		t.Errorf("%s, standard error %q", cmd.ProcessState, stderr)
	}
	s.RequireNothingLeft()
	logs, _ := filepath.Glob(filepath.Join(cmd.Dir, "reports", "*", "cluster", "katacert-*-control-plane", "syslog"))
	if len(logs) != 1 {
		t.Fatalf("logs: %v", logs)
	}
	run := strings.Split(logs[0], string(filepath.Separator))
	if node, id := run[len(run)-2], run[len(run)-4]; node != "katacert-"+id+"-control-plane" {
		t.Errorf("the node of run %s is %s", id, node)
	}
}

// What --install-kata needs is looked for before a cluster is brought up for it.
func TestKataThatCannotBeInstalledOnKind(t *testing.T) {
	s := kindtest.New(t)
	missing := file(t, "kata.yaml", "chart: /nonexistent/kata-deploy.tgz\nchart-digest: sha256:"+strings.Repeat("a", 64)+"\n")
	cmd, stderr := certifying(t, "--install-kata="+missing)
	if _ = cmd.Wait(); cmd.ProcessState.Success() || !strings.Contains(stderr.String(), "/nonexistent/kata-deploy.tgz") {
		t.Errorf("%s, standard error %q", cmd.ProcessState, stderr)
	}
	if nodes := s.Calls("run --name"); len(nodes) > 0 {
		t.Errorf("started %v", nodes)
	}
	s.RequireNothingLeft()
}

// A fresh cluster with nothing to certify is not brought up.
func TestKindWithoutSandbox(t *testing.T) {
	s := kindtest.New(t)
	got := katacert(t, "certify", "--cluster", "kind", "--kind-config", "two-workers")
	if got.code != exitUsage || !strings.Contains(got.stderr, "--install-kata") {
		t.Errorf("%+v", got)
	}
	if nodes := s.Calls("run --name"); len(nodes) > 0 {
		t.Errorf("started %v", nodes)
	}
}

func TestKataInstallationFiles(t *testing.T) {
	f, err := kataInstallation(official)
	if err != nil || len(f.what.Values.Shims) == 0 || !f.what.Tutorial {
		t.Errorf("the official one: %+v, %v", f, err)
	}
	f, err = kataInstallation(file(t, "kata.yaml", "shim: [qemu]\nregistry: mirror.example/kata\n"))
	if err != nil || f.what.Values.Shims[0] != "qemu" || f.what.Values.Registry != "mirror.example/kata" {
		t.Errorf("a mirror: %+v, %v", f, err)
	}
	for content, says := range map[string]string{
		"shims: [qemu]\n":   `unknown field "shims"`,
		"context: prod\n":   `field "context" says nothing for a kind cluster`,
		"upgrade: true\n":   `field "upgrade" says nothing for a kind cluster`,
		"drop-in: [none]\n": "drop-in",
	} {
		if _, err := kataInstallation(file(t, "kata.yaml", content)); !errors.Is(err, errUsage) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want it to say %q", content, err, says)
		}
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
	emptyPrograms(t, payload, arch)
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

// emptyPrograms writes what the images are made of: of each program the header of a
// static one, and nothing else.
func emptyPrograms(t *testing.T, payload, arch string) {
	t.Helper()
	machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch]
	header := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT), Ehsize: 64,
	}
	data, err := binary.Append(nil, binary.LittleEndian, header)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(payload, "linux-"+arch)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range images.Names() {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
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

// What --install-gpu-plugin installs fits the nodes that NVIDIA's runtime is in.
func TestGPUInstallationFiles(t *testing.T) {
	bare, err := kind.LoadConfig("one-node")
	if err != nil {
		t.Fatal(err)
	}
	nvidia, err := kind.LoadConfig("nvidia")
	if err != nil {
		t.Fatal(err)
	}
	f, err := gpuInstallation(official, bare)
	if err != nil || f.what.Values.RuntimeClass != "" || f.release != deviceplugin.DefaultRelease {
		t.Errorf("the official one: %+v, %v", f, err)
	}
	f, err = gpuInstallation(official, nvidia)
	if err != nil || f.what.Values.RuntimeClass != "nvidia" || f.what.Values.ListStrategy[0] != "cdi-cri" {
		t.Errorf("for NVIDIA's runtime: %+v, %v", f, err)
	}
	f, err = gpuInstallation(file(t, "gpu.yaml", "mig-strategy: mixed\n"), nvidia)
	if err != nil || f.what.Values.MIGStrategy != "mixed" || f.what.Values.RuntimeClass != "" {
		t.Errorf("a file says it all: %+v, %v", f, err)
	}
	for content, says := range map[string]string{
		"mig: mixed\n":              `unknown field "mig"`,
		"upgrade: true\n":           `field "upgrade" says nothing for a kind cluster`,
		"resource: nvidia.com/pgpu": "sandbox device plugin",
	} {
		if _, err := gpuInstallation(file(t, "gpu.yaml", content), bare); !errors.Is(err, errUsage) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want it to say %q", content, err, says)
		}
	}
}
