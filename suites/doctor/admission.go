package doctor

import (
	"context"
	"fmt"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/katacert/katacert/fixtures/pods"
)

// dryRunNamespace is where pods are tried that are never made: every cluster has it,
// and policies that exempt namespaces of the system do not exempt it.
const dryRunNamespace = metav1.NamespaceDefault

// placeholderImage stands in dry runs for an image whose registry was not given.
const placeholderImage = "registry.invalid/katacert/probe:doctor"

// dryRun is one object that a run would make, tried by server-side dry run.
type dryRun struct {
	// what is the object in words, class the RuntimeClass of a pod under test.
	what, class string
	err         error
}

// tryPods tries what a run makes: its namespaces, the witness and a pod of each
// RuntimeClass. Nothing of it is made.
func (o Options) tryPods(ctx context.Context, client kubernetes.Interface, f *facts, namespace string) []dryRun {
	run, image := stamp(), o.Image
	if image == "" {
		image = placeholderImage
	}
	dry := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	var tries []dryRun
	var does []func(context.Context) error
	add := func(what, class string, do func(context.Context) error) {
		tries, does = append(tries, dryRun{what: what, class: class}), append(does, do)
	}
	for _, level := range []pods.PodSecurity{pods.PodSecurityPrivileged, pods.PodSecurityBaseline} {
		add("a namespace of Pod Security level "+string(level), "", func(ctx context.Context) error {
			_, err := client.CoreV1().Namespaces().Create(ctx, pods.Namespace(run, string(level), level), dry)
			return err
		})
	}
	pod := func(what, class string, pod *corev1.Pod) {
		add(what, class, func(ctx context.Context) error {
			_, err := client.CoreV1().Pods(namespace).Create(ctx, pod, dry)
			return err
		})
	}
	options := pods.Options{Run: run, Target: "doctor", Namespace: namespace, Image: image}
	pod("the witness, a privileged pod", "", pods.Witness(options))
	for _, c := range f.classes {
		options.Target, options.RuntimeClass = c.Name, c.Name
		pod("a tenant's pod", c.Name, pods.Subject(options))
	}
	var wait sync.WaitGroup
	for i := range tries {
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, o.Timeouts.Request)
			defer cancel()
			tries[i].err = does[i](ctx)
		})
	}
	wait.Wait()
	return tries
}

// admission finds what the API server would refuse. Pod Security judges a pod by its
// namespace's labels, which those of a run have and the dry run's has not.
func (d *Diagnosis) admission(tries []dryRun) {
	for _, try := range tries {
		about := aboutCluster
		if try.class != "" {
			about = aboutClass(try.class)
		}
		switch {
		case try.err == nil:
			d.add(about, "admission", OK, try.what+" would be admitted", "")
		case strings.Contains(try.err.Error(), "violates PodSecurity"):
			d.add(about, "admission", Unknown, fmt.Sprintf("%s is refused in namespace %s by its Pod Security level alone; a run's namespaces carry their own", try.what, dryRunNamespace), witnessTells)
		case strings.Contains(try.err.Error(), "cannot create resource"):
			d.add(about, "admission", Unknown, try.what+" was not tried: "+oneLine(try.err), "see the permission that is missing")
		default:
			d.add(about, "admission", Problem, try.what+" would be refused: "+oneLine(try.err), adviceOf(try.err))
		}
	}
}

// adviceOf says what to do about a refusal.
func adviceOf(err error) string {
	text := err.Error()
	switch {
	case strings.Contains(text, "admission webhook"):
		return "exempt namespaces with label " + pods.LabelManagedBy + "=" + pods.ManagedBy + " from the webhook's policy for the time of the run, or give the tenants' namespaces the label that it asks for by --tenant-label"
	case strings.Contains(text, "ValidatingAdmissionPolicy"):
		return "exempt namespaces with label " + pods.LabelManagedBy + "=" + pods.ManagedBy + " in the policy's binding for the time of the run"
	case strings.Contains(text, "security context constraint"):
		return "let the run's service accounts use the security context constraint privileged"
	case strings.Contains(text, "quota"):
		return "raise the quota, or let it not select the run's namespaces"
	default:
		return "the message says which rule refuses it"
	}
}
