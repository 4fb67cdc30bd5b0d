package certification

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/reports"
)

// cleanUp removes what the run made in the cluster. What does not go away in
// time becomes a leftover of the report.
func (r *runner) cleanUp(ctx context.Context) {
	r.unmutate(ctx)
	if r.o.Cluster.Disposable {
		r.o.Progress.Done(1)
		return
	}
	start := time.Now().UTC()
	r.o.Progress.Phase("", "clean up")
	left, err := removeRuns(ctx, r.client, r.o.Timeouts.Cleanup, func(run string, _ process) bool { return run == pods.LabelValue(r.o.RunID) })
	r.mu.Lock()
	r.report.Leftovers = append(r.report.Leftovers, left...)
	if err != nil {
		r.report.Leftovers = append(r.report.Leftovers, fmt.Sprintf("it is not known what is left in the cluster: %v", err))
	}
	r.mu.Unlock()
	r.timing(reports.Timing{Phase: "clean up", Started: start, Duration: time.Since(start)})
	r.o.Progress.Done(1)
}

// sweepDeadRuns removes what runs of this machine left that were killed, and says
// what it waits for. What does not go stops nobody: it is none of this run's.
func (r *runner) sweepDeadRuns(ctx context.Context) error {
	var swept []string
	timeout := r.o.Timeouts.Cleanup
	left, err := removeRuns(ctx, r.client, timeout, func(run string, owner process) bool {
		if owner.dead() && !slices.Contains(swept, run) {
			swept = append(swept, run)
			r.o.Progress.Note(fmt.Sprintf("removing what the killed run %s left in the cluster, which may take %s at most", run, timeout))
		}
		return owner.dead()
	})
	switch {
	case err != nil:
		return fmt.Errorf("remove what killed runs left: %w", err)
	case len(left) > 0:
		r.o.Progress.Note("still left of killed runs, which the next run tries to remove again: " + strings.Join(left, "; "))
	case len(swept) > 0:
		r.o.Progress.Note("removed what " + strings.Join(swept, ", ") + " had left in the cluster")
	}
	return nil
}

// removeRuns deletes the namespaces of the chosen runs, and so everything in
// them, and waits until they are gone. It returns what is left, with the
// finalizer that holds it. Nothing without katacert's own labels is touched.
func removeRuns(ctx context.Context, client kubernetes.Interface, timeout time.Duration, choose func(run string, owner process) bool) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	list, err := client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{LabelSelector: pods.LabelManagedBy + "=" + pods.ManagedBy + "," + pods.LabelRun})
	if err != nil {
		return nil, fmt.Errorf("list the namespaces of runs: %w", err)
	}
	var group errgroup.Group
	left := make([]string, len(list.Items))
	for i, namespace := range list.Items {
		owner, _ := parseProcess(namespace.Annotations[annotationOwner])
		if !choose(namespace.Labels[pods.LabelRun], owner) {
			continue
		}
		group.Go(func() error {
			left[i] = removeNamespace(ctx, client, namespace)
			return nil
		})
	}
	_ = group.Wait() // removeNamespace says what is left
	return slices.DeleteFunc(left, func(s string) bool { return s == "" }), nil
}

// lastLook bounds the one request after the time for clean-up is over.
const lastLook = 5 * time.Second

// removeNamespace returns what is left, or nothing.
func removeNamespace(ctx context.Context, client kubernetes.Interface, namespace corev1.Namespace) string {
	err := client.CoreV1().Namespaces().Delete(ctx, namespace.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &namespace.UID}})
	if apierrors.IsNotFound(err) {
		return ""
	}
	if err != nil && !apierrors.IsConflict(err) {
		return fmt.Sprintf("namespace %s: delete it: %v", namespace.Name, err)
	}
	if err := waitGone(ctx, client, namespace.Name); err != nil {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
		defer cancel()
		now, getErr := client.CoreV1().Namespaces().Get(last, namespace.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(getErr) {
			return ""
		}
		if getErr != nil {
			now = nil
		}
		return fmt.Sprintf("namespace %s: %v (%s)", namespace.Name, err, holdup(now))
	}
	return ""
}

func waitGone(ctx context.Context, client kubernetes.Interface, name string) error {
	watch, err := client.CoreV1().Namespaces().Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	if err != nil {
		return fmt.Errorf("watch it go: %w", err)
	}
	defer watch.Stop()
	if _, err := client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{}); apierrors.IsNotFound(err) {
		return nil
	}
	for {
		select {
		case event, ok := <-watch.ResultChan():
			if !ok {
				return errors.New("the watch ended before it was gone")
			}
			if event.Type == "DELETED" {
				return nil
			}
		case <-ctx.Done():
			return errors.New("it was not gone in time")
		}
	}
}

// holdup says what keeps a namespace from going.
func holdup(namespace *corev1.Namespace) string {
	if namespace == nil {
		return "its state is not known"
	}
	var reasons []string
	for _, f := range namespace.Finalizers {
		reasons = append(reasons, "finalizer "+f)
	}
	for _, c := range namespace.Status.Conditions {
		if c.Status == corev1.ConditionTrue && c.Message != "" {
			reasons = append(reasons, c.Message)
		}
	}
	if len(reasons) == 0 {
		return "phase " + string(namespace.Status.Phase)
	}
	return strings.Join(reasons, "; ")
}

// Removed is what Remove found of runs in a cluster.
type Removed struct {
	// Runs were removed, but for what is Left of them.
	Runs, Left []string
	// Others are runs that were let be: they go on, or it is not known that they ended,
	// as of those of other machines.
	Others []string
}

// Remove removes the namespaces of one run, whether it goes on or not, or, when run is
// empty, of every run of this machine that was killed.
func Remove(ctx context.Context, client kubernetes.Interface, run string, timeout time.Duration) (Removed, error) {
	var of Removed
	note := func(list *[]string, found string) {
		if !slices.Contains(*list, found) {
			*list = append(*list, found)
		}
	}
	left, err := removeRuns(ctx, client, timeout, func(found string, owner process) bool {
		switch {
		case run == "" && owner.dead() || run != "" && found == pods.LabelValue(run):
			note(&of.Runs, found)
			return true
		case run == "":
			note(&of.Others, found)
		}
		return false
	})
	of.Left = left
	return of, err
}
