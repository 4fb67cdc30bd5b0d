package platform

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
	"github.com/katacert/katacert/probes/internal/vsock"
)

// Ports of Kata's agent (kata-containers, src/agent/src/config.rs).
const (
	agentPort   = 1024
	consolePort = 1026
)

// askWithin bounds one call of a guest.
const askWithin = 500 * time.Millisecond

// guestAddress finds a guest's vsock address among a monitor's encoded arguments.
var guestAddress = regexp.MustCompile(`guest-cid=(\d+)`)

// askConsoles calls each guest of the run that has an address on the node's vsock, at
// its agent's port, which answers, and at that of the debug console, which should not.
// Nothing is sent; a connection is closed again.
func askConsoles(ctx *probes.Context, values evidence.Values, dial func(cid, port uint32, limit time.Duration) (io.ReadWriteCloser, error)) {
	if _, err := os.Stat(kernfs.Below(ctx.HostRoot, "/dev/vhost-vsock")); err != nil {
		return
	}
	var told []string
	for uid, cid := range guestAddresses(values) {
		line := fmt.Sprintf("pod_uid=%s cid=%d", uid, cid)
		for _, ask := range []struct {
			name string
			port uint32
		}{{"agent", agentPort}, {"console", consolePort}} {
			answer := "connected"
			if connection, err := dial(cid, ask.port, ctx.Scaled(askWithin)); err == nil {
				_ = connection.Close()
			} else {
				answer = refusal(err)
			}
			line += " " + ask.name + "=" + answer
		}
		told = append(told, line)
	}
	values["consoles"] = evidence.List(told...)
}

// refusal is the symbolic error of a call, or its text as one word.
func refusal(err error) string {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return unix.ErrnoName(errno)
	}
	return word(err.Error())
}

// guestAddresses are the vsock addresses of guests, by the UID of their pod: of the
// runtime's state, or of the monitor's arguments.
func guestAddresses(values evidence.Values) map[string]uint32 {
	found := map[string]uint32{}
	add := func(uid, text string) {
		// Addresses up to 2 are the hypervisor, the machine itself and the node.
		if cid, err := strconv.ParseUint(text, 10, 32); err == nil && cid > vsock.Node && uid != "" {
			found[uid] = uint32(cid)
		}
	}
	pods := map[string]string{}
	processes, _ := values.List("processes")
	for _, line := range processes {
		pods[lineField(line, "pid")] = lineField(line, "pod_uid")
	}
	arguments, _ := values.List("arguments")
	for _, line := range arguments {
		if match := guestAddress.FindStringSubmatch(line); match != nil {
			add(pods[lineField(line, "pid")], match[1])
		}
	}
	sandboxes, _ := values.List("sandboxes")
	for _, line := range sandboxes {
		add(lineField(line, "pod_uid"), lineField(line, "cid"))
	}
	return found
}

// lineField is a value of a line of "key=value" pairs.
func lineField(line, name string) string {
	for _, pair := range strings.Fields(line) {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}
