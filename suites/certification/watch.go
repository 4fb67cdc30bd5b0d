package certification

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/katacert/katacert/fixtures/pods"
)

// watcher keeps the run's pods and the warnings about them as the API server
// tells them, so that waiting costs no requests: one watch of the pods and one
// of the events of each namespace serve all targets.
type watcher struct {
	mu      sync.Mutex
	pods    map[types.UID]*corev1.Pod
	events  map[types.UID]map[types.UID]corev1.Event
	changed chan struct{}
	// lost says why the API server cannot be watched, while it cannot.
	lost error
}

func newWatcher() *watcher {
	return &watcher{
		pods:    map[types.UID]*corev1.Pod{},
		events:  map[types.UID]map[types.UID]corev1.Event{},
		changed: make(chan struct{}),
	}
}

// start watches until ctx ends, and returns once the first lists are in.
func (w *watcher) start(ctx context.Context, client kubernetes.Interface, run string, namespaces []string) error {
	podFactory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.LabelSelector = pods.Selector(run)
	}))
	informer := podFactory.Core().V1().Pods().Informer()
	if err := informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) { w.lose(err) }); err != nil {
		return fmt.Errorf("watch the pods of run %s: %w", run, err)
	}
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { w.setPod(object) },
		UpdateFunc: func(_, object any) { w.setPod(object) },
		DeleteFunc: func(object any) { w.removePod(object) },
	}); err != nil {
		return fmt.Errorf("watch the pods of run %s: %w", run, err)
	}
	podFactory.Start(ctx.Done())
	synced := []cache.InformerSynced{informer.HasSynced}
	for _, namespace := range namespaces {
		factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(namespace),
			informers.WithTweakListOptions(func(o *metav1.ListOptions) {
				o.FieldSelector = fields.Set{"type": corev1.EventTypeWarning, "involvedObject.kind": "Pod"}.String()
			}))
		events := factory.Core().V1().Events().Informer()
		if _, err := events.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(object any) { w.setEvent(object) },
			UpdateFunc: func(_, object any) { w.setEvent(object) },
		}); err != nil {
			return fmt.Errorf("watch the events of namespace %s: %w", namespace, err)
		}
		factory.Start(ctx.Done())
		synced = append(synced, events.HasSynced)
	}
	if !cache.WaitForCacheSync(ctx.Done(), synced...) {
		return fmt.Errorf("watch the pods and events of run %s: %w", run, context.Cause(ctx))
	}
	return nil
}

func (w *watcher) setPod(object any) {
	if pod, ok := object.(*corev1.Pod); ok {
		w.update(func() { w.pods[pod.UID], w.lost = pod, nil })
	}
}

// lose notes that the API server does not answer. Watches that merely end are
// begun anew by the informer and mean nothing.
func (w *watcher) lose(err error) {
	if utilnet.IsConnectionRefused(err) || utilnet.IsConnectionReset(err) || utilnet.IsTimeout(err) {
		w.update(func() { w.lost = fmt.Errorf("the API server does not answer any more: %w", err) })
	}
}

func (w *watcher) removePod(object any) {
	if tombstone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = tombstone.Obj
	}
	if pod, ok := object.(*corev1.Pod); ok {
		w.update(func() { delete(w.pods, pod.UID) })
	}
}

func (w *watcher) setEvent(object any) {
	if event, ok := object.(*corev1.Event); ok {
		w.update(func() {
			of := w.events[event.InvolvedObject.UID]
			if of == nil {
				of = map[types.UID]corev1.Event{}
				w.events[event.InvolvedObject.UID] = of
			}
			of[event.UID] = *event
		})
	}
}

func (w *watcher) update(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
	close(w.changed)
	w.changed = make(chan struct{})
}

// pod returns what is known of a pod: its newest state, and its problem if it
// has one.
func (w *watcher) pod(uid types.UID) (*corev1.Pod, <-chan struct{}, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	pod := w.pods[uid]
	if pod == nil || w.lost != nil {
		return pod, w.changed, w.lost
	}
	var events []corev1.Event
	for _, event := range w.events[uid] {
		events = append(events, event)
	}
	return pod, w.changed, pods.Problem(pod, events)
}

// said is what warnings about a pod say, as it was said.
func (w *watcher) said(uid types.UID) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var messages []string
	for _, event := range w.events[uid] {
		messages = append(messages, event.Message)
	}
	return messages
}

// says tells whether a warning about a pod holds a text, which is not empty.
func (w *watcher) says(uid types.UID, text string) bool {
	return text != "" && slices.ContainsFunc(w.said(uid), func(message string) bool { return strings.Contains(message, text) })
}

// running waits until the pod runs, or says at once why it never will. A
// problem that may mend itself is borne for the grace period, unless a warning holds
// the final text, if there is one: then no further try is waited for.
func (w *watcher) running(ctx context.Context, created *corev1.Pod, t Timeouts, final string) (*corev1.Pod, error) {
	ctx, cancel := context.WithTimeout(ctx, t.Pods)
	defer cancel()
	var patience patience
	seen := false
	for {
		pod, changed, problem := w.pod(created.UID)
		if pod == nil && seen {
			return nil, fmt.Errorf("pod %s/%s was deleted by somebody else while it started", created.Namespace, created.Name)
		}
		seen = seen || pod != nil
		var failure *pods.Failure
		switch {
		case errors.As(problem, &failure) && (failure.Permanent || w.says(created.UID, final)):
			return nil, problem
		case problem == nil && pod != nil && allReady(pod):
			return pod, nil
		}
		patience.meet(problem, t.Grace)
		select {
		case <-changed:
		case <-patience.over():
			if patience.lost() {
				return nil, problem
			}
		case <-ctx.Done():
			return nil, late(created, pod, problem, t.Pods, context.Cause(ctx))
		}
	}
}

// late says that a pod does not run in time, and what was last said of it.
func late(created, pod *corev1.Pod, problem error, limit time.Duration, cause error) error {
	if problem != nil {
		return fmt.Errorf("%w; it does not run after %v (%s): %w", problem, limit, phase(pod), cause)
	}
	return fmt.Errorf("pod %s/%s does not run after %v (%s): raise --timeout-scale if the node is slow: %w",
		created.Namespace, created.Name, limit, phase(pod), cause)
}

func allReady(pod *corev1.Pod) bool {
	if pod.Status.Phase != corev1.PodRunning || len(pod.Status.ContainerStatuses) == 0 {
		return false
	}
	for _, status := range pod.Status.ContainerStatuses {
		if status.State.Running == nil {
			return false
		}
	}
	return true
}

func phase(pod *corev1.Pod) string {
	if pod == nil {
		return "never seen"
	}
	for _, status := range pod.Status.ContainerStatuses {
		if status.State.Waiting != nil && status.State.Waiting.Reason != "" {
			return string(pod.Status.Phase) + ", " + status.State.Waiting.Reason
		}
	}
	return string(pod.Status.Phase)
}
