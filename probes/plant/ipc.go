package plant

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/internal/ipc"
	"github.com/katacert/katacert/probes/internal/place"
)

func putSegment(s *site, r *report) {
	id, err := ipc.PlantSegment(s.token(probes.TokenIPC))
	if err != nil {
		r.failed("shm", err)
		return
	}
	r.planted("shm", "segment %d", id)
}

func findSegment(s *site) []string {
	if s.seed == nil {
		return nil
	}
	token := s.token(probes.TokenIPC)
	id, found, err := ipc.FindSegment(len(token), func(content string) bool { return content == token })
	if err != nil || !found {
		return nil
	}
	return []string{fmt.Sprintf("segment %d", id)}
}

func putQueue(s *site, r *report) {
	name := place.QueueName(s.run, s.tokenHash(probes.TokenIPC))
	if err := ipc.CreateQueue(name, s.token(probes.TokenIPC)); err != nil {
		r.failed("mqueue", err)
		return
	}
	r.planted("mqueue", "%s", name)
}

func findQueues(s *site) []string {
	if s.seed != nil {
		name := place.QueueName(s.run, s.tokenHash(probes.TokenIPC))
		if _, err := ipc.HoldsMessage(name, place.TokenBytes); errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOSYS) {
			return nil
		}
		return []string{name}
	}
	names, err := ipc.Queues()
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(names, func(name string) bool { return !s.owns(strings.TrimPrefix(name, "/")) })
}

func removeQueues(s *site) error {
	var failures error
	for _, name := range findQueues(s) {
		if err := ipc.UnlinkQueue(name); err != nil && !errors.Is(err, unix.ENOENT) {
			failures = errors.Join(failures, err)
		}
	}
	return failures
}
