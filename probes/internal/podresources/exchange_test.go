package podresources

import (
	"bytes"
	"context"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// An answer that is longer than a window of HTTP/2 comes whole.
func TestListOfALongAnswer(t *testing.T) {
	pods := bytes.Repeat(answer(), 5_000) // some 300 kB
	got, err := List(context.Background(), serve(t, framed(pods), "0"))
	if err != nil || len(got) != 10_000 {
		t.Errorf("%d devices, %v", len(got), err)
	}
}

// raw is a server that reads the request and sends these bytes.
func raw(t *testing.T, sent []byte) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		if _, err := io.ReadFull(conn, make([]byte, len(preface))); err != nil {
			return
		}
		_, _ = conn.Write(sent)
		_ = conn.(*net.UnixConn).CloseWrite()
		_, _ = io.Copy(io.Discard, conn)
	}()
	return socket
}

func headersOf(t *testing.T, fields ...string) []byte {
	t.Helper()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for i := 0; i < len(fields); i += 2 {
		if err := encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}); err != nil {
			t.Fatal(err)
		}
	}
	return block.Bytes()
}

// Whatever sits behind the socket, its frames are read as the standard has them.
func TestExchange(t *testing.T) {
	trailers := headersOf(t, ":status", "200", "grpc-status", "0")
	last := appendFrame(nil, frameHeaders, flagEndHeaders|flagEndStream, theStream, trailers)
	padded := slices.Concat([]byte{2}, framed(answer()), []byte{0, 0})
	for name, test := range map[string]struct {
		sent []byte
		says string
	}{
		"padding, settings and pings": {slices.Concat(appendFrame(nil, frameSettings, 0, 0, nil), appendFrame(nil, framePing, 0, 0, make([]byte, 8)),
			appendFrame(nil, frameData, flagPadded, theStream, padded), last), ""},
		"headers in pieces, with a priority": {slices.Concat(appendFrame(nil, frameData, 0, theStream, framed(answer())),
			appendFrame(nil, frameHeaders, flagEndStream|flagPriority, theStream, slices.Concat(make([]byte, 5), trailers[:1])),
			appendFrame(nil, frameContinuation, flagEndHeaders, theStream, trailers[1:])), ""},
		"an end that lets the call finish": {slices.Concat(appendFrame(nil, frameGoAway, 0, 0, []byte{0, 0, 0, 1, 0, 0, 0, 0}),
			appendFrame(nil, frameData, 0, theStream, framed(answer())), last), ""},
		"another stream":        {slices.Concat(appendFrame(nil, frameData, flagEndStream, 3, framed(nil)), appendFrame(nil, frameData, 0, theStream, framed(answer())), last), ""},
		"nothing":               {nil, "cut off"},
		"half a frame":          {last[:12], "cut off"},
		"a frame too long":      {[]byte{0xff, 0, 0, frameData, 0, 0, 0, 0, 1}, "where 16384 are allowed"},
		"a push":                {appendFrame(nil, framePushPromise, 0, theStream, nil), "not asked"},
		"a reset":               {appendFrame(nil, frameReset, 0, theStream, []byte{0, 0, 0, 7}), "HTTP/2 error 7"},
		"an end":                {appendFrame(nil, frameGoAway, 0, 0, append([]byte{0, 0, 0, 1, 0, 0, 0, 11}, "enhance your calm"...)), "enhance your calm"},
		"nothing but padding":   {appendFrame(nil, frameData, flagPadded, theStream, []byte{9, 0}), "padding"},
		"headers of no meaning": {appendFrame(nil, frameHeaders, flagEndHeaders, theStream, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), "read headers"},
		"headers without end": {slices.Concat(appendFrame(nil, frameHeaders, 0, theStream, nil),
			bytes.Repeat(appendFrame(nil, frameContinuation, 0, theStream, make([]byte, maxFrame)), 5)), "headers of more than"},
		"headers interrupted": {slices.Concat(appendFrame(nil, frameHeaders, 0, theStream, nil), last), "interrupted"},
		"no answer":           {appendFrame(nil, frameHeaders, flagEndHeaders|flagEndStream, theStream, headersOf(t, ":status", "404")), `HTTP status "404"`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := List(context.Background(), raw(t, test.sent))
			switch {
			case test.says == "" && (err != nil || len(got) != 2):
				t.Errorf("got %v, %v", got, err)
			case test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)):
				t.Errorf("got %v, should say %q", err, test.says)
			}
		})
	}
}

// A server that never answers is left when the probe's time is up.
func TestListGivesUp(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := List(ctx, socket); err == nil {
		t.Error("an answer from nobody")
	}
}
