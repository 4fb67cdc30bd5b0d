package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/round"
)

// envCommand makes the test binary behave as the probe binary, so that tests
// run its commands as processes.
const envCommand = "KATACERT_TEST_PROBE"

func TestMain(m *testing.M) {
	if os.Getenv(envCommand) != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// command runs the probe binary with these arguments.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, args...)
	c.Env = append(os.Environ(), envCommand+"=1")
	return c
}

func TestRoundPrintsEvidence(t *testing.T) {
	c := command(t, "round", "--round", "look", "--vantage", "witness", "--run", "r1", "--nonce", "n-1", "--host-root", "/",
		"--seek", "file="+probes.TokenHash("token"))
	c.Env = append(c.Env, round.EnvPodUID+"=uid-1", round.EnvNode+"=node-1")
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := evidence.Claim{Nonce: "n-1", Vantage: evidence.Witness, Round: evidence.Look, PodUID: "uid-1", Node: "node-1"}
	observations, end, err := evidence.Decode(bytes.NewReader(out), want, evidence.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if len(observations) == 0 || observations[0].Probe != "boot-id" {
		t.Errorf("the first of %d observations is no boot-id", len(observations))
	}
	if end.CPUMicros > 500_000 {
		t.Errorf("the round used %d us of CPU time", end.CPUMicros)
	}
}

func TestBadUsage(t *testing.T) {
	good := []string{"round", "--round", "look", "--vantage", "subject", "--run", "r", "--nonce", "n"}
	with := func(more ...string) []string { return append(append([]string{}, good...), more...) }
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no command":           {nil, "Usage"},
		"unknown command":      {[]string{"look"}, `unknown command "look"`},
		"unknown flag":         {with("--no-such"), "no-such"},
		"stray argument":       {with("extra"), `unexpected argument "extra"`},
		"unknown round":        {with("--round", "later"), `--round "later"`},
		"no vantage":           {with("--vantage", ""), "--vantage is required"},
		"no nonce":             {with("--nonce", ""), "--nonce is required"},
		"no run":               {with("--run", ""), "--run is required"},
		"seed for a seeker":    {with("--seed", "00"), "for the witness"},
		"witness without root": {with("--vantage", "witness"), "--host-root is required"},
		"seed not hex":         {with("--vantage", "witness", "--host-root", "/", "--seed", "xyz"), "--seed"},
		"unknown token":        {with("--seek", "secret="+strings.Repeat("0", 64)), "none of the tokens"},
		"hash too short":       {with("--seek", "file=00"), "64 hexadecimal digits"},
		"no factor":            {with("--timeout-scale", "0"), "--timeout-scale 0"},
		"endless factor":       {with("--timeout-scale", "+Inf"), "--timeout-scale +Inf"},
		"leak at the witness":  {with("--leak", "/host/var", "--vantage", "witness", "--host-root", "/"), "broken on purpose"},
		"tenant without seed":  {with("--tenant", "a"), "belong together"},
		"unknown tenant":       {with("--tenant", "z", "--tenant-seed", "00"), "belong together"},
		"tenant seed not hex":  {with("--tenant", "a", "--tenant-seed", "xyz"), "--tenant-seed"},
		"param without value":  {with("--param", "node_ip"), "not name=value"},
		"pause with argument":  {[]string{"pause", "now"}, `unexpected argument "now"`},
		"version with more":    {[]string{"version", "x"}, `unexpected argument "x"`},
		"serve without device": {[]string{"serve"}, "exactly one argument"},
		"serve outside a VM":   {[]string{"serve", "/dev/null"}, "only for the init"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(test.args, &stdout, &stderr); code != exitUsage {
				t.Errorf("exit code %d, want %d", code, exitUsage)
			}
			if stdout.Len() != 0 || !strings.Contains(stderr.String(), test.want) {
				t.Errorf("stdout %q, stderr %q; want %q on stderr alone", &stdout, &stderr, test.want)
			}
		})
	}
}

func TestRoundFailsWhenEvidenceCannotBeWritten(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full here")
	}
	defer func() { _ = full.Close() }()
	var stderr bytes.Buffer
	args := []string{"round", "--round", "look", "--vantage", "subject", "--run", "r", "--nonce", "n"}
	if code := run(args, full, &stderr); code != exitFailed || !strings.Contains(stderr.String(), "no space left") {
		t.Errorf("exit code %d, stderr %q", code, &stderr)
	}
}

// TestLeakLeavesADescriptor holds that the probe finds a directory that it
// inherited open and that no mount of its own shows, and finds none otherwise.
func TestLeakLeavesADescriptor(t *testing.T) {
	const dir, leaf = "/sys/kernel", "/kernel" // below a mount on every machine
	if os.Geteuid() != 0 {
		t.Skip("detaching a mount needs root")
	}
	for _, leak := range []bool{false, true} {
		args := []string{"round", "--round", "look", "--vantage", "weakened/leaked-descriptor", "--run", "r", "--nonce", "n"}
		if leak {
			args = append(args, "--leak", dir)
		}
		c := command(t, args...)
		c.Stderr = os.Stderr
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		want := evidence.Claim{Nonce: "n", Vantage: evidence.Weakened("leaked-descriptor"), Round: evidence.Look}
		observations, _, err := evidence.Decode(bytes.NewReader(out), want, evidence.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(observations, func(o evidence.Observation) bool { return o.Probe == "descriptors" })
		if i < 0 {
			t.Fatal("probe descriptors did not run")
		}
		outside, _ := observations[i].Values.List("outside")
		found := slices.ContainsFunc(outside, func(line string) bool { return strings.HasPrefix(line, "fd ") && strings.HasSuffix(line, leaf) })
		if found != leak {
			t.Errorf("leaked: %t, found outside: %q", leak, outside)
		}
	}
}

func TestVersionAndHelp(t *testing.T) {
	for command, want := range map[string]string{"version": "probe ", "help": "probe round"} {
		var stdout, stderr bytes.Buffer
		if code := run([]string{command}, &stdout, &stderr); code != exitOK || !strings.Contains(stdout.String(), want) || stderr.Len() != 0 {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", command, code, &stdout, &stderr)
		}
	}
}

// TestServeRequests speaks the protocol over a pair of sockets.
func TestServeRequests(t *testing.T) {
	t.Setenv(envCommand, "1")
	here, there := socketPair(t)
	done := make(chan error, 1)
	go func() { done <- serveRequests(there, "/proc/self/exe") }()
	answers, requests := json.NewDecoder(here), json.NewEncoder(here)
	next := func() (answer serveAnswer) {
		t.Helper()
		if err := answers.Decode(&answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	if greeting := next(); greeting != (serveAnswer{}) {
		t.Errorf("greeted with %+v", greeting)
	}
	send := func(request serveRequest) {
		t.Helper()
		if err := requests.Encode(request); err != nil {
			t.Fatal(err)
		}
	}

	send(serveRequest{
		Args: []string{"round", "--round", "look-again", "--vantage", "neighbour", "--run", "r", "--nonce", "n"},
		Env:  map[string]string{round.EnvNode: "guest"},
	})
	answer := next()
	want := evidence.Claim{Nonce: "n", Vantage: evidence.Neighbour, Round: evidence.LookAgain, Node: "guest"}
	if _, _, err := evidence.Decode(strings.NewReader(answer.Stdout), want, evidence.DefaultLimits()); err != nil || answer.ExitCode != exitOK {
		t.Errorf("exit code %d, stderr %q, evidence: %v", answer.ExitCode, answer.Stderr, err)
	}

	send(serveRequest{Args: []string{"round"}})
	if answer := next(); answer.ExitCode != exitUsage || answer.Stdout != "" || answer.Stderr == "" {
		t.Errorf("bad usage was answered with %+v", answer)
	}
	if _, err := io.WriteString(here, "no request\n"); err != nil {
		t.Fatal(err)
	}
	if answer := next(); answer.ExitCode != exitUsage || !strings.Contains(answer.Stderr, "no request") {
		t.Errorf("a line that is no request was answered with %+v", answer)
	}
	send(serveRequest{Args: []string{"poweroff"}})
	if err := <-done; err != nil {
		t.Errorf("power off: %v", err)
	}
}

func socketPair(t *testing.T) (here, there *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	here, there = os.NewFile(uintptr(fds[0]), "here"), os.NewFile(uintptr(fds[1]), "there")
	t.Cleanup(func() { _, _ = here.Close(), there.Close() })
	return here, there
}
