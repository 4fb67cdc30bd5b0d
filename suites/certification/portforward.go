package certification

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"
)

// forward connects to a port of the pod by way of the API server, as `kubectl
// port-forward` does, but without a listener on this machine that others could
// use. Where nothing listens at the port, reading from the connection says so. The
// connection ends with ctx.
func (e executor) forward(ctx context.Context, pod *corev1.Pod, port uint16) (net.Conn, error) {
	dialer, err := e.forwarder(pod)
	if err != nil {
		return nil, fmt.Errorf("prepare a port-forward to pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	connection, err := dialWithin(ctx, dialer)
	if err != nil {
		return nil, fmt.Errorf("port-forward to pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	opened, err := openStreams(connection, port)
	if err != nil {
		return nil, fmt.Errorf("port-forward to port %d of pod %s/%s: %w", port, pod.Namespace, pod.Name, errors.Join(err, connection.Close()))
	}
	opened.stop = context.AfterFunc(ctx, func() { _ = connection.Close() })
	return opened, nil
}

// forwarder makes what dials: by websocket, and by SPDY where the server or a
// proxy before it knows that only.
func (e executor) forwarder(pod *corev1.Pod) (httpstream.Dialer, error) {
	to := e.client.CoreV1().RESTClient().Post().
		Resource("pods").Namespace(pod.Namespace).Name(pod.Name).SubResource("portforward").URL()
	transport, upgrader, err := spdy.RoundTripperFor(e.config)
	if err != nil {
		return nil, err
	}
	websocket, err := portforward.NewSPDYOverWebsocketDialerForStreaming(to, e.config)
	if err != nil {
		return nil, err
	}
	plain := spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, http.MethodPost, to)
	return portforward.NewFallbackDialerForStreaming(websocket, plain, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	}), nil
}

// dialWithin dials until ctx ends, of which dialers know nothing.
func dialWithin(ctx context.Context, dialer httpstream.Dialer) (httpstream.Connection, error) {
	type dialed struct {
		connection httpstream.Connection
		err        error
	}
	done := make(chan dialed, 1)
	go func() {
		connection, _, err := dialer.Dial(portforward.PortForwardProtocolV1Name)
		done <- dialed{connection, err}
	}()
	select {
	case d := <-done:
		return d.connection, d.err
	case <-ctx.Done():
		go func() {
			if d := <-done; d.err == nil {
				_ = d.connection.Close() // it came too late
			}
		}()
		return nil, context.Cause(ctx)
	}
}

// openStreams opens the pair of streams that is one connection to the port.
func openStreams(connection httpstream.Connection, port uint16) (*forwarded, error) {
	header := http.Header{}
	header.Set(corev1.PortHeader, strconv.Itoa(int(port)))
	header.Set(corev1.PortForwardRequestIDHeader, "0") // the only one of its connection
	header.Set(corev1.StreamType, corev1.StreamTypeError)
	problems, err := connection.CreateStream(header)
	if err != nil {
		return nil, fmt.Errorf("open the stream of errors: %w", err)
	}
	_ = problems.Close() // it is only read
	header.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := connection.CreateStream(header)
	if err != nil {
		return nil, fmt.Errorf("open the stream of data: %w", err)
	}
	f := &forwarded{Stream: data, connection: connection, port: port, told: make(chan struct{})}
	go func() {
		defer close(f.told)
		message, err := io.ReadAll(io.LimitReader(problems, stderrLimit))
		if f.problem = strings.TrimSpace(string(message)); f.problem == "" && err != nil {
			f.problem = err.Error()
		}
	}()
	return f, nil
}

// forwarded is a forwarded connection. It knows no deadlines: it ends with the
// context that it was opened with.
type forwarded struct {
	httpstream.Stream
	connection httpstream.Connection
	port       uint16
	stop       func() bool
	// problem is what the node said of the connection; valid once told is closed.
	problem string
	told    chan struct{}
}

// Read reads, and says at the end what became of the connection at its other end.
func (f *forwarded) Read(p []byte) (int, error) {
	n, err := f.Stream.Read(p)
	if err == nil || n > 0 {
		return n, err
	}
	// Data that nobody takes would hold up what is said of it.
	_ = f.Reset()
	<-f.told
	if f.problem != "" {
		err = errors.New(f.problem)
	}
	return 0, err
}

// Close ends the connection to the API server, too.
func (f *forwarded) Close() error {
	if f.stop != nil {
		f.stop()
	}
	return errors.Join(f.Reset(), f.connection.Close())
}

// LocalAddr and RemoteAddr are names: the ends are streams.
func (f *forwarded) LocalAddr() net.Addr  { return forwardedAddr("katacert") }
func (f *forwarded) RemoteAddr() net.Addr { return forwardedAddr(fmt.Sprintf("localhost:%d", f.port)) }

// SetDeadline and its like have nothing to set.
func (f *forwarded) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (f *forwarded) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (f *forwarded) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

type forwardedAddr string

func (a forwardedAddr) Network() string { return "port-forward" }
func (a forwardedAddr) String() string  { return string(a) }
