package podresources

import (
	"context"
	"encoding/binary"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// field is a field that is a text or a message itself.
func field(number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), value)
}

// answer is what a kubelet says of one pod with two GPUs and a container without any.
func answer() []byte {
	devices := slices.Concat(field(resourceOfDevices, []byte("nvidia.com/gpu")), field(idsOfDevices, []byte("GPU-1")), field(idsOfDevices, []byte("GPU-2")),
		field(3, nil)) // the topology
	container := slices.Concat(field(nameOfContainer, []byte("probe")), field(devicesOf, devices),
		protowire.AppendVarint(protowire.AppendTag(nil, 3, protowire.VarintType), 7)) // a processor
	pod := slices.Concat(field(nameOfPod, []byte("p")), field(namespaceOfPod, []byte("ns")), field(containersOfPod, container), field(containersOfPod, field(nameOfContainer, []byte("other"))))
	return field(podsOfList, pod)
}

// serve is a kubelet that gives this answer and status.
func serve(t *testing.T, body []byte, status string) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Protocols: new(http.Protocols), ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1.PodResourcesLister/List" || r.Header.Get("Content-Type") != "application/grpc" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
		_, _ = w.Write(body)
		w.Header().Set("Grpc-Status", status)
		w.Header().Set("Grpc-Message", "said the kubelet")
	})}
	server.Protocols.SetUnencryptedHTTP2(true)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return socket
}

func framed(message []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
}

func TestList(t *testing.T) {
	got, err := List(context.Background(), serve(t, framed(answer()), "0"))
	want := []Given{{"ns", "p", "probe", "nvidia.com/gpu", "GPU-1"}, {"ns", "p", "probe", "nvidia.com/gpu", "GPU-2"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := List(context.Background(), serve(t, framed(nil), "0")); err != nil || len(got) != 0 {
		t.Errorf("a node without pods: %v, %v", got, err)
	}
}

func TestListRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		body         []byte
		status, says string
	}{
		"a status":           {framed(nil), "8", `gRPC status "8": said the kubelet`},
		"no frame":           {[]byte{0, 0}, "0", "cut off"},
		"a compressed frame": {append([]byte{1}, framed(nil)[1:]...), "0", "compressed"},
		"a frame too long":   {append(framed(answer()), 0), "0", "no single message"},
		"no protocol buffer": {framed([]byte{0x0a, 0xff}), "0", "no protocol buffer"},
	} {
		if _, err := List(context.Background(), serve(t, test.body, test.status)); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %q", name, err, test.says)
		}
	}
	if _, err := List(context.Background(), filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "call the kubelet's PodResources List") {
		t.Errorf("no socket: %v", err)
	}
}
