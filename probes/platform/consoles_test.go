package platform

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

type nothing struct{ io.ReadWriter }

func (nothing) Close() error { return nil }

func TestAskConsoles(t *testing.T) {
	root := t.TempDir()
	values := evidence.Values{
		"sandboxes": evidence.List("pod_uid=a sandbox=x cid=77 netns=", "pod_uid=b sandbox=y cid= netns=", "pod_uid=c sandbox=z cid=2 netns="),
		"processes": evidence.List("pod_uid=b role=vmm pid=9", "pod_uid=a role=vmm pid=8"),
		"arguments": evidence.List("pid=9 n=001 arg=vhost-vsock-pci,vhostfd=17,guest-cid=99"),
	}
	var dialled []string
	dial := func(cid, port uint32, limit time.Duration) (io.ReadWriteCloser, error) {
		dialled = append(dialled, fmt.Sprintf("%d:%d", cid, port))
		if limit != 3*askWithin {
			t.Errorf("the bound is %s", limit)
		}
		if cid == 99 || port == agentPort {
			return nothing{}, nil
		}
		return nil, fmt.Errorf("connect: %w", unix.ECONNRESET)
	}
	ctx := &probes.Context{HostRoot: root, TimeoutScale: 3}
	if askConsoles(ctx, values, dial); len(dialled) > 0 {
		t.Errorf("on a node without vhost-vsock were called %q", dialled)
	}
	if err := os.MkdirAll(filepath.Join(root, "dev"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "dev/vhost-vsock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	askConsoles(ctx, values, dial)
	slices.Sort(dialled)
	if want := []string{"77:1024", "77:1026", "99:1024", "99:1026"}; !slices.Equal(dialled, want) {
		t.Errorf("called %q, want %q", dialled, want)
	}
	lines, _ := values.List("consoles")
	if want := []string{"pod_uid=a cid=77 agent=connected console=ECONNRESET", "pod_uid=b cid=99 agent=connected console=connected"}; !slices.Equal(lines, want) {
		t.Errorf("told %q", lines)
	}
}
