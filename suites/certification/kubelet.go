package certification

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"

	"github.com/katacert/katacert/probes/evidence"
)

const (
	// kubeletPort is where kubelets serve
	// (https://kubernetes.io/docs/reference/networking/ports-and-protocols/).
	kubeletPort = 10250
	// kubeletBytes bounds what is read of a kubelet's answer: enough to know a list
	// of pods by its beginning. Nothing of a list becomes evidence.
	kubeletBytes = 4 << 10
)

// kubeletPaths are what a kubelet tells of its pods: as the API server and as the
// node's runtime know them.
var kubeletPaths = []string{"/pods", "/runningpods/"}

// kubelet asks the node's kubelet for its pods as a stranger, without certificate
// and token, and as the proof that this is the question that a kubelet answers,
// lets the API server ask the same. The stranger comes by a port-forward to the
// witness, which is on the node's own network: its port 10250 is the kubelet's.
func (a *asker) kubelet(ctx context.Context) evidence.Observation {
	witness := a.pods[evidence.Witness]
	if witness == nil {
		return failed(errors.New("the witness, by whose network the kubelet would be asked, does not run"))
	}
	var got replies
	var group errgroup.Group
	for _, path := range kubeletPaths {
		group.Go(func() error {
			a.bounded(ctx, func(ctx context.Context) { got.add(&got.asked, a.strangerAsks(ctx, witness, path)) })
			return nil
		})
		group.Go(func() error {
			a.bounded(ctx, func(ctx context.Context) { got.add(&got.show, a.serverAsks(ctx, path)) })
			return nil
		})
	}
	_ = group.Wait() // what goes wrong is in the answers
	return got.seen(nil)
}

// strangerAsks asks the kubelet behind the pod's port without credentials.
func (a *asker) strangerAsks(ctx context.Context, pod *corev1.Pod, path string) reply {
	one := reply{what: path, result: erred}
	connection, err := a.r.exec.forward(ctx, pod, kubeletPort)
	if err != nil {
		one.said = err.Error()
		return one
	}
	defer func() { _ = connection.Close() }()
	transport := &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return connection, nil },
		// Whether the kubelet lets strangers in is asked, and not who it is: its
		// certificate is its own on most nodes. No secret is sent.
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
		DisableKeepAlives: true,
	}
	url := fmt.Sprintf("https://localhost:%d%s", kubeletPort, path)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		one.said = err.Error()
		return one
	}
	// Not by a client, which would follow where it is sent.
	response, err := transport.RoundTrip(request)
	if err != nil {
		one.said = fmt.Sprintf("ask port %d of the node's loopback address: %v", kubeletPort, err)
		return one
	}
	defer func() { _ = response.Body.Close() }()
	return told(path, response.StatusCode, response.Body)
}

// serverAsks lets the API server ask the kubelet, with its own credentials: those
// of katacert are never sent to a node.
func (a *asker) serverAsks(ctx context.Context, path string) reply {
	body, err := a.r.client.CoreV1().RESTClient().Get().AbsPath("/api/v1/nodes/" + a.node + "/proxy" + path).Stream(ctx)
	if err != nil {
		return reply{what: path, result: erred, said: err.Error()}
	}
	defer func() { _ = body.Close() }()
	return told(path, http.StatusOK, body)
}

// told is what a kubelet's answer means. Only a list of pods tells something, and
// only the refusals of authentication and authorization are some: other errors
// may hide what would have been told.
func told(path string, status int, body io.Reader) reply {
	one := reply{what: path, result: erred, notes: []string{fmt.Sprintf("status=%d", status)}}
	begin, err := io.ReadAll(io.LimitReader(body, kubeletBytes))
	switch isList := strings.Contains(string(begin), `"PodList"`); {
	case status == http.StatusOK && isList:
		one.result = granted
		return one
	case status == http.StatusOK && err != nil:
		one.said = fmt.Sprintf("read the answer: %v", err)
		return one
	case status == http.StatusOK:
		one.said = "status 200, but no list of pods"
		return one
	case status == http.StatusUnauthorized:
		one.result, one.notes = refused, append(one.notes, "by=authentication")
	case status == http.StatusForbidden:
		one.result, one.notes = refused, append(one.notes, "by=authorization")
	}
	one.said = fmt.Sprintf("status %d: %s", status, strings.TrimSpace(string(begin)))
	return one
}
