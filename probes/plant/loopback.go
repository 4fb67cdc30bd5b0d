package plant

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/internal/listener"
)

const (
	plantLoopback        = "loopback"
	plantLoopbackPackets = "loopback-udp"
	// portAttempts bounds how often a port that is free for TCP and taken for UDP
	// is replaced by the next one.
	portAttempts = 16
)

// putLoopback listens on the node's 127.0.0.1, by TCP and UDP on one free port,
// as services do that are meant for the node alone (CVE-2020-8558). It knows who
// called, however the call came through.
func putLoopback(s *site, r *report) {
	calls, packets := &listener.Record{}, &listener.Record{}
	address, err := listenOnLoopback(s, calls, packets)
	if err == nil {
		err = errors.Join(tellRecord(s, plantLoopback, calls), tellRecord(s, plantLoopbackPackets, packets))
	}
	if err != nil {
		r.failed(plantLoopback, err)
		r.failed(plantLoopbackPackets, err)
		return
	}
	_, port, _ := net.SplitHostPort(address) // the listener's own address is well-formed
	r.give(probes.ParamLoopback, port)
	r.planted(plantLoopback, "%s", address)
	r.planted(plantLoopbackPackets, "%s", address)
}

func listenOnLoopback(s *site, calls, packets *listener.Record) (string, error) {
	for range portAttempts {
		l, err := listener.Listen("tcp", "127.0.0.1:0", listener.Options{Banner: s.token(probes.TokenLoopback), Within: s.scaled(listener.ServeWithin)}, calls)
		if err != nil {
			return "", err
		}
		if _, err := listener.ListenPackets(l.Address(), packets); err == nil {
			return l.Address(), nil
		} else if !errors.Is(err, unix.EADDRINUSE) {
			return "", errors.Join(err, l.Close())
		}
		if err := l.Close(); err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("%d free TCP ports in a row were taken for UDP", portAttempts)
}

func findLoopback(s *site) []string        { return recorded(s, plantLoopback) }
func findLoopbackPackets(s *site) []string { return recorded(s, plantLoopbackPackets) }

func touchedLoopback(s *site) ([]string, error)        { return askRecord(s, plantLoopback) }
func touchedLoopbackPackets(s *site) ([]string, error) { return askRecord(s, plantLoopbackPackets) }
