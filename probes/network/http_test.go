package network

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/katacert/katacert/probes"
)

func TestReadAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want answer
		fail string
	}{
		"whole":          {"HTTP/1.1 200 OK\r\nServer: EC2ws\r\nContent-Length: 2\r\n\r\nhi", answer{status: 200, body: "hi"}, ""},
		"no words":       {"HTTP/1.1 401\r\n\r\n", answer{status: 401}, ""},
		"old":            {"HTTP/1.0 404 Not Found\r\nA: b\r\n\r\n", answer{status: 404}, ""},
		"TLS asked for":  {"\x15\x03\x01\x00\x02\x02\x16\r\n", answer{}, "is not HTTP"},
		"no status":      {"HTTP/1.1 OK\r\n\r\n", answer{}, "has no status"},
		"headers cut":    {"HTTP/1.1 200 OK\r\nServer: x", answer{}, "read the headers"},
		"nothing":        {"", answer{}, "read the answer"},
		"too long a one": {"HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", 5*maxBody) + "\r\n\r\n", answer{}, "read the headers"},
	} {
		got, err := readAnswer(strings.NewReader(test.text))
		switch {
		case test.fail != "" && (err == nil || !strings.Contains(err.Error(), test.fail)):
			t.Errorf("%s: %v, want an error with %q", name, err, test.fail)
		case test.fail == "" && (err != nil || got.status != test.want.status || got.body != test.want.body):
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// serve answers every connection with the text and returns the address.
func serve(t *testing.T, text string) string {
	t.Helper()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	go func() {
		for {
			connection, err := socket.Accept()
			if err != nil {
				return
			}
			_ = connection.SetDeadline(time.Now().Add(answerWithin))
			_, _ = connection.Read(make([]byte, 4096))
			_, _ = io.WriteString(connection, text)
			_ = connection.Close()
		}
	}()
	return socket.Addr().String()
}

// Each service is known by its mark, whatever its status, and by nothing else.
func TestServicesAreKnownByTheirMarks(t *testing.T) {
	answers := map[string]string{
		"aws-imdsv1":      "HTTP/1.1 401 Unauthorized\r\nServer: EC2ws\r\n\r\n",
		"aws-imdsv2":      "HTTP/1.1 200 OK\r\nX-Aws-Ec2-Metadata-Token-Ttl-Seconds: 1\r\n\r\nsecret",
		"aws-imdsv2-ipv6": "HTTP/1.1 403 Forbidden\r\nServer: EC2ws\r\n\r\n",
		"aws-ecs":         "HTTP/1.1 200 OK\r\n\r\n{\"Cluster\":\"c\",\"TaskARN\":\"t\"}",
		"gce":             "HTTP/1.1 403 Forbidden\r\nMetadata-Flavor: Google\r\n\r\n",
		"azure":           "HTTP/1.1 400 Bad Request\r\nServer: IMDS/150.870.65.1324\r\n\r\n",
		"alibaba":         "HTTP/1.1 200 OK\r\n\r\nhostname\ninstance-id\n",
	}
	ctx := &probes.Context{}
	for _, s := range services() {
		if answers[s.name] == "" {
			t.Errorf("no answer of %s is tested", s.name)
		}
		s.request.address = serve(t, answers[s.name])
		o := askServices(ctx, []service{s})
		if got, _ := o.Values.List("answered"); strings.Join(got, " ") != s.name {
			t.Errorf("%s is not known by its answer: %v", s.name, o.Values)
		}
		if strings.Contains(o.Values["tried"].String(), "secret") {
			t.Errorf("%s: the answer became evidence: %v", s.name, o.Values)
		}
		s.request.address = serve(t, "HTTP/1.1 200 OK\r\nServer: nginx\r\n\r\n<html>a captive portal</html>")
		o = askServices(ctx, []service{s})
		if got, _ := o.Values.List("answered"); len(got) > 0 || !strings.Contains(o.Values["tried"].String(), "without the service's mark") {
			t.Errorf("%s is taken for a proxy: %v", s.name, o.Values)
		}
	}
}
