package network

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// maxBody bounds how much of an answer's body is read, in bytes: enough to
// recognise who answers. Nothing of it becomes evidence.
const maxBody = 4096

// request is one HTTP request. The probe speaks the little of HTTP/1.1 that it
// needs by itself, and no TLS, because it must stay small: crypto/tls alone adds
// more than 2 MB to it.
type request struct {
	// address is where to connect, "192.0.2.1:80".
	address string
	method  string
	path    string
	// headers are whole lines, without Host and Connection.
	headers []string
}

// answer is what came back.
type answer struct {
	// connected is set once the other side took the connection, also where it
	// then gave no answer that is HTTP.
	connected bool
	status    int
	header    textproto.MIMEHeader
	// body begins the body, as it came over the wire: chunks are not put together.
	body string
}

// ask sends a request and reads the beginning of the answer. All of it ends
// within the limit.
func ask(r request, within time.Duration) (answer, error) {
	deadline := time.Now().Add(within)
	connection, err := (&net.Dialer{Deadline: deadline}).Dial("tcp", r.address)
	if err != nil {
		return answer{}, fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = connection.Close() }()
	if err := connection.SetDeadline(deadline); err != nil {
		return answer{connected: true}, fmt.Errorf("bound the exchange with %s: %w", r.address, err)
	}
	lines := append([]string{r.method + " " + r.path + " HTTP/1.1", "Host: " + r.address, "Connection: close"}, r.headers...)
	if _, err := io.WriteString(connection, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		return answer{connected: true}, fmt.Errorf("ask %s: %w", r.address, err)
	}
	a, err := readAnswer(connection)
	a.connected = true
	return a, err
}

func readAnswer(from io.Reader) (answer, error) {
	reader := bufio.NewReader(io.LimitReader(from, 4*maxBody))
	text := textproto.NewReader(reader)
	first, err := text.ReadLine()
	if err != nil {
		return answer{}, fmt.Errorf("read the answer: %w", err)
	}
	words := strings.SplitN(first, " ", 3)
	if len(words) < 2 || !strings.HasPrefix(words[0], "HTTP/1.") {
		return answer{}, fmt.Errorf("the answer %.40q is not HTTP", first)
	}
	status, err := strconv.Atoi(words[1])
	if err != nil {
		return answer{}, fmt.Errorf("the answer %.40q has no status", first)
	}
	header, err := text.ReadMIMEHeader()
	if err != nil {
		return answer{}, fmt.Errorf("read the headers of the answer: %w", err)
	}
	// The service may hang up within the body: what came counts.
	body, _ := io.ReadAll(io.LimitReader(reader, maxBody))
	return answer{status: status, header: header, body: string(body)}, nil
}
