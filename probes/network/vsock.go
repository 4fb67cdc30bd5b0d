package network

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
	"github.com/katacert/katacert/probes/internal/vsock"
)

const (
	// vsockSweep is up to which port the node is called, whether or not the witness
	// knows of a listener: services by vsock like the numbers from 1024 on.
	vsockSweep = 1100
	// sweepWithin bounds the whole sweep, dialWithin one call of it.
	sweepWithin = 10 * time.Second
	dialWithin  = 500 * time.Millisecond
	// maxReached bounds how many ports are told.
	maxReached = 64
)

// vsockDial is vsock.Dial, or a test's.
type vsockDial func(cid, port uint32, limit time.Duration) (io.ReadWriteCloser, error)

// listVsock lists, on the node, the ports on which processes wait by vsock, where the
// kernel tells without loading a module for it.
func listVsock(ctx *probes.Context) evidence.Observation {
	ports, err := []uint32(nil), errors.New("module vsock_diag is not loaded on the node")
	if hasModule(ctx.HostRoot, "vsock_diag") {
		ports, err = vsock.Listeners()
	}
	texts := []string{}
	for _, port := range ports {
		texts = append(texts, strconv.FormatUint(uint64(port), 10))
	}
	inventory := "whole"
	if err != nil {
		inventory = "not known: " + err.Error()
	}
	return probes.Seen(evidence.Values{"ports": evidence.List(texts...), "inventory": evidence.Text(inventory),
		probes.GivePrefix + probes.ParamVsockListeners: evidence.Text(strings.Join(texts, ","))})
}

// hasModule says whether a module of the kernel is loaded or built in.
func hasModule(root, name string) bool {
	if _, err := os.Stat(kernfs.Below(root, "/sys/module/"+name)); err == nil {
		return true
	}
	release, err := kernfs.Line("/proc/sys/kernel/osrelease")
	if err != nil {
		return false
	}
	builtin, err := kernfs.Read(kernfs.Below(root, "/lib/modules/"+release+"/modules.builtin"))
	return err == nil && strings.Contains(string(builtin), "/"+name+".ko")
}

// vsockPorts calls the node by vsock: first the listener that the witness planted,
// and only where that answers, so that it is the node which is called, every other
// port that is worth a call. Nothing is sent to those; a connection is closed again.
func vsockPorts(ctx *probes.Context) evidence.Observation { return sweepVsock(ctx, vsock.Dial) }

func sweepVsock(ctx *probes.Context, dial vsockDial) evidence.Observation {
	planted, err := strconv.ParseUint(ctx.Params[probes.ParamVsockPort], 10, 32)
	if err != nil {
		return untold("the port of a listener of the node")
	}
	connection, err := dial(vsock.Node, uint32(planted), ctx.Scaled(answerWithin))
	if err != nil {
		if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
			return probes.Unreadable(err)
		}
		return probes.Absent("no listener of the node can be called by vsock: %v", err)
	}
	answer, err := exchange(connection, ctx.Nonce)
	if err != nil || answer != probes.VsockAnswer {
		return probes.Absent("something else than the node answers by vsock: %.60q", answer)
	}
	reached, tried, whole := sweep(ctx, dial, uint32(planted))
	values := evidence.Values{"reached": evidence.List(reached...), "tried": evidence.Number(int64(tried))}
	if !whole {
		values["truncated"] = evidence.Number(1)
	}
	return probes.Seen(values)
}

func exchange(connection io.ReadWriteCloser, nonce string) (string, error) {
	defer func() { _ = connection.Close() }()
	if _, err := fmt.Fprintln(connection, nonce); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(io.LimitReader(connection, 64)).ReadString('\n')
	return strings.TrimSpace(line), err
}

// sweep calls the node's listeners by the witness's list, and then every low port. It
// is whole where each call was taken or refused: no answer in time is neither.
func sweep(ctx *probes.Context, dial vsockDial, planted uint32) (reached []string, tried int, whole bool) {
	var ports []uint32
	for text := range strings.SplitSeq(ctx.Params[probes.ParamVsockListeners], ",") {
		if port, err := strconv.ParseUint(text, 10, 32); err == nil {
			ports = append(ports, uint32(port))
		}
	}
	for port := range uint32(vsockSweep) {
		if !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	end, whole := time.Now().Add(ctx.Scaled(sweepWithin)), true
	for _, port := range ports {
		if port == planted {
			continue
		}
		if time.Now().After(end) || len(reached) == maxReached {
			return reached, tried, false
		}
		tried++
		connection, err := dial(vsock.Node, port, ctx.Scaled(dialWithin))
		if err == nil {
			_ = connection.Close()
			reached = append(reached, strconv.FormatUint(uint64(port), 10))
		}
		whole = whole && !errors.Is(err, unix.ETIMEDOUT)
	}
	return reached, tried, whole
}

// agentPorts are those of Kata's agent in the guest: its API, its log, and its debug
// console (kata-containers, src/agent/src/config.rs).
var agentPorts = []uint32{1024, 1025, 1026}

// vsockAgent asks whether processes of a container reach the agent of their own guest:
// by the loopback of vsock, which a listener of their own shows to be there.
func vsockAgent(ctx *probes.Context) evidence.Observation {
	port, end, err := vsock.Listen(func(uint32, io.ReadWriter) {})
	if err != nil {
		return probes.Unreadable(err)
	}
	defer end()
	return askAgent(ctx, vsock.Dial, port)
}

func askAgent(ctx *probes.Context, dial vsockDial, own uint32) evidence.Observation {
	limit := ctx.Scaled(answerWithin)
	connection, err := dial(vsock.Local, own, limit)
	if err != nil {
		return probes.Absent("this kernel has no way to itself by vsock: %v", err)
	}
	_ = connection.Close()
	reached, refused, unanswered := []string{}, []string{}, []string{}
	for _, port := range agentPorts {
		connection, err := dial(vsock.Local, port, limit)
		if errors.Is(err, unix.ETIMEDOUT) {
			unanswered = append(unanswered, fmt.Sprintf("%d: %v", port, err))
			continue
		}
		if err != nil {
			refused = append(refused, fmt.Sprintf("%d: %v", port, err))
			continue
		}
		_ = connection.Close()
		reached = append(reached, strconv.FormatUint(uint64(port), 10))
	}
	return probes.Seen(evidence.Values{"own": evidence.Text("reached"), "reached": evidence.List(reached...), "refused": evidence.List(refused...),
		"unanswered": evidence.List(unanswered...)})
}
