package certification

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
)

// Target is one node and one RuntimeClass under certification.
type Target struct {
	ID    string
	Node  corev1.Node
	Class nodev1.RuntimeClass
}

// Plan is what a run will do, and what it will leave out.
type Plan struct {
	Targets  []Target
	Controls []catalogue.Control
	// Vantages are those that the controls need besides the witness.
	Vantages  []evidence.Vantage
	Reference string
	Skipped   []reports.Skip
}

// tenants says whether the plan needs the tenants' data and listeners.
func (p Plan) tenants() bool {
	return slices.ContainsFunc(p.Controls, func(c catalogue.Control) bool { return c.NeedsTenants })
}

// aftermath says whether the plan needs a look after the tenants are gone.
func (p Plan) aftermath() bool {
	return slices.ContainsFunc(p.Controls, func(c catalogue.Control) bool { return c.NeedsAftermath })
}

// optIn lists the probes that do more than look and that the plan's controls ask
// for.
func (p Plan) optIn() []string {
	var ids []string
	for _, c := range p.Controls {
		ids = append(ids, c.OptIn...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// needs says whether the plan needs the vantage.
func (p Plan) needs(v evidence.Vantage) bool { return slices.Contains(p.Vantages, v) }

// MakePlan reads nodes and RuntimeClasses and decides what will be certified.
func MakePlan(ctx context.Context, client kubernetes.Interface, all []catalogue.Control, o Options) (Plan, error) {
	controls, err := catalogue.Select(all, o.Choice)
	if err != nil {
		return Plan{}, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	plan := Plan{Controls: controls}
	for _, c := range controls {
		plan.Vantages = append(plan.Vantages, c.Vantages()...)
	}
	slices.Sort(plan.Vantages)
	plan.Vantages = slices.Compact(plan.Vantages)

	classes, err := client.NodeV1().RuntimeClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return plan, fmt.Errorf("list the RuntimeClasses of the cluster: %w", err)
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return plan, fmt.Errorf("list the nodes of the cluster: %w", err)
	}
	chosenClasses, err := chooseClasses(classes.Items, o.RuntimeClasses)
	if err != nil {
		return plan, err
	}
	plan.Reference, err = chooseReference(classes.Items, o.ReferenceRuntimeClass)
	if err != nil {
		return plan, err
	}
	chosenNodes, skipped, err := chooseNodes(nodes.Items, o.Nodes)
	if err != nil {
		return plan, err
	}
	plan.Skipped = skipped
	for _, node := range chosenNodes {
		for _, class := range chosenClasses {
			id := node.Name + "/" + class.Name
			if !Schedulable(class, node) {
				plan.Skipped = append(plan.Skipped, reports.Skip{What: id, Why: "the RuntimeClass's nodeSelector does not match the node's labels"})
				continue
			}
			plan.Targets = append(plan.Targets, Target{ID: id, Node: node, Class: class})
		}
	}
	if len(plan.Targets) == 0 {
		return plan, fmt.Errorf("there is nothing to certify: no ready node fits the chosen RuntimeClasses (%s)", skipText(plan.Skipped))
	}
	return plan, plan.unmet(o)
}

// unmet says which of the nodes and RuntimeClasses that were named no target has: a
// certificate must not be read as theirs.
func (p Plan) unmet(o Options) error {
	var missing []string
	for _, name := range o.Nodes {
		if !slices.ContainsFunc(p.Targets, func(t Target) bool { return t.Node.Name == name }) {
			missing = append(missing, "node "+name)
		}
	}
	for _, name := range o.RuntimeClasses {
		if !slices.ContainsFunc(p.Targets, func(t Target) bool { return t.Class.Name == name }) {
			missing = append(missing, "RuntimeClass "+name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("what was named cannot be certified: %s (%s); mend it, or leave it out", strings.Join(missing, ", "), skipText(p.Skipped))
}

// plainHandlers are handlers that stand for no sandbox; a RuntimeClass with one
// of them is certified only when it is named.
var plainHandlers = []string{"runc", "crun", "youki", "nvidia", "nvidia-cdi", "nvidia-legacy"}

// Plain says whether a RuntimeClass stands for no sandbox by its handler's name.
func Plain(class nodev1.RuntimeClass) bool { return slices.Contains(plainHandlers, class.Handler) }

func chooseClasses(classes []nodev1.RuntimeClass, wanted []string) ([]nodev1.RuntimeClass, error) {
	var chosen []nodev1.RuntimeClass
	if len(wanted) == 0 {
		for _, class := range classes {
			if !Plain(class) {
				chosen = append(chosen, class)
			}
		}
		if len(chosen) == 0 {
			return nil, fmt.Errorf("%w: the cluster has no RuntimeClass of a sandbox (it has: %s); install Kata Containers or name a class with --runtime-class", ErrUsage, names(classes))
		}
		return chosen, nil
	}
	for n, name := range wanted {
		if slices.Contains(wanted[:n], name) {
			continue // named twice, certified once
		}
		i := slices.IndexFunc(classes, func(c nodev1.RuntimeClass) bool { return c.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("%w: unknown RuntimeClass %q: the cluster has %s", ErrUsage, name, names(classes))
		}
		chosen = append(chosen, classes[i])
	}
	return chosen, nil
}

func chooseReference(classes []nodev1.RuntimeClass, wanted string) (string, error) {
	for _, class := range classes {
		if class.Name == wanted || (wanted == "" && class.Name == "runc" && class.Handler == "runc") {
			return class.Name, nil
		}
	}
	if wanted != "" {
		return "", fmt.Errorf("%w: unknown RuntimeClass %q given as the reference: the cluster has %s", ErrUsage, wanted, names(classes))
	}
	return "", nil
}

func chooseNodes(nodes []corev1.Node, wanted []string) (chosen []corev1.Node, skipped []reports.Skip, err error) {
	for _, name := range wanted {
		if !slices.ContainsFunc(nodes, func(n corev1.Node) bool { return n.Name == name }) {
			return nil, nil, fmt.Errorf("%w: unknown node %q: the cluster has %s", ErrUsage, name, names(nodes))
		}
	}
	for _, node := range nodes {
		if len(wanted) > 0 && !slices.Contains(wanted, node.Name) {
			continue
		}
		if why := Unusable(node); why != "" {
			skipped = append(skipped, reports.Skip{What: "node " + node.Name, Why: why})
			continue
		}
		chosen = append(chosen, node)
	}
	return chosen, skipped, nil
}

// Unusable says why a node cannot be certified; empty where it can.
func Unusable(node corev1.Node) string {
	switch os := node.Labels[corev1.LabelOSStable]; {
	case os != "" && os != "linux":
		return "it runs " + os
	case !ready(node):
		return "it is not Ready"
	case node.Spec.Unschedulable:
		return "it is cordoned"
	default:
		return ""
	}
}

func ready(node corev1.Node) bool {
	return slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// Schedulable says whether pods of the class may come to the node, by its labels.
func Schedulable(class nodev1.RuntimeClass, node corev1.Node) bool {
	return class.Scheduling == nil || labels.SelectorFromSet(class.Scheduling.NodeSelector).Matches(labels.Set(node.Labels))
}

// names lists the names of objects for an error message.
func names[T any, P interface {
	*T
	GetName() string
}](items []T) string {
	if len(items) == 0 {
		return "none"
	}
	list := make([]string, len(items))
	for i := range items {
		list[i] = P(&items[i]).GetName()
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func skipText(skipped []reports.Skip) string {
	if len(skipped) == 0 {
		return "the cluster has no node"
	}
	parts := make([]string, len(skipped))
	for i, s := range skipped {
		parts[i] = s.What + ": " + s.Why
	}
	return strings.Join(parts, "; ")
}
