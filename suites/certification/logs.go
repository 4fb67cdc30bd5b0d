package certification

import (
	"bytes"
	"context"
	"errors"
	"io"

	corev1 "k8s.io/api/core/v1"
)

// endsEvidence says whether a line is the last one of evidence.
func endsEvidence(line []byte) bool { return bytes.Contains(line, []byte(`{"end":`)) }

// logs follows a container's log until a line says that it is whole, the container
// ends or the limit is reached.
func (t *targetRun) logs(ctx context.Context, pod *corev1.Pod, container string, most int64, whole func(line []byte) bool) ([]byte, error) {
	stream, err := t.r.client.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{
		Container: container, Follow: true, LimitBytes: new(most + 1),
	}).Stream(ctx)
	if err != nil {
		return nil, err
	}
	defer stream.Close() //nolint:errcheck // only read from
	var out []byte
	chunk := make([]byte, 32<<10)
	for int64(len(out)) <= most && !whole(lastLine(out)) {
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
