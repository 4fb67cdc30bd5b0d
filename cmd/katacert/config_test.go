package main

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// configured parses the command line of certify, applies the file to it and
// checks the flags, as the command does before it acts.
func configured(t *testing.T, content string, args ...string) (*cobra.Command, error) {
	t.Helper()
	cmd := newCertify()
	var checked error
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		checked = applyConfig(cmd, file(t, "katacert.yaml", content))
		return nil
	}
	cmd.SetArgs(args)
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	return cmd, checked
}

func TestConfigSetsFlags(t *testing.T) {
	cmd, err := configured(t, `
cluster: existing
context: prod
runtime-class: [gvisor, kata-runtime]
nodes: a,b
profile: certification
keep-cluster: true
timeout-scale: 2.5
simulated-gpus: 2
image-registry: registry.example/katacert
`)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"cluster": "existing", "context": "prod", "runtime-class": "[gvisor,kata-runtime]", "nodes": "[a,b]",
		"profile": "certification", "keep-cluster": "true", "timeout-scale": "2.5", "simulated-gpus": "2", "image-registry": "registry.example/katacert", "require": "isolation"} {
		if got := cmd.Flags().Lookup(name).Value.String(); got != want {
			t.Errorf("--%s is %q, want %q", name, got, want)
		}
	}
}

func TestFlagsWinOverTheConfig(t *testing.T) {
	cmd, err := configured(t, "profile: certification\nruntime-class: [gvisor]\ntimeout-scale: 3\n",
		"--profile", "quick", "--runtime-class", "kata-runtime", "--runtime-class", "kata-clh")
	if err != nil {
		t.Fatal(err)
	}
	profile, _ := cmd.Flags().GetString("profile")
	classes, _ := cmd.Flags().GetStringSlice("runtime-class")
	scale, _ := cmd.Flags().GetFloat64("timeout-scale")
	if profile != "quick" || !slices.Equal(classes, []string{"kata-runtime", "kata-clh"}) || scale != 3 {
		t.Errorf("profile %q, classes %v, scale %v", profile, classes, scale)
	}
}

// A field of every flag is understood, given as the flag shows itself.
func TestConfigKnowsEveryFlag(t *testing.T) {
	cmd := newCertify()
	var names []string
	for _, line := range strings.Split(cmd.Flags().FlagUsages(), "\n") {
		if _, rest, ok := strings.Cut(line, "--"); ok {
			name, _, _ := strings.Cut(rest, " ")
			names = append(names, name)
		}
	}
	if len(names) < 15 {
		t.Fatalf("flags %v", names)
	}
	for _, name := range names {
		flag := cmd.Flags().Lookup(name)
		if name == "config" || name == "help" {
			continue
		}
		value := flag.Value.String()
		switch flag.Value.Type() {
		case "string":
			value = "text"
		case "stringSlice", "stringArray":
			value = "[text]"
		}
		if _, err := configured(t, name+": "+value+"\n"); err != nil {
			t.Errorf("field %s: %v", name, err)
		}
	}
}

func TestConfigRefuses(t *testing.T) {
	for _, test := range []struct {
		name, content string
		says          []string
	}{
		{"an unknown field", "profil: quick\n", []string{`unknown field "profil"`, "named as the flags of `certify`"}},
		{"a repeated field", "profile: quick\nprofile: nightly\n", []string{"profile", "already"}},
		{"a field in other letters", "Profile: quick\n", []string{`unknown field "Profile"`}},
		{"a configuration file of its own", "config: other.yaml\n", []string{`unknown field "config"`}},
		{"help", "help: true\n", []string{`unknown field "help"`}},
		{"a list for one value", "profile: [quick]\n", []string{`field "profile"`, "one value and not a list"}},
		{"a map for a value", "profile: {name: quick}\n", []string{`field "profile"`, "not understood"}},
		{"an empty text", "context: \"\"\n", []string{`field "context" has no value`}},
		{"an empty list", "runtime-class: []\n", []string{`field "runtime-class" has no value`}},
		{"nothing for a value", "profile:\n", []string{`field "profile"`, "not understood"}},
		{"a text for a number", "timeout-scale: slow\n", []string{`field "timeout-scale"`}},
		{"a number for a switch", "keep-cluster: 7\n", []string{`field "keep-cluster"`}},
		{"a number in a list of texts", "nodes: [a, 1]\n", []string{`field "nodes"`, "item 2 is no text"}},
		{"a list instead of fields", "- profile\n", []string{"configuration file", "holds no fields"}},
		{"a text instead of fields", "quick\n", []string{"configuration file", "holds no fields"}},
		{"no YAML", "profile: [quick\n", []string{"configuration file"}},
		{"two documents", "profile: quick\n---\nprofile: nightly\n", []string{"configuration file"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := configured(t, test.content)
			if !errors.Is(err, errUsage) {
				t.Fatalf("got %v, want a usage error", err)
			}
			for _, part := range append(test.says, "katacert.yaml") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error is %q, it should say %q", err, part)
				}
			}
			if strings.ContainsRune(err.Error(), '\n') {
				t.Errorf("the error takes more than one line: %q", err)
			}
		})
	}
}

// A flag that may stand without a value is true in a file, and left out as false.
func TestConfigOfFlagsWithoutAValue(t *testing.T) {
	for value, want := range map[string]string{"true": "official", "false": "", "mine.yaml": "mine.yaml"} {
		cmd, err := configured(t, "install-kata: "+value+"\n")
		if err != nil {
			t.Fatal(err)
		}
		if got := cmd.Flags().Lookup("install-kata").Value.String(); got != want {
			t.Errorf("install-kata: %s is %q, want %q", value, got, want)
		}
	}
}

// A kubeconfig in the file must not be passed over in silence: the local cluster
// would be certified in place of the one that was meant.
func TestConfigIsCheckedAsFlagsAre(t *testing.T) {
	t.Parallel()
	for content, says := range map[string]string{
		"kubeconfig: prod.yaml\n":                                             "--cluster existing",
		"cluster: existing\nname: demo\n":                                     "--name goes with --cluster local",
		"cluster: existing\nsimulated-gpus: 2\n":                              "--simulated-gpus goes with --cluster local",
		"cluster: kind\ntraining-image: " + file(t, "pytorch.tar", "") + "\n": "name one by --image-registry",
		"simulated-gpus: 65\n":                                                "choose 1 to 64",
		"simulated-gpus: 0\n":                                                 "leave it out",
		"gpu-resource: gpu\n":                                                 "VENDOR/NAME",
		"simulated-gpus: 1\ngpu-resource: gpu\n":                              "VENDOR/NAME",
		"profile: fast\n":                                                     `unknown profile "fast"`,
		"controls: 'kernel-('\n":                                              "no regular expression",
		"require: all\n":                                                      `unknown --require "all"`,
		"image-pull-secret: no-namespace\n":                                   "NAMESPACE/NAME",
	} {
		t.Run(content, func(t *testing.T) {
			t.Parallel()
			got := katacert(t, "certify", "--config", file(t, "katacert.yaml", content))
			if got.code != exitUsage || !strings.Contains(got.stderr, says) || strings.Count(got.stderr, "\n") != 1 {
				t.Errorf("exit code %d, %q; want %d and one line with %q", got.code, got.stderr, exitUsage, says)
			}
		})
	}
}

func TestAnEmptyConfigChangesNothing(t *testing.T) {
	for _, content := range []string{"", "# nothing yet\n", "{}\n"} {
		cmd, err := configured(t, content)
		if err != nil {
			t.Errorf("%q: %v", content, err)
		}
		if cmd.Flags().Changed("profile") {
			t.Errorf("%q changed a flag", content)
		}
	}
}
