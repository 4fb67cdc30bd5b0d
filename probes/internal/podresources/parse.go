package podresources

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxGiven bounds how many devices are taken from an answer.
const maxGiven = 16384

// Numbers of fields (k8s.io/kubelet/pkg/apis/podresources/v1/api.proto).
const (
	podsOfList        = 1
	nameOfPod         = 1
	namespaceOfPod    = 2
	containersOfPod   = 3
	nameOfContainer   = 1
	devicesOf         = 2
	resourceOfDevices = 1
	idsOfDevices      = 2
)

// parseList reads a ListPodResourcesResponse.
func parseList(data []byte) ([]Given, error) {
	var given []Given
	err := eachField(data, func(number protowire.Number, pod []byte) error {
		if number != podsOfList {
			return nil
		}
		var name, namespace string
		var containers [][]byte
		err := eachField(pod, func(number protowire.Number, value []byte) error {
			switch number {
			case nameOfPod:
				name = string(value)
			case namespaceOfPod:
				namespace = string(value)
			case containersOfPod:
				containers = append(containers, value)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, container := range containers {
			devices, err := parseContainer(container)
			if err != nil {
				return err
			}
			for _, d := range devices {
				d.Namespace, d.Pod = namespace, name
				given = append(given, d)
			}
			if len(given) > maxGiven {
				return fmt.Errorf("more than %d devices", maxGiven)
			}
		}
		return nil
	})
	return given, err
}

// parseContainer reads a ContainerResources.
func parseContainer(data []byte) ([]Given, error) {
	var name string
	var given []Given
	err := eachField(data, func(number protowire.Number, value []byte) error {
		switch number {
		case nameOfContainer:
			name = string(value)
		case devicesOf:
			var resource string
			var ids []string
			if err := eachField(value, func(number protowire.Number, value []byte) error {
				switch number {
				case resourceOfDevices:
					resource = string(value)
				case idsOfDevices:
					ids = append(ids, string(value))
				}
				return nil
			}); err != nil {
				return err
			}
			for _, id := range ids {
				given = append(given, Given{Resource: resource, ID: id})
			}
		}
		return nil
	})
	for i := range given {
		given[i].Container = name
	}
	return given, err
}

// eachField gives every field of a message that is a text or a message itself, and goes
// past all others.
func eachField(data []byte, do func(number protowire.Number, value []byte) error) error {
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return fmt.Errorf("no protocol buffer: %w", protowire.ParseError(n))
		}
		data = data[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, kind, data); n < 0 {
				return fmt.Errorf("no protocol buffer: %w", protowire.ParseError(n))
			}
			data = data[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(data)
		if n < 0 {
			return fmt.Errorf("no protocol buffer: %w", protowire.ParseError(n))
		}
		if err := do(number, value); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}
