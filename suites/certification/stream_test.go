package certification

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/remotecommand"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/streaming/pkg/httpstream/wsstream"

	"github.com/katacert/katacert/probes/evidence"
)

// inPod is what a process in a pod does with its output; its error is its end.
type inPod func(stdout, stderr io.Writer) error

// execServer is an API server whose pods run one process.
func execServer(t *testing.T, process inPod, asked func(*http.Request)) executor {
	t.Helper()
	return execsServer(t, func(r *http.Request) inPod {
		if asked != nil {
			asked(r)
		}
		return process
	})
}

// execsServer is an API server whose pods run what is asked of them.
func execsServer(t *testing.T, starts func(*http.Request) inPod) executor {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		process := starts(r)
		// Channels of the exec protocol: stdin, stdout, stderr, the end, the
		// size of a terminal.
		conn := wsstream.NewConn(map[string]wsstream.ChannelProtocolConfig{remotecommand.StreamProtocolV5Name: {Binary: true, Channels: []wsstream.ChannelType{
			wsstream.IgnoreChannel, wsstream.WriteChannel, wsstream.WriteChannel, wsstream.WriteChannel, wsstream.IgnoreChannel}}})
		_, streams, err := conn.Open(w, r)
		if err != nil {
			return
		}
		defer conn.Close() //nolint:errcheck // the client may have gone
		end := `{"status":"Success"}`
		if err := process(streams[1], streams[2]); err != nil {
			end = fmt.Sprintf(`{"status":"Failure","message":%q,"reason":"InternalError"}`, err)
		}
		_, _ = io.WriteString(streams[3], end)
	}))
	server.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connection{}, conn)
	}
	server.Start()
	t.Cleanup(server.Close)
	config := &rest.Config{Host: server.URL}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return executor{config: config, client: client}
}

// connection is the key of a request's connection in its context.
type connection struct{}

const execLimit = 64 << 10

func TestExec(t *testing.T) {
	var query []string
	e := execServer(t, func(stdout, _ io.Writer) error { _, err := io.WriteString(stdout, "evidence"); return err }, func(r *http.Request) {
		query = r.URL.Query()["command"]
		if r.URL.Path != "/api/v1/namespaces/ns/pods/p/exec" || r.URL.Query().Get("container") != "probe" || r.URL.Query().Has("stdin") || r.URL.Query().Has("tty") {
			t.Errorf("asked for %s", r.URL)
		}
	})
	argv := []string{"/probe", "round", "--round", "look", "a b", ""}
	out, err := e.exec(t.Context(), runningPod(imageDigest), argv, execLimit)
	if err != nil || string(out) != "evidence" {
		t.Errorf("got %q, %v", out, err)
	}
	if !slices.Equal(query, argv) {
		t.Errorf("the pod is to run %q, want %q", query, argv)
	}
}

func TestExecOfHostilePods(t *testing.T) {
	flood := strings.Repeat("x", 32<<10)
	var sent atomic.Int64
	for _, test := range []struct {
		name    string
		process inPod
		says    string
		out     int
	}{
		{"endless output", func(stdout, _ io.Writer) error {
			for {
				n, err := io.WriteString(stdout, flood)
				sent.Add(int64(n))
				if err != nil {
					return err
				}
			}
		}, errTooMuch.Error(), execLimit},
		{"one byte too many", func(stdout, _ io.Writer) error {
			_, err := io.WriteString(stdout, flood+flood+"x")
			return err
		}, errTooMuch.Error(), execLimit},
		{"exactly the limit", func(stdout, _ io.Writer) error { _, err := io.WriteString(stdout, flood+flood); return err }, "", execLimit},
		{"very many messages", func(_, stderr io.Writer) error {
			for range 100 {
				if _, err := io.WriteString(stderr, flood); err != nil {
					return err
				}
			}
			return nil
		}, "", 0},
		{"failing with a terminal's commands", func(_, stderr io.Writer) error {
			_, _ = io.WriteString(stderr, "\x1b[2Jcertified")
			return errors.New("exit code 1")
		}, `\x1b[2Jcertified`, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, err := execServer(t, test.process, nil).exec(t.Context(), runningPod(imageDigest), nil, execLimit)
			if len(out) != test.out {
				t.Errorf("kept %d bytes, want %d", len(out), test.out)
			}
			if test.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.says) || strings.ContainsRune(err.Error(), '\x1b') || len(err.Error()) > 1000 {
				t.Errorf("the error is %.2000q, want one that says %q", err, test.says)
			}
		})
	}
	// What the kernel buffers between the two is more than what is kept.
	if sent.Load() > 64<<20 {
		t.Errorf("the endless pod could send %d MiB", sent.Load()>>20)
	}
}

func TestExecEndsWithItsTime(t *testing.T) {
	ended := make(chan struct{})
	t.Cleanup(func() { close(ended) })
	e := execServer(t, func(stdout, _ io.Writer) error {
		_, _ = io.WriteString(stdout, "some")
		<-ended
		return nil
	}, nil)
	late := errors.New("the probes did not finish in time")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, late)
	defer cancel()
	if _, err := e.exec(ctx, runningPod(imageDigest), nil, execLimit); !errors.Is(err, late) {
		t.Errorf("got %v, want %v", err, late)
	}
}

func TestExecThatIsRefused(t *testing.T) {
	server := apiServer(t, map[string]http.HandlerFunc{"/": refusal(http.StatusForbidden, metav1.StatusReasonForbidden, "pods \"p\" is forbidden: exec is denied by policy")})
	config := &rest.Config{Host: server.URL}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = executor{config: config, client: client}.exec(t.Context(), runningPod(imageDigest), nil, execLimit)
	expectError(t, err, "exec is denied by policy")
}

// lookOverBrokenConnections lets the subject look while the first connections
// break off before the probe has said anything.
func lookOverBrokenConnections(t *testing.T, round evidence.Round, broken int32) (record evidence.Record, connections int32, told *notes) {
	t.Helper()
	var asked atomic.Int32
	var nonce, conn atomic.Value
	e := execServer(t, func(stdout, _ io.Writer) error {
		if asked.Load() <= broken {
			return conn.Load().(net.Conn).Close()
		}
		claim := evidence.Claim{Nonce: nonce.Load().(string), Vantage: evidence.Subject, Round: round, PodUID: "uid-1", Node: "node-1"}
		seen := evidence.Observation{Probe: "boot-id", State: evidence.Seen, Values: evidence.Values{"boot_id": evidence.Text("b")}}
		return evidence.Write(stdout, claim, []evidence.Observation{seen}, 5)
	}, func(r *http.Request) {
		argv := r.URL.Query()["command"]
		nonce.Store(argv[slices.Index(argv, "--nonce")+1])
		conn.Store(r.Context().Value(connection{}))
		asked.Add(1)
	})
	told = &notes{}
	run := &targetRun{r: &runner{watch: newWatcher(), exec: e, o: Options{RunID: "run", Timeouts: DefaultTimeouts(1), Progress: told}}, target: Target{ID: "node-1/gvisor"}}
	pod := runningPod(imageDigest)
	run.r.watch.setPod(pod)
	record = run.look(t.Context(), &seat{vantage: evidence.Subject, pod: pod}, round)
	return record, asked.Load(), told
}

// A node under load closes connections before their streams are open, which
// says nothing about the pod.
func TestLookOnceMoreWhenTheConnectionBreaks(t *testing.T) {
	for _, test := range []struct {
		round       evidence.Round
		broken      int32
		connections int32
		sees        bool
	}{
		{evidence.Look, 0, 1, true},
		{evidence.Look, 1, 2, true},
		{evidence.LookAgain, 1, 2, true},
		{evidence.Look, 2, 2, false},
		{evidence.Act, 1, 1, false},
		{evidence.Settle, 1, 1, false},
	} {
		record, connections, told := lookOverBrokenConnections(t, test.round, test.broken)
		if sees := record.Error == "" && len(record.Observations) == 1; sees != test.sees || connections != test.connections {
			t.Errorf("round %s, %d broken: %d connections, record %+v", test.round, test.broken, connections, record)
		}
		if again := test.connections > 1; again != strings.Contains(strings.Join(told.lines, "\n"), "looking once more") {
			t.Errorf("round %s, %d broken: told %q", test.round, test.broken, told.lines)
		}
	}
}
