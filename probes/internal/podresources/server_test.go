package podresources

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// plain is a codec that leaves messages as they are.
type plain struct{}

func (plain) Name() string                       { return "plain" }
func (plain) Marshal(v any) ([]byte, error)      { return *v.(*[]byte), nil }
func (plain) Unmarshal(data []byte, v any) error { *v.(*[]byte) = slices.Clone(data); return nil }

// A kubelet's server is grpc-go's.
func TestListOfAServerOfGRPC(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	refuse := false
	server := grpc.NewServer(grpc.ForceServerCodec(plain{}), grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		method, _ := grpc.MethodFromServerStream(stream)
		var asked []byte
		if err := stream.RecvMsg(&asked); err != nil || len(asked) > 0 || method != "/v1.PodResourcesLister/List" {
			return fmt.Errorf("asked %s with %q: %w", method, asked, err)
		}
		if refuse {
			return status.Error(codes.ResourceExhausted, "too many calls")
		}
		all := answer()
		return stream.SendMsg(&all)
	}))
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	if got, err := List(context.Background(), socket); err != nil || len(got) != 2 || got[1].ID != "GPU-2" {
		t.Errorf("got %v, %v", got, err)
	}
	refuse = true
	if _, err := List(context.Background(), socket); err == nil || !strings.Contains(err.Error(), `gRPC status "8": too many calls`) {
		t.Errorf("refused: %v", err)
	}
}
