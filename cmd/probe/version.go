package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// version prints which source the binary was built from, as far as the build
// recorded it.
func version(args []string, stdout, stderr io.Writer) int {
	if len(args) != 0 {
		return complain(stderr, exitUsage, "probe version: unexpected argument %q", args[0])
	}
	module, revision := "(unknown)", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			module = info.Main.Version
		}
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				revision = " " + setting.Value
			}
		}
	}
	_, _ = fmt.Fprintf(stdout, "probe %s%s %s %s/%s\n", module, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return exitOK
}
