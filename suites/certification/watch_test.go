package certification

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"

	"github.com/katacert/katacert/fixtures/pods"
)

// pending is a pod that does not run yet, changed as asked.
func pending(changes ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "p", UID: "uid-1"}, Status: corev1.PodStatus{Phase: corev1.PodPending}}
	for _, change := range changes {
		change(pod)
	}
	return pod
}

func waiting(reason, message string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "probe", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}}
	}
}

func unschedulable(p *corev1.Pod) {
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: "0/1 nodes are available"}}
}

// warning is an event about the pod of the tests.
func warning(reason, message string) *corev1.Event {
	return &corev1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "e-" + reason, UID: types.UID("event-" + reason)},
		Type: corev1.EventTypeWarning, Reason: reason, Message: message, LastTimestamp: metav1.Now(),
		InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: "ns", Name: "p", UID: "uid-1"}}
}

// inABubble waits for the pod while the steps happen, each a second apart on the
// bubble's own clock unless the waiting ends before, and returns what came of it
// and after how long. The clock costs no time.
func inABubble(t *testing.T, timeouts Timeouts, steps ...func(*watcher)) (pod *corev1.Pod, after time.Duration, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w, start := newWatcher(), time.Now()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			pod, err = w.running(t.Context(), pending(), timeouts, "final-mark")
			after = time.Since(start)
		}()
		for _, step := range steps {
			synctest.Wait()
			step(w)
			select {
			case <-ended:
			case <-time.After(time.Second):
			}
		}
		<-ended
	})
	return pod, after, err
}

func set(pod *corev1.Pod) func(*watcher)        { return func(w *watcher) { w.setPod(pod) } }
func warned(event *corev1.Event) func(*watcher) { return func(w *watcher) { w.setEvent(event) } }

// again lets a pod be warned of at those seconds, and nothing happen between; a
// second without warning is one in which it is known.
func again(reason, message string, seconds ...int) (steps []func(*watcher)) {
	steps = append(steps, set(pending()))
	for at := range seconds[len(seconds)-1] + 1 {
		step := func(*watcher) {}
		if slices.Contains(seconds, at) {
			step = func(w *watcher) { w.setEvent(warning(reason, message)) }
		}
		steps = append(steps, step)
	}
	return steps
}

func TestRunning(t *testing.T) {
	timeouts := Timeouts{Pods: 2 * time.Minute, Grace: 20 * time.Second}
	const handler = `Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox runtime: no runtime for "kata" is configured`
	const shim = `Failed to create pod sandbox: rpc error: code = Unknown desc = failed to start sandbox "4b825dc6": failed to start shim: failed to resolve runtime path: invalid custom binary path: stat /opt/kata/bin/containerd-shim-kata-v2: no such file or directory`
	const annotation = `Failed to create pod sandbox: rpc error: code = Unknown desc = failed to create shim task: annotation io.katacontainers.config.hypervisor.default_memory is not enabled`
	for _, test := range []struct {
		name  string
		steps []func(*watcher)
		// within is how long it may take until the verdict; from is how long it must.
		from, within time.Duration
		says         []string
	}{
		{"runs", []func(*watcher){set(pending()), set(runningPod(imageDigest))}, 0, 3 * time.Second, nil},
		{"runs before it was waited for", []func(*watcher){set(runningPod(imageDigest))}, 0, time.Second, nil},
		{"an image that cannot be pulled", []func(*watcher){set(pending()), set(pending(waiting("ImagePullBackOff", "Back-off pulling image")))}, 0, 3 * time.Second, []string{"pod ns/p, container probe: ImagePullBackOff"}},
		{"an image whose first pull failed", []func(*watcher){set(pending(waiting("ErrImagePull", "not found")))}, 0, 2 * time.Second, []string{"ErrImagePull", "not found"}},
		{"a handler that containerd does not know", []func(*watcher){set(pending()), warned(warning("FailedCreatePodSandBox", handler))}, 0, 3 * time.Second, []string{"FailedCreatePodSandBox", `no runtime for "kata" is configured`}},
		{"a handler that containerd lists and whose shim does not exist", []func(*watcher){set(pending()), warned(warning("FailedCreatePodSandBox", shim))}, 0, 3 * time.Second, []string{"invalid custom binary path", "runtime_path of the handler"}},
		{"an annotation that Kata refuses", []func(*watcher){set(pending()), warned(warning("FailedCreatePodSandBox", annotation))}, 0, 3 * time.Second, []string{"is not enabled", "enable_annotations"}},
		{"a warning that came before the pod", []func(*watcher){warned(warning("FailedCreatePodSandBox", handler)), set(pending())}, 0, 3 * time.Second, []string{"FailedCreatePodSandBox"}},
		{"a container that ended", []func(*watcher){set(pending(func(p *corev1.Pod) { p.Status.Phase, p.Status.Reason = corev1.PodFailed, "Evicted" }))}, 0, 2 * time.Second, []string{"Evicted"}},
		{"no room, after the grace period", []func(*watcher){set(pending(unschedulable))}, 20 * time.Second, 25 * time.Second, []string{"0/1 nodes are available"}},
		{"room in time", []func(*watcher){set(pending(unschedulable)), set(pending()), set(runningPod(imageDigest))}, 0, 4 * time.Second, nil},
		{"a volume that cannot be mounted, said again and again", again("FailedMount", "hostPath type check failed", 0, 1, 3, 7, 15), 20 * time.Second, 25 * time.Second, []string{"FailedMount"}},
		{"a volume that was mounted late, while the sandbox takes its time", append(again("FailedMount", "not registered", 0, 1, 40), set(runningPod(imageDigest))), 40 * time.Second, 45 * time.Second, nil},
		{"a volume that could not be mounted once, and then nothing", again("FailedMount", "not registered", 0), 2 * time.Minute, 2*time.Minute + time.Second, []string{"pod ns/p: FailedMount: not registered", "does not run after 2m0s (Pending)"}},
		{"a sandbox that fails now and then", again("FailedCreatePodSandBox", "the agent does not answer", 0, 35, 70), 55 * time.Second, 56 * time.Second, []string{"the agent does not answer"}},
		{"a warning with the final text", []func(*watcher){set(pending()), warned(warning("FailedCreatePodSandBox", "the agent failed to load final-mark"))}, 0, 3 * time.Second, []string{"final-mark"}},
		{"deleted by somebody", []func(*watcher){set(pending()), func(w *watcher) { w.removePod(pending()) }}, 0, 3 * time.Second, []string{"pod ns/p was deleted by somebody else"}},
		{"deleted, and the watch missed it", []func(*watcher){set(pending()), func(w *watcher) { w.removePod(cache.DeletedFinalStateUnknown{Key: "ns/p", Obj: pending()}) }}, 0, 3 * time.Second, []string{"was deleted by somebody else"}},
		{"never seen", nil, 2 * time.Minute, 2*time.Minute + time.Second, []string{"pod ns/p does not run after 2m0s (never seen)", "--timeout-scale"}},
		{"hangs while it is made", []func(*watcher){set(pending(waiting("ContainerCreating", "")))}, 2 * time.Minute, 2*time.Minute + time.Second, []string{"does not run after 2m0s (Pending, ContainerCreating)"}},
		{"an API server that is gone", []func(*watcher){set(pending()), func(w *watcher) { w.lose(refusedConnection{}) }}, 20 * time.Second, 25 * time.Second, []string{"the API server does not answer any more"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod, after, err := inABubble(t, timeouts, test.steps...)
			if after < test.from || after > test.within {
				t.Errorf("took %v, want %v to %v", after, test.from, test.within)
			}
			if test.says == nil {
				if err != nil || pod == nil || pod.Status.Phase != corev1.PodRunning {
					t.Errorf("got %v, %v; want the running pod", pod, err)
				}
				return
			}
			expectError(t, err, test.says...)
		})
	}
}

// refusedConnection is a network error of the kind that a dead server causes.
type refusedConnection struct{}

func (refusedConnection) Error() string   { return "dial tcp 127.0.0.1:1: i/o timeout" }
func (refusedConnection) Timeout() bool   { return true }
func (refusedConnection) Temporary() bool { return true }

func TestRunningEndsWithTheRun(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupted"))
	_, err := newWatcher().running(ctx, pending(), DefaultTimeouts(1), "")
	expectError(t, err, "pod ns/p", "interrupted")
}

// The watch itself: one of the run's pods, and one of the warnings per namespace.
func TestWatcherFollowsTheRun(t *testing.T) {
	client := fake.NewClientset()
	w := newWatcher()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := w.start(ctx, client, "run-1", []string{"ns"}); err != nil {
		t.Fatal(err)
	}
	ours := pending(func(p *corev1.Pod) { p.Labels = pods.Labels("run-1", "t", "subject") })
	theirs := pending(func(p *corev1.Pod) { p.Name, p.UID, p.Labels = "q", "uid-2", pods.Labels("run-2", "t", "subject") })
	for _, pod := range []*corev1.Pod{theirs, ours} {
		if _, err := client.CoreV1().Pods("ns").Create(ctx, pod, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	event := warning("FailedCreatePodSandBox", "no runtime for \"kata\" is configured")
	if _, err := client.CoreV1().Events("ns").Create(ctx, event, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.running(ctx, ours, DefaultTimeouts(1), ""); err == nil || !strings.Contains(err.Error(), "no runtime for") {
		t.Errorf("waiting for the pod: %v", err)
	}
	for _, action := range client.Actions() {
		if action.GetVerb() == "watch" && action.GetResource().Resource == "pods" && action.GetNamespace() != "" {
			t.Errorf("the pods of namespace %s are watched alone", action.GetNamespace())
		}
	}
	if err := client.CoreV1().Pods("ns").Delete(ctx, "p", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	limit, stop := context.WithTimeoutCause(ctx, 10*time.Second, fmt.Errorf("the watch did not tell of the deletion"))
	defer stop()
	w.gone(limit, ours)
	if limit.Err() != nil {
		t.Error(context.Cause(limit))
	}
}

func TestDefaultTimeoutsAreScaled(t *testing.T) {
	base, tripled := DefaultTimeouts(1), DefaultTimeouts(3)
	for name, pair := range map[string][2]time.Duration{
		"Request": {base.Request, tripled.Request}, "Pods": {base.Pods, tripled.Pods}, "Grace": {base.Grace, tripled.Grace},
		"Round": {base.Round, tripled.Round}, "Training": {base.Training, tripled.Training}, "Cleanup": {base.Cleanup, tripled.Cleanup},
	} {
		if pair[0] <= 0 || pair[1] != 3*pair[0] {
			t.Errorf("time-out %s is %v, and %v at factor 3", name, pair[0], pair[1])
		}
	}
}
