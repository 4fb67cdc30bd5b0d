package plant

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/internal/kernfs"
	"github.com/katacert/katacert/probes/internal/listener"
	"github.com/katacert/katacert/probes/internal/vsock"
)

const plantVsock = "vsock"

// putVsock waits by vsock on a free port of the node, at which every guest of it can
// call: a guest that is seen to have called is one whose other calls would be heard
// too. On a node without vhost-vsock nobody could, and a socket of that family might
// lead to a hypervisor that the node itself runs on.
func putVsock(s *site, r *report) {
	port, err := waitByVsock(s)
	if err != nil {
		r.failed(plantVsock, err)
		return
	}
	r.give(probes.ParamVsockPort, strconv.FormatUint(uint64(port), 10))
	r.planted(plantVsock, "port %d", port)
}

func waitByVsock(s *site) (uint32, error) {
	if _, err := os.Stat(kernfs.Below(s.hostRoot, "/dev/vhost-vsock")); err != nil {
		return 0, errors.New("the node has no /dev/vhost-vsock, so its guests' vsock does not end in its kernel")
	}
	calls := &listener.Record{}
	port, end, err := vsock.Listen(func(_ uint32, connection io.ReadWriter) {
		const longest = 128 // a nonce and the end of its line
		line, _ := bufio.NewReader(io.LimitReader(connection, longest)).ReadString('\n')
		if calls.Add(strings.TrimSpace(line)) {
			_, _ = fmt.Fprintln(connection, probes.VsockAnswer)
		}
	})
	if err != nil {
		return 0, err
	}
	if err := tellRecord(s, plantVsock, calls); err != nil {
		end()
		return 0, err
	}
	return port, nil
}

func findVsock(s *site) []string { return recorded(s, plantVsock) }

func touchedVsock(s *site) ([]string, error) { return askRecord(s, plantVsock) }
