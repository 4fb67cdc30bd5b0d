package gputest

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
	"tags.cncf.io/container-device-interface/pkg/cdi"

	"github.com/katacert/katacert/fixtures/command"
	"github.com/katacert/katacert/fixtures/nvidia/driver"
	"github.com/katacert/katacert/fixtures/oci"
)

// runner runs gpu-probe at one place.
type runner interface {
	// run runs it to its end with the named device of CDI, and writes on what it
	// prints and says as it comes.
	run(ctx context.Context, id, device string, args []string, stdout, stderr io.Writer) (command.Result, error)
	// signal sends a signal to the one that runs under an id.
	signal(ctx context.Context, id string, signal unix.Signal) error
	// failure is what is to be known after a run that failed, and diagnose what is
	// found out by running it once more.
	failure() string
	diagnose(ctx context.Context, id, device string, args []string) string
}

// native runs it as a process of the machine.
type native struct {
	program, libraries string
	mutex              sync.Mutex
	running            map[string]int
}

func (n *native) run(ctx context.Context, id, _ string, args []string, stdout, stderr io.Writer) (command.Result, error) {
	path := n.libraries
	if inherited := os.Getenv("LD_LIBRARY_PATH"); inherited != "" {
		path += ":" + inherited
	}
	defer n.set(id, 0)
	return command.Run(ctx, command.Command{
		Argv:    append([]string{n.program}, args...),
		Env:     append(os.Environ(), "LD_LIBRARY_PATH="+path),
		Stdout:  stdout,
		Stderr:  stderr,
		Started: func(pid int) { n.set(id, pid) },
	})
}

func (n *native) set(id string, pid int) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.running[id] = pid
}

func (n *native) signal(_ context.Context, id string, signal unix.Signal) error {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	pid := n.running[id]
	if pid == 0 {
		return fmt.Errorf("send signal %v to %s: it does not run", signal, id)
	}
	return unix.Kill(pid, signal)
}

func (*native) failure() string { return "" }

func (*native) diagnose(context.Context, string, string, []string) string { return "" }

// container runs it in a container by an OCI runtime.
type container struct {
	runtime oci.Runtime
	root    *oci.Root
	devices *cdi.Cache
	// logs is the folder of the runtime's own logs; empty where it keeps none.
	logs string
}

func (c *container) run(ctx context.Context, id, device string, args []string, stdout, stderr io.Writer) (command.Result, error) {
	spec := c.root.Spec(args)
	if _, err := c.devices.InjectDevices(spec, driver.Device(device)); err != nil {
		return command.Result{ExitCode: -1}, fmt.Errorf("give %s to container %s: %w", driver.Device(device), id, err)
	}
	return c.runtime.Run(ctx, id, spec, stdout, stderr)
}

func (c *container) signal(ctx context.Context, id string, signal unix.Signal) error {
	return c.runtime.Signal(ctx, id, signal)
}

// logLines is how much of each of a runtime's logs is shown after a failure.
const logLines = 40

// failure is the end of the runtime's logs, without its drawing of how long it took
// to start.
func (c *container) failure() string {
	return c.takeLogs(func(line string) bool { return !strings.HasPrefix(line, "[") })
}

// diagnose runs it once more with debugging output, and returns what that says of
// the driver.
func (c *container) diagnose(ctx context.Context, id, device string, args []string) string {
	if c.logs == "" {
		return ""
	}
	verbose := *c
	verbose.runtime = c.runtime.Verbose()
	_, err := verbose.run(ctx, id, device, args, nil, nil)
	text := c.takeLogs(func(line string) bool {
		return strings.Contains(line, "nvproxy") || strings.Contains(line, "nvidia") || strings.Contains(line, "ioctl") && strings.Contains(line, "errno") ||
			strings.Contains(line, "panic") || strings.Contains(line, "SIGS")
	})
	if err != nil {
		text = err.Error() + "\n" + text
	}
	return text
}

// takeLogs returns the last of the wanted lines of each log, and begins anew.
func (c *container) takeLogs(wanted func(string) bool) string {
	if c.logs == "" {
		return ""
	}
	var text strings.Builder
	paths, _ := filepath.Glob(filepath.Join(c.logs, "*"))
	for _, path := range paths {
		data, err := os.ReadFile(path)
		_ = os.Remove(path)
		if err != nil {
			continue
		}
		var kept []string
		for line := range strings.Lines(string(data)) {
			if wanted(line) {
				kept = append(kept, line)
			}
		}
		if len(kept) > 0 {
			fmt.Fprintf(&text, "--- %s\n%s", filepath.Base(path), strings.Join(kept[max(0, len(kept)-logLines):], ""))
		}
	}
	return text.String()
}
