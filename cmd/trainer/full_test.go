package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// envFull is set in the process that mounts a file system and fills it.
const envFull = "KATACERT_TEST_FULL"

// A disk that is full while the checkpoint is written: in a mount namespace of
// its own, on a small tmpfs.
func TestFullDisk(t *testing.T) {
	if dir := os.Getenv(envFull); dir != "" {
		os.Exit(trainOnFullDisk(t, dir))
	}
	dir := written(t)
	full := filepath.Join(dir, "full")
	if err := os.Mkdir(full, 0o755); err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestFullDisk$")
	child.Env = append(os.Environ(), envFull+"="+full)
	child.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	var complaints bytes.Buffer
	child.Stdout, child.Stderr = &complaints, &complaints
	err := child.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Skipf("no user and mount namespace to be had here: %v", err)
	}
	if exit.ExitCode() != exitFailed || !strings.Contains(complaints.String(), "no space left on device") {
		t.Errorf("exit code %d, said %q", exit.ExitCode(), &complaints)
	}
	if !strings.Contains(complaints.String(), "keep the training after epoch 1: write "+full) {
		t.Errorf("it does not say what and where: %q", &complaints)
	}
	if left, err := os.ReadDir(full); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

// trainOnFullDisk leaves room for a folder and not for a checkpoint.
func trainOnFullDisk(t *testing.T, dir string) int {
	t.Helper()
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=4k"); err != nil {
		t.Fatal(err)
	}
	return run(t.Context(), []string{"train", "--data", filepath.Dir(dir), "--out", dir, "--epochs", "1"}, os.Stdout, os.Stderr)
}
