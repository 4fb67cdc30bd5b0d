package filesystem

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/plant"
)

// TestMain lets the test binary stand for the probe binary: it holds what the
// witness plants, and it observes in mount namespaces of its own.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "hold":
			os.Exit(plant.Hold(os.Args[2:]))
		case "hold-process":
			os.Exit(plant.HoldProcess(os.Args[2:]))
		case ReleaseAgentCommand:
			os.Exit(OpenReleaseAgents(os.Stdout))
		case "write-sealed":
			exit(json.NewEncoder(os.Stdout).Encode(writeSealed(os.Args[2], os.Args[3], "file", nonce)))
		case "observe":
			exit(observeAs(os.Args[2]))
		case "leak":
			exit(Leak(os.Args[2], []string{os.Args[0], "observe", os.Args[3]}))
		}
	}
	os.Exit(m.Run())
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// observeAs runs the group's probes in the context that is given as JSON and
// prints what they saw.
func observeAs(context string) error {
	var ctx probes.Context
	if err := json.Unmarshal([]byte(context), &ctx); err != nil {
		return err
	}
	observations, _ := probes.Run(&ctx, Probes())
	return json.NewEncoder(os.Stdout).Encode(observations)
}

// child observes in a process and a mount namespace of its own. The mounts map
// sources to mount points; the arguments come before the context.
type child struct {
	ctx    probes.Context
	mounts map[string]string
	files  []*os.File
	leak   string
	// alone leaves nothing but the mounts in the directory for temporary files:
	// a container does not see what else has gathered there, and a search must
	// not run out of its bounds in it.
	alone bool
}

func (c child) observe(t *testing.T) map[string]evidence.Observation {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a mount namespace needs root")
	}
	context, err := json.Marshal(c.ctx)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"observe", string(context)}
	if c.leak != "" {
		args = []string{"leak", c.leak, string(context)}
	}
	// What a runtime does before it starts the container's process: the shell is
	// the shortest way to mount in the new namespace. It stays and keeps the
	// namespace in being, as a container's main process does.
	script := "set -e\n"
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if c.alone {
		script += aloneIn(os.TempDir(), t.TempDir(), self, c.mounts)
	} else {
		for source, target := range c.mounts {
			script += fmt.Sprintf("mount --bind '%s' '%s'\n", source, target)
		}
	}
	command := exec.Command("/bin/sh", append([]string{"-c", script + `"$0" "$@"`, self}, args...)...)
	command.ExtraFiles = c.files
	command.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var observations []evidence.Observation
	if err := json.Unmarshal(stdout.Bytes(), &observations); err != nil {
		t.Fatalf("%v: %q", err, stdout.String())
	}
	byProbe := map[string]evidence.Observation{}
	for _, o := range observations {
		byProbe[o.Probe] = o
	}
	return byProbe
}

// aloneIn is a script that mounts a file system of memory over a directory, by
// way of a stage within it, with nothing in it but the program and the mounts.
func aloneIn(dir, stage, self string, mounts map[string]string) string {
	script := fmt.Sprintf("mount -t tmpfs tmpfs '%s'\n", stage)
	if below, err := filepath.Rel(dir, self); err == nil && filepath.IsLocal(below) {
		staged := filepath.Join(stage, below)
		script += fmt.Sprintf("mkdir -p '%s'\ntouch '%s'\nmount --bind '%s' '%s'\n", filepath.Dir(staged), staged, self, staged)
	}
	for source, target := range mounts {
		staged := filepath.Join(stage, strings.TrimPrefix(target, dir))
		script += fmt.Sprintf("mkdir -p '%s'\nmount --bind '%s' '%s'\n", staged, source, staged)
	}
	script += fmt.Sprintf("mount --move '%s' '%s'\n", stage, dir)
	if dir != "/tmp" {
		script += "mount -t tmpfs tmpfs /tmp\n"
	}
	return script
}

func list(t *testing.T, o evidence.Observation, reading string) []string {
	t.Helper()
	items, ok := o.Values.List(reading)
	if !ok {
		t.Fatalf("%s has no list %s: %s %s", o.Probe, reading, o.State, o.Detail)
	}
	return items
}

// nodeRoot makes a directory that stands for the root of a node.
func nodeRoot(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"var/lib", "run/containerd", "var/log", "tmp"} {
		mkdir(t, filepath.Join(root, dir))
	}
	return root
}

func mkdir(t *testing.T, path string) string {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func seek(seed string) map[string]string {
	return map[string]string{probes.TokenFile: probes.TokenHash(probes.Token([]byte(seed), probes.TokenFile))}
}

func anyContains(items []string, part string) bool {
	for _, item := range items {
		if strings.Contains(item, part) {
			return true
		}
	}
	return false
}
