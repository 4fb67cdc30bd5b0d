package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// serveRequest is one line from the host: the arguments of a command of this
// binary, and environment variables for it. The one argument "poweroff" ends
// the machine.
type serveRequest struct {
	Args []string          `json:"args"`
	Env  map[string]string `json:"env"`
}

// serveAnswer is the one line that answers a request.
type serveAnswer struct {
	ExitCode int    `json:"exit_code"`
	Stdout   string `json:"stdout"`
	Stderr   string `json:"stderr"`
}

// guestMounts are the file systems that a container's runtime would mount.
var guestMounts = []struct{ kind, target string }{
	{"proc", "/proc"},
	{"sysfs", "/sys"},
	{"devtmpfs", "/dev"},
	{"tmpfs", "/run"},
	{"tmpfs", "/tmp"},
}

// serve is the init of a virtual machine: it takes requests from a serial
// device, runs each as a process of its own, and answers. It ends only with the
// machine.
func serve(args []string, stderr io.Writer) int {
	if len(args) != 1 {
		return complain(stderr, exitUsage, "probe serve: exactly one argument, the serial device, is needed")
	}
	if os.Getpid() != 1 {
		return complain(stderr, exitUsage, "probe serve: only for the init of a virtual machine (process 1); it mounts over /dev and /tmp")
	}
	if err := serveDevice(args[0]); err != nil {
		// The console is all there is; the kernel panics when init ends.
		return complain(stderr, exitFailed, "probe serve: %v", err)
	}
	unix.Sync()
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		return complain(stderr, exitFailed, "probe serve: power off: %v", err)
	}
	return exitOK
}

func serveDevice(device string) error {
	for _, m := range guestMounts {
		if err := os.MkdirAll(m.target, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, m.target, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s on %s: %w", m.kind, m.target, err)
		}
	}
	line, err := os.OpenFile(device, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	if err := setRaw(line); err != nil {
		return fmt.Errorf("set %s raw: %w", device, err)
	}
	return serveRequests(line, "/proc/self/exe")
}

// setRaw turns off everything that a terminal does to what passes through it,
// as cfmakeraw(3) does.
func setRaw(line *os.File) error {
	settings, err := unix.IoctlGetTermios(int(line.Fd()), unix.TCGETS)
	if err != nil {
		return err
	}
	settings.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	settings.Oflag &^= unix.OPOST
	settings.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	settings.Cflag = settings.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8 | unix.CLOCAL | unix.CREAD
	settings.Cc[unix.VMIN], settings.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(int(line.Fd()), unix.TCSETS, settings)
}

// serveRequests answers requests, each run as the executable with the
// request's arguments, until it is asked to power off or the other side ends.
// It greets with an empty answer once it is ready to read.
func serveRequests(line io.ReadWriter, executable string) error {
	answers := json.NewEncoder(line)
	answers.SetEscapeHTML(false)
	if err := answers.Encode(serveAnswer{}); err != nil {
		return fmt.Errorf("greet: %w", err)
	}
	requests := bufio.NewScanner(line)
	for requests.Scan() {
		var request serveRequest
		answer := serveAnswer{ExitCode: exitUsage}
		if err := json.Unmarshal(requests.Bytes(), &request); err != nil {
			answer.Stderr = fmt.Sprintf("probe serve: request %.80q: %v", requests.Bytes(), err)
		} else if len(request.Args) == 1 && request.Args[0] == "poweroff" {
			return nil
		} else {
			answer = runRequest(executable, request)
		}
		if err := answers.Encode(answer); err != nil {
			return fmt.Errorf("answer: %w", err)
		}
	}
	return requests.Err()
}

func runRequest(executable string, request serveRequest) serveAnswer {
	var stdout, stderr bytes.Buffer
	command := exec.Command(executable, request.Args...)
	command.Stdout, command.Stderr = &stdout, &stderr
	command.Env = os.Environ()
	for name, value := range request.Env {
		command.Env = append(command.Env, name+"="+value)
	}
	answer := serveAnswer{}
	err := command.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		answer.ExitCode = exit.ExitCode()
	case err != nil:
		answer.ExitCode = exitFailed
		_, _ = fmt.Fprintf(&stderr, "probe serve: %v\n", err)
	}
	answer.Stdout, answer.Stderr = stdout.String(), stderr.String()
	return answer
}
