package podresources

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"golang.org/x/net/http2/hpack"
)

// Kinds of frames of HTTP/2, and the flags that matter here (RFC 9113, section 6).
const (
	frameData         = 0x0
	frameHeaders      = 0x1
	frameReset        = 0x3
	frameSettings     = 0x4
	framePushPromise  = 0x5
	framePing         = 0x6
	frameGoAway       = 0x7
	frameWindowUpdate = 0x8
	frameContinuation = 0x9

	flagEndStream  = 0x1 // of data and headers
	flagAck        = 0x1 // of settings and pings
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
)

const (
	// preface is what a client's connection begins with.
	preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	// theStream is the only stream that a connection has here.
	theStream = 1
	// maxFrame is how long a frame may be as long as nobody allows more.
	maxFrame = 1 << 14
	// maxHeaders bounds a block of headers, and each of its texts.
	maxHeaders = 64 << 10
)

// response is what came back: how the call ended, by headers and trailers, and the body.
type response struct {
	fields map[string]string
	body   []byte
}

// exchange is one request and its answer over HTTP/2, without TLS, as gRPC speaks it.
// Go's net/http does the same, and would make the probe's image half as large again.
type exchange struct {
	conn     io.ReadWriter
	response response
	decoder  *hpack.Decoder
	// block collects a block of headers that comes in several frames: open says that
	// one does, last that nothing follows it.
	block      []byte
	open, last bool
}

// post sends a message to a service behind a socket and reads the answer to its end.
func post(ctx context.Context, socket, path string, message []byte) (response, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return response{}, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	e := &exchange{conn: conn, response: response{fields: map[string]string{}}}
	e.decoder = hpack.NewDecoder(4096, e.keep)
	e.decoder.SetMaxStringLength(maxHeaders)
	err = e.ask(path, message)
	for done := false; err == nil && !done; {
		done, err = e.next()
	}
	if ctx.Err() != nil {
		return response{}, ctx.Err()
	}
	return e.response, err
}

// keep takes the fields that say how the call ended: what else is sent, however often,
// takes no memory.
func (e *exchange) keep(f hpack.HeaderField) {
	switch f.Name {
	case ":status", "grpc-status", "grpc-message":
		e.response.fields[f.Name] = f.Value
	}
}

// ask sends the request whole. The windows are opened once for the longest answer, so
// that none has to be opened again: who sends more than that is not waited for.
func (e *exchange) ask(path string, message []byte) error {
	const enablePush, initialWindow = 0x2, 0x4
	settings := binary.BigEndian.AppendUint16(nil, enablePush)
	settings = binary.BigEndian.AppendUint32(settings, 0)
	settings = binary.BigEndian.AppendUint16(settings, initialWindow)
	settings = binary.BigEndian.AppendUint32(settings, maxAnswer+maxFrame)
	var headers bytes.Buffer
	encoder := hpack.NewEncoder(&headers)
	for _, field := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":path", path}, {":authority", "localhost"}, {"content-type", "application/grpc"}, {"te", "trailers"},
	} {
		if err := encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}); err != nil {
			return err
		}
	}
	request := []byte(preface)
	request = appendFrame(request, frameSettings, 0, 0, settings)
	request = appendFrame(request, frameWindowUpdate, 0, 0, binary.BigEndian.AppendUint32(nil, maxAnswer))
	request = appendFrame(request, frameHeaders, flagEndHeaders, theStream, headers.Bytes())
	request = appendFrame(request, frameData, flagEndStream, theStream, message)
	_, err := e.conn.Write(request)
	return err
}

func appendFrame(to []byte, kind, flags byte, stream uint32, payload []byte) []byte {
	to = append(to, byte(len(payload)>>16), byte(len(payload)>>8), byte(len(payload)), kind, flags)
	return append(binary.BigEndian.AppendUint32(to, stream), payload...)
}

// next takes one frame in, and says whether it was the answer's last.
func (e *exchange) next() (done bool, err error) {
	var head [9]byte
	if _, err := io.ReadFull(e.conn, head[:]); err != nil {
		return false, fmt.Errorf("the answer is cut off: %w", err)
	}
	length := int(head[0])<<16 | int(head[1])<<8 | int(head[2])
	kind, flags, stream := head[3], head[4], binary.BigEndian.Uint32(head[5:])&^(1<<31)
	if length > maxFrame {
		return false, fmt.Errorf("a frame of %d bytes, where %d are allowed", length, maxFrame)
	}
	payload := make([]byte, length)
	if _, err := io.ReadFull(e.conn, payload); err != nil {
		return false, fmt.Errorf("the answer is cut off: %w", err)
	}
	if e.open != (kind == frameContinuation) {
		return false, errors.New("a block of headers is interrupted")
	}
	switch kind {
	case frameSettings, framePing:
		if flags&flagAck == 0 {
			return false, e.acknowledge(kind, payload)
		}
		return false, nil
	case frameGoAway:
		return false, goAway(payload)
	case framePushPromise:
		return false, errors.New("an answer to what was not asked")
	}
	if stream != theStream {
		return false, nil
	}
	switch kind {
	case frameReset:
		return false, fmt.Errorf("the call was reset (HTTP/2 error %d)", number(payload))
	case frameData:
		return flags&flagEndStream != 0, e.data(flags, payload)
	case frameHeaders:
		return e.headers(flags, payload)
	case frameContinuation:
		return e.continued(flags, payload)
	}
	return false, nil
}

func (e *exchange) acknowledge(kind byte, payload []byte) error {
	if kind == frameSettings {
		payload = nil
	}
	_, err := e.conn.Write(appendFrame(nil, kind, flagAck, 0, payload))
	return err
}

// goAway is an error unless the server will still answer what was asked.
func goAway(payload []byte) error {
	if len(payload) >= 8 && number(payload)&^(1<<31) >= theStream && number(payload[4:]) == 0 {
		return nil
	}
	var said []byte
	if len(payload) > 8 {
		said = payload[8:]
	}
	return fmt.Errorf("the connection was ended: %.200q", said)
}

// number is the first number of a payload; 0 where there is none.
func number(payload []byte) uint32 {
	if len(payload) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(payload)
}

func (e *exchange) data(flags byte, payload []byte) error {
	payload, err := unpadded(flags, payload)
	if err != nil {
		return err
	}
	if len(e.response.body)+len(payload) > maxAnswer {
		return fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	e.response.body = append(e.response.body, payload...)
	return nil
}

func unpadded(flags byte, payload []byte) ([]byte, error) {
	if flags&flagPadded == 0 {
		return payload, nil
	}
	if len(payload) == 0 || int(payload[0]) >= len(payload) {
		return nil, errors.New("a frame of nothing but padding")
	}
	return payload[1 : len(payload)-int(payload[0])], nil
}

func (e *exchange) headers(flags byte, payload []byte) (done bool, err error) {
	const priority = 5 // bytes
	if payload, err = unpadded(flags, payload); err != nil {
		return false, err
	}
	if flags&flagPriority != 0 {
		if len(payload) < priority {
			return false, errors.New("headers are cut off")
		}
		payload = payload[priority:]
	}
	// Whether the stream ends is said by the first frame, and true after the last.
	e.block, e.last = nil, flags&flagEndStream != 0
	return e.continued(flags, payload)
}

func (e *exchange) continued(flags byte, payload []byte) (done bool, err error) {
	if len(e.block)+len(payload) > maxHeaders {
		return false, fmt.Errorf("headers of more than %d bytes", maxHeaders)
	}
	e.block = append(e.block, payload...)
	if e.open = flags&flagEndHeaders == 0; e.open {
		return false, nil
	}
	if _, err := e.decoder.Write(e.block); err != nil {
		return false, fmt.Errorf("read headers: %w", err)
	}
	if err := e.decoder.Close(); err != nil {
		return false, fmt.Errorf("read headers: %w", err)
	}
	return e.last, nil
}
