package certification

import (
	"bytes"
	"context"
	"errors"
	"io"

	corev1 "k8s.io/api/core/v1"

	"github.com/katacert/katacert/probes/evidence"
)

// logs follows a container's log until its evidence is whole, the container
// ends or the limit is reached.
func (t *targetRun) logs(ctx context.Context, pod *corev1.Pod, container string, limits evidence.Limits) ([]byte, error) {
	stream, err := t.r.client.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{
		Container: container, Follow: true, LimitBytes: new(limits.Bytes + 1),
	}).Stream(ctx)
	if err != nil {
		return nil, err
	}
	defer stream.Close() //nolint:errcheck // only read from
	var out []byte
	chunk := make([]byte, 32<<10)
	for int64(len(out)) <= limits.Bytes && !bytes.Contains(lastLine(out), []byte(`{"end":`)) {
		n, err := stream.Read(chunk)
		out = append(out, chunk[:n]...)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			return out, err
		}
	}
	return out, nil
}

// lastLine returns the last whole line of the output.
func lastLine(out []byte) []byte {
	whole, ok := bytes.CutSuffix(out, []byte("\n"))
	if !ok {
		return nil
	}
	return whole[bytes.LastIndexByte(whole, '\n')+1:]
}
