package plant

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/internal/listener"
)

const plantKubelet = "kubelet"

const (
	// standInConnections bounds who is served at a time, standInBytes what is read
	// of a request, standInWithin how long an exchange may take.
	standInConnections = 16
	standInBytes       = 4096
	standInWithin      = 2 * time.Second
)

// noPods is what the stand-in has to tell.
const noPods = `{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]}`

// putKubelet lets a service on the node's address answer like the port on which a
// kubelet tells its pods to everyone, in plain HTTP (readOnlyPort). It knows of no
// pods.
func putKubelet(s *site, r *report) {
	port, err := serveOpenKubelet(s.nodeIP, s.scaled(standInWithin))
	if err == nil {
		// Nobody is noted; it only tells that the stand-in is still there.
		err = tellRecord(s, plantKubelet, &listener.Record{})
	}
	if err != nil {
		r.failed(plantKubelet, err)
		return
	}
	r.give(probes.ParamOpenKubelet, port)
	r.planted(plantKubelet, "stand-in at port %s", port)
}

func serveOpenKubelet(address string, within time.Duration) (port string, err error) {
	if address == "" {
		return "", errors.New("was not told an address of the node")
	}
	socket, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return "", fmt.Errorf("listen in the kubelet's place: %w", err)
	}
	// The socket and its goroutines end with the holder.
	go func() {
		free := make(chan struct{}, standInConnections)
		for {
			connection, err := socket.Accept()
			if err != nil {
				return
			}
			select {
			case free <- struct{}{}:
				go func() {
					defer func() { <-free }()
					tellPods(connection, within)
				}()
			default:
				_ = connection.Close()
			}
		}
	}()
	_, port, err = net.SplitHostPort(socket.Addr().String())
	return port, err
}

// tellPods has one exchange: whatever the request, up to its empty line, there
// are no pods.
func tellPods(connection net.Conn, within time.Duration) {
	defer func() { _ = connection.Close() }()
	if connection.SetDeadline(time.Now().Add(within)) != nil {
		return
	}
	lines := bufio.NewReader(io.LimitReader(connection, standInBytes))
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		if strings.TrimRight(line, "\r\n") == "" {
			break
		}
	}
	_, _ = fmt.Fprintf(connection, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(noPods), noPods)
}

func findKubelet(s *site) []string { return recorded(s, plantKubelet) }
