package plant

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/internal/listener"
)

const (
	plantCalled = "called"
	// calledPlace is where the files lie: a place of the node from which programs
	// may be started, as /run and /tmp often are not.
	calledPlace = "var/lib"
	// calledProof is opened by the witness itself, to show that it is noticed.
	calledProof = "proof"
	// noticedWithin bounds the wait for the kernel to tell of the proof.
	noticedWithin = 2 * time.Second
)

// putCalled lays out files that only annotations of pods name, and notices who
// opens them, be it to read or to start them: a runtime that follows such an
// annotation acts on the node as a tenant tells it. The files are empty and
// executable, so that starting one is tried and does nothing. One of them is
// named to nobody: who opens it opens everything.
func putCalled(s *site, r *report) {
	folder := path.Join("/", calledPlace, s.name()+probes.CalledSuffix)
	record := &listener.Record{}
	err := s.onNode(func(node *os.Root) error { return layOutCalled(node, strings.TrimPrefix(folder, "/")) })
	if err == nil {
		err = notice(filepath.Join(s.hostRoot, folder), record)
	}
	if err == nil {
		err = proveNoticed(s, filepath.Join(s.hostRoot, folder, calledProof), record)
	}
	if err == nil {
		err = tellRecord(s, plantCalled, record)
	}
	if err != nil {
		r.failed(plantCalled, errors.Join(err, removeCalled(s)))
		return
	}
	r.give(probes.ParamCalledFolder, folder)
	r.planted(plantCalled, "%s", folder)
}

func layOutCalled(node *os.Root, folder string) error {
	if err := node.Mkdir(folder, 0o755); err != nil {
		return err
	}
	// Modes at creation are subject to the umask.
	failures := node.Chmod(folder, 0o755)
	for _, name := range append(probes.CalledFiles(), calledProof) {
		file := path.Join(folder, name)
		failures = errors.Join(failures, node.WriteFile(file, nil, 0o600), node.Chmod(file, 0o755))
	}
	return failures
}

// notice lets the kernel tell of everything that is opened in the folder
// (inotify(7)), until the process ends.
func notice(folder string, record *listener.Record) error {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return fmt.Errorf("watch %s: %w", folder, err)
	}
	// Non-blocking, so that a read waits in the runtime's poller.
	events := os.NewFile(uintptr(fd), "inotify")
	if _, err := unix.InotifyAddWatch(fd, folder, unix.IN_OPEN|unix.IN_ONLYDIR); err != nil {
		return errors.Join(fmt.Errorf("watch %s: %w", folder, err), events.Close())
	}
	go noteOpened(events, record)
	return nil
}

// noteOpened notes the names of what is opened.
func noteOpened(events io.Reader, record *listener.Record) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := events.Read(buffer)
		if err != nil {
			return
		}
		for rest := buffer[:n]; len(rest) >= unix.SizeofInotifyEvent; {
			length := int(binary.NativeEndian.Uint32(rest[12:16]))
			if length > len(rest)-unix.SizeofInotifyEvent {
				break
			}
			name, _, _ := bytes.Cut(rest[unix.SizeofInotifyEvent:unix.SizeofInotifyEvent+length], []byte{0})
			record.Add(string(name)) // the folder itself has no name and is no nonce
			rest = rest[unix.SizeofInotifyEvent+length:]
		}
	}
}

// proveNoticed opens a file and waits until that was noticed.
func proveNoticed(s *site, file string, record *listener.Record) error {
	proof, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = proof.Close() }()
	deadline := time.NewTimer(s.scaled(noticedWithin))
	defer deadline.Stop()
	again := time.NewTicker(goneEvery)
	defer again.Stop()
	for !slices.Contains(record.Nonces(), calledProof) {
		select {
		case <-again.C:
		case <-deadline.C:
			return fmt.Errorf("the kernel does not tell that %s was opened", file)
		}
	}
	return nil
}

// touchedCalled lists the files that were opened, the proof among them.
func touchedCalled(s *site) ([]string, error) { return askRecord(s, plantCalled) }

func findCalled(s *site) []string {
	var found []string
	_ = s.onNode(func(node *os.Root) error {
		for _, folder := range s.foldersAt(node, calledPlace, probes.CalledSuffix) {
			found = append(found, "/"+folder)
		}
		return nil
	})
	return found
}

func removeCalled(s *site) error {
	return s.onNode(func(node *os.Root) error {
		var failures error
		for _, folder := range s.foldersAt(node, calledPlace, probes.CalledSuffix) {
			failures = errors.Join(failures, node.RemoveAll(folder))
		}
		return failures
	})
}
