// Package podresources asks a kubelet which devices it gave to which container, over
// the socket that it keeps for monitors
// (https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/device-plugins/#monitoring-device-plugin-resources).
// It speaks as much of gRPC as one call takes, so that a probe stays small.
package podresources

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
)

// Given is one device in the hands of one container.
type Given struct{ Namespace, Pod, Container, Resource, ID string }

// service is the version of the API that every kubelet since Kubernetes 1.20 has.
const service = "/v1.PodResourcesLister/"

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
	// A message is one byte for "not compressed", four for its length, and itself.
	answer, err := post(ctx, socket, service+method, make([]byte, 5))
	if err != nil {
		return nil, fmt.Errorf("call the kubelet's PodResources %s: %w", method, err)
	}
	if err := refusal(answer.fields); err != nil {
		return nil, fmt.Errorf("the kubelet refuses PodResources %s: %w", method, err)
	}
	return message(answer.body)
}

// refusal is what gRPC says of a call, behind the answer or, where there is none, in
// its head.
func refusal(fields map[string]string) error {
	switch code := fields["grpc-status"]; {
	case fields[":status"] != "200":
		return fmt.Errorf("HTTP status %.20q", fields[":status"])
	case code != "0":
		return fmt.Errorf("gRPC status %.20q: %.200s", code, fields["grpc-message"])
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
