// Package podresources asks a kubelet which devices it gave to which container, over
// the socket that it keeps for monitors
// (https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/device-plugins/#monitoring-device-plugin-resources).
// It speaks as much of gRPC as one call takes, so that a probe stays small.
package podresources

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// Given is one device in the hands of one container.
type Given struct{ Namespace, Pod, Container, Resource, ID string }

// service is the version of the API that every kubelet since Kubernetes 1.20 has.
const service = "http://kubelet/v1.PodResourcesLister/"

// maxAnswer bounds an answer; 250 pods with 16 devices each have some 300 KiB.
const maxAnswer = 16 << 20

// List returns every device that containers of the node hold. The socket is a path.
func List(ctx context.Context, socket string) ([]Given, error) {
	answer, err := call(ctx, socket, "List")
	if err != nil {
		return nil, err
	}
	given, err := parseList(answer)
	if err != nil {
		return nil, fmt.Errorf("the kubelet's answer to List: %w", err)
	}
	return given, nil
}

// call makes one call without arguments.
func call(ctx context.Context, socket, method string) ([]byte, error) {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
		Protocols:         new(http.Protocols),
		DisableKeepAlives: true,
	}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	// A message is one byte for "not compressed", four for its length, and itself.
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, service+method, bytes.NewReader(make([]byte, 5)))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("Te", "trailers")
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, fmt.Errorf("call the kubelet's PodResources %s: %w", method, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read the kubelet's answer to PodResources %s: %w", method, err)
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("the kubelet's answer to PodResources %s is longer than %d bytes", method, maxAnswer)
	}
	if err := said(response); err != nil {
		return nil, fmt.Errorf("the kubelet refuses PodResources %s: %w", method, err)
	}
	return message(body)
}

// said is what gRPC says of a call, behind the answer or, where there is none, in
// its head.
func said(r *http.Response) error {
	code, message := r.Trailer.Get("Grpc-Status"), r.Trailer.Get("Grpc-Message")
	if code == "" {
		code, message = r.Header.Get("Grpc-Status"), r.Header.Get("Grpc-Message")
	}
	switch {
	case r.StatusCode != http.StatusOK:
		return fmt.Errorf("HTTP status %d", r.StatusCode)
	case code != "0":
		return fmt.Errorf("gRPC status %q: %.200s", code, message)
	default:
		return nil
	}
}

// message takes the one message out of an answer.
func message(body []byte) ([]byte, error) {
	const head = 5
	switch {
	case len(body) < head:
		return nil, errors.New("the kubelet's answer is cut off")
	case body[0] != 0:
		return nil, errors.New("the kubelet's answer is compressed, which nobody asked for")
	case int64(binary.BigEndian.Uint32(body[1:])) != int64(len(body)-head):
		return nil, errors.New("the kubelet's answer is no single message")
	default:
		return body[head:], nil
	}
}
