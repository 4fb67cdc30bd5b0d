package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestTrainingFlags(t *testing.T) {
	const image = "registry.example/pytorch@sha256:0000000000000000000000000000000000000000000000000000000000000003"
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"nothing":               {nil, ""},
		"an image":              {[]string{"--training-image", image}, ""},
		"an image and no GPU":   {[]string{"--training-image", image, "--training-gpus", "0"}, ""},
		"an image by tag":       {[]string{"--training-image", "pytorch/pytorch:latest"}, "names no digest and is no file"},
		"an image in a file":    {[]string{"--training-image", file(t, "pytorch.tar", "")}, ""},
		"a script alone":        {[]string{"--training-script", "x.py"}, "needs --training-image"},
		"GPUs alone":            {[]string{"--training-gpus", "1"}, "needs --training-image"},
		"fewer than no GPU":     {[]string{"--training-image", image, "--training-gpus", "-2"}, "give 0 or more"},
		"the default by itself": {[]string{"--training-gpus", "-1"}, "give 0 or more"},
	} {
		var flags trainingFlags
		cmd := &cobra.Command{}
		flags.register(cmd)
		if err := cmd.ParseFlags(c.args); err != nil {
			t.Fatal(err)
		}
		err := flags.check(cmd)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q in it", name, err, c.want)
		}
	}
	for gpus, want := range map[int64]int64{-1: 1, 0: 0, 2: 2} {
		if o, err := (&trainingFlags{image: image, gpus: gpus}).options(); err != nil || o.GPUs != want {
			t.Errorf("--training-gpus %d: %d GPUs (%v)", gpus, o.GPUs, err)
		}
	}
	if o, err := (&trainingFlags{gpus: -1}).options(); err != nil || o.GPUs != 0 {
		t.Errorf("the own trainer asks for %d GPUs (%v)", o.GPUs, err)
	}
	script := filepath.Join(t.TempDir(), "job.py")
	if _, err := (&trainingFlags{image: image, script: script}).options(); err == nil {
		t.Error("a script that is not there is taken")
	}
	if err := os.WriteFile(script, []byte("print()"), 0o600); err != nil {
		t.Fatal(err)
	}
	if o, err := (&trainingFlags{image: image, script: script}).options(); err != nil || o.Script != "print()" {
		t.Errorf("script %q (%v)", o.Script, err)
	}
}
