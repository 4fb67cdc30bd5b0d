package certification

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/katacert/katacert/fixtures/pods"
	"k8s.io/streaming/pkg/httpstream"
)

// stderrLimit bounds what is kept of a probe's messages, in bytes.
const stderrLimit = 4 << 10

// executor runs one command in a container and returns what it printed.
type executor struct {
	config *rest.Config
	client kubernetes.Interface
}

// exec runs argv in the pod's probe container, without stdin or terminal. Output beyond limit bytes ends the
// exec: the rest of a hostile pod's stream is never read.
func (e executor) exec(ctx context.Context, pod *corev1.Pod, argv []string, limit int64) ([]byte, error) {
	request := e.client.CoreV1().RESTClient().Post().
		Resource("pods").Namespace(pod.Namespace).Name(pod.Name).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Container: pods.ContainerName, Command: argv, Stdout: true, Stderr: true}, scheme.ParameterCodec)
	spdy, err := remotecommand.NewSPDYExecutor(e.config, "POST", request.URL())
	if err != nil {
		return nil, fmt.Errorf("prepare an exec in pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	websocket, err := remotecommand.NewWebSocketExecutor(e.config, "GET", request.URL().String())
	if err != nil {
		return nil, fmt.Errorf("prepare an exec in pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	// Servers before Kubernetes 1.30 and some proxies know SPDY only.
	either, err := remotecommand.NewFallbackExecutor(websocket, spdy, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
	if err != nil {
		return nil, fmt.Errorf("prepare an exec in pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	stdout := &bounded{limit: limit, full: func() { stop(errTooMuch) }}
	stderr := &bounded{limit: stderrLimit}
	err = either.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: stdout, Stderr: stderr})
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if message := strings.TrimSpace(string(stderr.bytes())); err != nil && message != "" {
		err = fmt.Errorf("%w: %.300q", err, message)
	}
	return stdout.bytes(), err
}

var errTooMuch = errors.New("the pod sent more than any honest probe does; the exec was ended")

// bounded keeps the first limit bytes and drops the rest. It calls full once
// when more arrives. The buffer is not embedded: io.Copy would find its ReadFrom,
// which knows no limit, and prefer it to Write.
type bounded struct {
	// mu is needed because a stream that was ended may still be writing.
	mu    sync.Mutex
	kept  bytes.Buffer
	limit int64
	full  func()
}

func (b *bounded) bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.kept.Bytes())
}

func (b *bounded) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	room := b.limit - int64(b.kept.Len())
	if int64(len(p)) <= room {
		return b.kept.Write(p)
	}
	b.kept.Write(p[:max(0, room)])
	if b.full != nil {
		b.full()
		b.full = nil
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}
