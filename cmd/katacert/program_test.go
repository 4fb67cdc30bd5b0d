package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/katacert/katacert/fixtures/cluster/kind/kindtest"
)

// envProgram makes the test binary be katacert itself, so that tests see its
// exit codes and what it writes where.
const envProgram = "KATACERT_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(envProgram) != "" {
		main()
		return
	}
	os.Exit(kindtest.Main(m))
}

// outcome is how the program ended.
type outcome struct {
	code           int
	stdout, stderr string
}

// katacert runs the program in a folder of its own. A minute is far more than
// any command needs that reaches no cluster.
func katacert(t *testing.T, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), &stdout, &stderr
	cmd.Env = append(os.Environ(), envProgram+"=1", "HOME="+cmd.Dir, "KUBECONFIG=")
	err = cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) || ctx.Err() != nil {
		t.Fatalf("katacert %s: %v, %v", strings.Join(args, " "), err, ctx.Err())
	}
	if left, err := os.ReadDir(cmd.Dir); err != nil || len(left) > 0 {
		t.Errorf("katacert %s left %v in its folder, %v", strings.Join(args, " "), left, err)
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// file writes a file for a test and returns its path.
func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Whatever is wrong with the command line is said on one line, with exit code 2,
// before anything is done.
func TestUsageErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args string
		says []string
	}{
		{"nonsense", []string{`unknown command "nonsense"`, "katacert --help"}},
		{"certfy", []string{`unknown command "certfy"`, "did you mean certify or verify?"}},
		{"--nonsense", []string{"unknown flag: --nonsense", "katacert --help"}},
		{"certify --nonsense", []string{"unknown flag: --nonsense", "katacert certify --help"}},
		{"certify -x", []string{"unknown shorthand flag", "katacert certify --help"}},
		{"certify gvisor", []string{`katacert certify takes no argument "gvisor"`}},
		{"certify --profile", []string{"flag needs an argument: --profile"}},
		{"certify --profile fast", []string{`unknown profile "fast"`, "quick, nightly, certification, destructive"}},
		{"certify --controls kernel-(", []string{"no regular expression"}},
		{"certify --controls ^none$", []string{`matches "^none$"`}},
		{"certify --require all", []string{`unknown --require "all"`, "isolation or hardening"}},
		{"certify --output xml", []string{`unknown --output "xml"`, "text or json"}},
		{"certify --cluster minikube", []string{`unknown --cluster "minikube"`, "local, kind or existing"}},
		{"certify --cluster kind --kind-config ten-nodes", []string{`no kind configuration "ten-nodes"`, "two-workers"}},
		{"certify --cluster kind --kubeconfig x", []string{"--cluster existing"}},
		{"certify --install-kata", []string{"--install-kata goes with --cluster kind"}},
		{"certify --cluster kind --install-kata=no-such.yaml", []string{"read the configuration file", "no-such.yaml"}},
		{"certify --kind-config kata", []string{"--kind-config goes with --cluster kind"}},
		{"certify --cluster existing --node-image x", []string{"--node-image goes with --cluster kind"}},
		{"certify --kubeconfig x", []string{"--cluster existing"}},
		{"certify --context x", []string{"--cluster existing"}},
		{"certify --cluster existing --name x", []string{"--name goes with --cluster local and kind"}},
		{"certify --timeout-scale 0", []string{"--timeout-scale 0 is out of range", "0.1 to 100"}},
		{"certify --timeout-scale 1000", []string{"out of range"}},
		{"certify --timeout-scale NaN", []string{"out of range"}},
		{"certify --timeout-scale slow", []string{"invalid argument"}},
		{"certify --image-pull-secret secret", []string{`--image-pull-secret "secret"`, "NAMESPACE/NAME"}},
		{"certify --prometheus-file /nonexistent/x.prom", []string{"there is no folder /nonexistent"}},
		{"certify --prometheus-file /dev", []string{"--prometheus-file /dev is a folder"}},
		{"certify --out /dev/null/reports", []string{"--out /dev/null/reports: /dev/null is no folder"}},
		{"certify --name Bad_Name", []string{`--name: "Bad_Name" is no name for a cluster`}},
		{"certify --image-registry registry.example/x", []string{"--image-registry goes with --cluster existing and kind"}},
		{"certify --skip-image-push", []string{"--skip-image-push goes with --image-registry"}},
		{"certify --insecure-registry", []string{"--insecure-registry goes with --image-registry"}},
		{"certify --image-pull-secret a/b", []string{"--image-pull-secret goes with --image-registry"}},
		{"certify --cluster existing --keep-cluster", []string{"--keep-cluster goes with --cluster local and kind"}},
		{"certify --training-gpus -1", []string{"--training-gpus -1: give 0 or more"}},
		{"certify --signing-key=", []string{"--signing-key is given without a value"}},
		{"certify --config=", []string{"--config is given without a value"}},
		{"certify --nodes=", []string{"--nodes is given without a value"}},
		{"verify run --key=", []string{"--key is given without a value"}},
		{"cluster up --name Bad_Name", []string{`--name: "Bad_Name" is no name for a cluster`}},
		{"cluster down --name ../x", []string{`--name: "../x" is no name for a cluster`}},
		{"certify --signing-key no-such.key", []string{"--signing-key: read the signing key", "no-such.key"}},
		{"certify --signing-key /dev/null", []string{"--signing-key: ", "it is no PEM file"}},
		{"certify --signing-command /no/such/program", []string{"--signing-command: ask the signing command for its public key", "/no/such/program"}},
		{"certify --signing-command false", []string{"--signing-command: ", "run false public-key", "exit status 1"}},
		{"certify --signing-key a --signing-command b", []string{"exclude each other"}},
		{"bundle", []string{"katacert bundle needs the folder of one run"}},
		{"bundle run --signing-key no-such.key", []string{"--signing-key: read the signing key"}},
		{"verify", []string{"katacert verify needs the bundle, or the folder, of one run"}},
		{"verify run --key no-such.pub", []string{"--key: read the public key", "no-such.pub"}},
		{"verify run --output xml", []string{`unknown --output "xml"`, "text or json"}},
		{"certify --config no-such.yaml", []string{"read the configuration file", "no-such.yaml"}},
		{"cluster nonsense", []string{`unknown command "nonsense"`, "katacert cluster --help"}},
		{"cluster up --timeout-scale 0", []string{"--timeout-scale 0 is out of range"}},
		{"cluster up now", []string{`takes no argument "now"`}},
		{"cluster down --all", []string{"unknown flag: --all"}},
		{"images nonsense", []string{`unknown command "nonsense"`}},
		{"images push", []string{"--image-registry"}},
		{"images build --arch sparc", []string{`unknown --arch "sparc"`, "amd64"}},
		{"catalogue --profile fast", []string{`unknown profile "fast"`}},
		{"catalogue --output xml", []string{`unknown --output "xml"`, "json"}},
		{"explain", []string{"katacert explain needs the id of one control"}},
		{"explain a b", []string{"needs the id of one control"}},
		{"explain kernel-bootid", []string{`unknown control "kernel-bootid"`, "did you mean", "kernel-boot-id"}},
		{"report", []string{"katacert report needs the folder, the report.json or the bundle of one run"}},
		{"compare one", []string{"katacert compare needs two runs"}},
		{"history", []string{"katacert history needs the folder"}},
		{"history x --format pdf", []string{`unknown --format "pdf"`, "text, json, markdown, html"}},
		{"compare a b --format pdf", []string{`unknown --format "pdf"`, "text, json, markdown, html"}},
		{"doctor now", []string{`takes no argument "now"`}},
		{"cleanup --cluster minikube", []string{`unknown --cluster "minikube"`}},
		{"cleanup --run 20260101-120000-1a2b3c4d", []string{"--run goes with --cluster existing"}},
		{"cleanup --vm-node", []string{"unknown flag: --vm-node"}},
		{"certify --cluster kind --name Bad_Name", []string{"--name", "no name for a kind cluster"}},
		{"certify --cluster kind --node-image Bad:Image:x", []string{"--node-image"}},
		{"selftest --name Not_A_Name", []string{"--name"}},
		{"selftest --out /proc/version/reports", []string{"--out /proc/version/reports"}},
		{"cleanup --cluster existing --timeout-scale 0", []string{"--timeout-scale 0 is out of range"}},
		{"kata nonsense", []string{`unknown command "nonsense"`, "katacert kata --help"}},
		{"kata install now", []string{`takes no argument "now"`}},
		{"kata install --timeout-scale 0", []string{"--timeout-scale 0 is out of range"}},
		{"kata install --deployment-mode helm", []string{`unknown deployment mode "helm"`, "daemonset or job"}},
		{"kata install --distribution k4s", []string{`unknown distribution "k4s"`, "k3s"}},
		{"kata install --shim Qemu", []string{`the shim "Qemu" is no name of the chart's`}},
		{"kata install --shim qemu --default-shim clh", []string{"the default shim clh is not among the shims"}},
		{"kata install --custom-runtime kata", []string{"CLASS=HANDLER"}},
		{"kata install --drop-in a=b", []string{"which no custom runtime has"}},
		{"kata install --node-selector kata", []string{"KEY=VALUE"}},
		{"kata install --values no-such.yaml", []string{"read the values", "no-such.yaml"}},
		{"kata install --chart-digest latest", []string{`the chart's digest "latest"`, "64 hexadecimal digits"}},
		{"kata install --image-digest latest", []string{`the image's digest "latest"`}},
		{"kata install --chart ftp://example.com/kata.tgz", []string{"neither an archive, nor an oci:// reference or an https:// address"}},
		{"kata install --dry-run --chart no-such.tgz", []string{"there is no chart no-such.tgz"}},
		{"kata install --config no-such.yaml", []string{"read the configuration file"}},
		{"kata status --output xml", []string{`unknown --output "xml"`, "text or json"}},
		{"kata uninstall --all", []string{"unknown flag: --all"}},
		{"version now", []string{`takes no argument "now"`}},
		{"completion nonsense", []string{`unknown command "nonsense"`, "katacert completion --help"}},
		{"help nonsense", []string{`unknown command "nonsense"`}},
		{"help cluster nonsense", []string{`unknown command "nonsense"`, "katacert cluster --help"}},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			got := katacert(t, strings.Fields(test.args)...)
			if got.code != exitUsage || got.stdout != "" {
				t.Errorf("exit code %d, standard output %q; want %d and nothing", got.code, got.stdout, exitUsage)
			}
			message, rest, _ := strings.Cut(got.stderr, "\n")
			if rest != "" || !strings.HasPrefix(message, "katacert: ") {
				t.Errorf("standard error holds more than one line: %q", got.stderr)
			}
			for _, part := range test.says {
				if !strings.Contains(message, part) {
					t.Errorf("the message is %q, it should say %q", message, part)
				}
			}
		})
	}
}

func TestCommandsThatNeedNoCluster(t *testing.T) {
	t.Parallel()
	for args, says := range map[string]string{
		"":                          "Exit codes:",
		"--help":                    "Exit codes:",
		"certify --help":            "--timeout-scale",
		"cluster":                   "katacert cluster up",
		"kata":                      "katacert kata install",
		"version":                   "katacert ",
		"help":                      "Exit codes:",
		"help cluster up":           "katacert cluster up",
		"completion":                "katacert completion [command]",
		"catalogue":                 "kernel-boot-id",
		"catalogue --output json":   `"id": "kernel-boot-id"`,
		"catalogue --profile quick": "kernel-boot-id",
		"explain kernel-boot-id":    "Shown able to fail",
		"images list":               "built by katacert",
		"completion bash":           "__katacert",
		"completion zsh":            "#compdef katacert",
		"completion fish":           "complete -c katacert",
		"completion powershell":     "Register-ArgumentCompleter",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			got := katacert(t, strings.Fields(args)...)
			if got.code != exitCertified || got.stderr != "" || !strings.Contains(got.stdout, says) {
				t.Errorf("exit code %d, standard error %q, standard output without %q: %.300q", got.code, got.stderr, says, got.stdout)
			}
			if strings.ContainsRune(got.stdout, '\x1b') {
				t.Errorf("colours on what is no terminal: %.300q", got.stdout)
			}
		})
	}
}

// What the shell asks for when the user presses the tab key.
func TestCompletions(t *testing.T) {
	t.Parallel()
	for args, says := range map[string][]string{
		"certify --profile ":     {"quick", "nightly", "certification", "destructive"},
		"certify --require ":     {"isolation", "hardening"},
		"certify --cluster ":     {"local", "kind", "existing"},
		"certify --kind-config ": {"kata\t", "two-workers\t"},
		"certify --output ":      {"text", "json"},
		"explain ":               {"kernel-boot-id\tThe pod runs in a boot of its own"},
		"":                       {"certify\t", "cluster\t", "explain\t"},
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			words := append([]string{"__complete"}, strings.Split(args, " ")...)
			got := katacert(t, words...)
			for _, part := range says {
				if !strings.Contains(got.stdout, part) {
					t.Errorf("offers %q, it should offer %q", got.stdout, part)
				}
			}
		})
	}
}
