package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/katacert/katacert/fixtures/cluster/local/toolchain"
	"github.com/katacert/katacert/fixtures/nvidia/driver"
	"github.com/katacert/katacert/fixtures/oci"
	"github.com/katacert/katacert/suites/gputest"
	"github.com/katacert/katacert/suites/judge"
)

// enclose runs the test in namespaces of its own. Programs that must be built are
// built before, where the caches are. Where the machine allows no such namespaces,
// it runs as it is.
func enclose(ctx context.Context, o options, stdout, stderr io.Writer) (int, error) {
	if _, err := driver.Find("/", o.libraries); err != nil {
		return exitInfrastructure, err
	}
	if o.programs == "" {
		if _, err := gputest.Built(ctx, progress(stderr)); err != nil {
			return exitInfrastructure, err
		}
	}
	code, err := oci.Enclose(ctx, o.id, "--run", o.id)
	if err != nil {
		return try(ctx, o, stdout, stderr, fmt.Sprintf("without namespaces of its own: %v", err))
	}
	return code, nil
}

// progress says on stderr what is being built.
func progress(stderr io.Writer) func(toolchain.Progress) {
	last := ""
	return func(p toolchain.Progress) {
		if p.Step != last {
			last = p.Step
			fmt.Fprintln(stderr, p.Step)
		}
	}
}

// try is the test itself. outside says why it runs outside of an enclosure, and is
// empty inside of one.
func try(ctx context.Context, o options, stdout, stderr io.Writer, outside string) (code int, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.all)
	defer cancel()
	out := o.out
	if out == "" {
		out = filepath.Join("reports", o.id)
	}
	folder, err := gputest.OpenFolder(out)
	if err != nil {
		return exitInfrastructure, err
	}
	log := io.MultiWriter(stderr, folder.Log())
	work, err := os.MkdirTemp("", "katacert-gpu-")
	if err != nil {
		return exitInfrastructure, fmt.Errorf("make a folder to work in: %w", err)
	}
	defer func() {
		if failure := oci.Clear(work); failure != nil {
			err = errors.Join(err, failure)
		}
	}()
	var notes []string
	note := func(format string, args ...any) {
		notes = append(notes, fmt.Sprintf(format, args...))
		fmt.Fprintf(log, format+"\n", args...)
	}
	if outside != "" {
		note("%s", outside)
	} else if err := oci.Furnish(work); err != nil {
		note("containers may not run: %v", err)
	}
	programs, err := find(ctx, o, work)
	if err != nil {
		return exitInfrastructure, err
	}
	version, err := proxyVersion(ctx, o, programs.Runsc, note)
	if err != nil {
		note("%v", err)
	}
	recorded, failure := gputest.Run(ctx, gputest.Options{
		Run: o.id, Programs: programs, Libraries: o.libraries, Rounds: o.rounds, StepTime: o.stepTime,
		Work: work, DriverVersion: version, Log: log, Keep: folder.Keep,
	})
	report := gputest.Conclude(o.id, recorded, notes)
	if err := errors.Join(report.WriteText(stdout), folder.Close(report)); err != nil {
		return exitInfrastructure, err
	}
	fmt.Fprintf(stderr, "evidence and report are in %s\n", out)
	if failure != nil {
		return exitInfrastructure, failure
	}
	return verdictCode(report), nil
}

// find finds the programs inside the enclosure.
func find(ctx context.Context, o options, work string) (gputest.Programs, error) {
	if o.programs != "" {
		return gputest.Packed(o.programs, work)
	}
	return gputest.Built(ctx, nil)
}

// proxyVersion is the driver version that runsc must be told, empty where it knows
// the driver's own.
func proxyVersion(ctx context.Context, o options, runsc string, note func(string, ...any)) (string, error) {
	if o.driverVersion != "" || runsc == "" {
		return o.driverVersion, nil
	}
	found, err := driver.Find("/", o.libraries)
	if err != nil {
		return "", err
	}
	known, err := oci.NVProxyDrivers(ctx, runsc)
	if err != nil {
		return "", err
	}
	if slices.Contains(known, found.Version) {
		return "", nil
	}
	nearest, ok := oci.NearestDriver(found.Version, known)
	if !ok {
		return "", fmt.Errorf("runsc's proxy knows no driver of the branch of %s, only %v", found.Version, known)
	}
	note("runsc's proxy does not know driver %s and is told %s, the nearest that it knows", found.Version, nearest)
	return nearest, nil
}

func judgeAgain(folder string, stdout io.Writer) (int, error) {
	recorded, err := gputest.ReadFolder(folder)
	if err != nil {
		return exitInfrastructure, err
	}
	report := gputest.Conclude(filepath.Base(folder), recorded, nil)
	if err := report.WriteText(stdout); err != nil {
		return exitInfrastructure, err
	}
	return verdictCode(report), nil
}

func pack(ctx context.Context, folder string, stderr io.Writer) (int, error) {
	programs, err := gputest.Built(ctx, progress(stderr))
	if err != nil {
		return exitInfrastructure, err
	}
	if err := gputest.Pack(programs, folder); err != nil {
		return exitInfrastructure, err
	}
	return exitPass, nil
}

// verdictCode is the exit code of verdicts.
func verdictCode(report gputest.Report) int {
	counts := report.Counts()
	switch {
	case counts[judge.Fail] > 0:
		return exitFailed
	case counts[judge.Error]+counts[judge.Invalid] > 0:
		return exitInfrastructure
	}
	return exitPass
}
