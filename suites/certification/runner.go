package certification

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// Runner is a prepared certification: the cluster answered and the plan stands.
type Runner struct {
	r *runner
}

type runner struct {
	o        Options
	client   kubernetes.Interface
	exec     executor
	requests atomic.Int64
	plan     Plan
	dir      string
	evidence *evidenceFile
	watch    *watcher

	// undo takes back what a mutant made beyond the namespaces.
	undo func(context.Context) error
	// claims is set where claims of volumes can be served.
	claims bool
	// secret is what the tenants' tokens are derived from.
	secret []byte

	// rights are those of the account that pods have by default.
	rights once
	// anonymous are the answers to requests without credentials.
	anonymous once

	namespaces struct{ node, tenantA, tenantB string }

	mu     sync.Mutex
	report *reports.Report
	// plugins are the images of device plugins that were seen on nodes.
	plugins []reports.Image
}

// nodesAtOnce is how many nodes are certified at the same time. Targets of one
// node follow each other, because they would disturb each other's counters.
const nodesAtOnce = 8

// Prepare makes the run's folder, asks the cluster what there is and plans.
// Where it fails the report says why, with every chosen control as an error. An
// ErrUsage leaves neither report nor folder: nothing was begun.
func Prepare(ctx context.Context, o Options) (*Runner, *reports.Report, error) {
	r, err := begin(o)
	if err != nil {
		return nil, nil, err
	}
	if err := r.prepare(ctx, Catalogue()); err != nil {
		if errors.Is(err, ErrUsage) {
			return nil, nil, errors.Join(err, r.evidence.discard())
		}
		r.abort(err)
		return nil, r.report, err
	}
	return &Runner{r}, r.report, nil
}

// Abort makes the report of a run that never reached its cluster: every chosen
// control is an error, with the cause as its reason.
func Abort(o Options, cause error) (*reports.Report, error) {
	r, err := begin(o)
	if err != nil {
		return nil, err
	}
	r.abort(cause)
	return r.report, nil
}

// begin makes the run's folder and an empty report with every chosen control.
func begin(o Options) (*runner, error) {
	chosen, err := catalogue.Select(Catalogue(), o.Choice)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	if o.RunID == "" {
		o.RunID = NewRunID(time.Now())
	}
	r := &runner{o: o, watch: newWatcher(), secret: newSecret(), report: &reports.Report{
		Schema: reports.Schema,
		Run: reports.Run{ID: o.RunID, Tool: "katacert", Version: o.Version, Started: time.Now().UTC(),
			Profile: o.Choice.Profile, Require: o.Require},
		Cluster: reports.Cluster{Provider: o.Cluster.Provider, Name: o.Cluster.Name},
	}}
	for _, c := range chosen {
		r.report.Controls = append(r.report.Controls, reports.Entry(c))
	}
	r.dir = filepath.Join(o.Out, o.RunID)
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the run's folder: %w: choose another with --out", err)
	}
	if r.evidence, err = openEvidence(r.dir); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *runner) abort(cause error) {
	r.report.Run.SetupError = cause.Error()
	r.finish()
}

func (r *runner) prepare(ctx context.Context, all []catalogue.Control) error {
	if err := r.connect(); err != nil {
		return err
	}
	if err := r.askCluster(ctx); err != nil {
		return err
	}
	controls, err := catalogue.Select(all, r.o.Choice)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUsage, err)
	}
	if err := CheckAccess(ctx, r.client, r.o.Cluster, controls, r.o.extras(), r.o.Timeouts); err != nil {
		return err
	}
	r.plan, err = MakePlan(ctx, r.client, all, r.o)
	if err != nil {
		return err
	}
	r.report.Skipped = r.plan.Skipped
	for _, t := range r.plan.Targets {
		r.report.Targets = append(r.report.Targets, reports.Target{
			ID: t.ID, Node: describeNode(t.Node), RuntimeClass: t.Class.Name, Handler: t.Class.Handler,
		})
	}
	if r.plan.needs(evidence.Trainer) {
		r.report.Notices = append(r.report.Notices, r.o.Training.notice())
	}
	r.report.Notices = append(r.report.Notices, r.aboutGPUs()...)
	if r.o.Cluster.Provider == "local" && slices.ContainsFunc(r.plan.Controls, func(c catalogue.Control) bool { return c.ID == "net-metadata" }) {
		r.report.Notices = append(r.report.Notices,
			"Network: at 169.254.169.254 a stand-in of the local cluster answers as the clouds' metadata services do.")
	}
	for _, image := range []reports.Image{{Name: "probe", Ref: r.o.Images.Probe}, {Name: "trainer", Ref: r.o.Images.Trainer}, {Name: "gpu-probe", Ref: r.o.Images.GPUProbe}, {Name: "training", Ref: r.o.Training.Image}} {
		if image.Ref != "" {
			image.Digest = digestOf(image.Ref)
			r.report.Images = append(r.report.Images, image)
		}
	}
	return nil
}

// Plan returns what the run will do.
func (p *Runner) Plan() Plan { return p.r.plan }

// Dir is the run's folder.
func (p *Runner) Dir() string { return p.r.dir }

// Run carries the plan out and returns the report, which is whole whatever
// happened. Evidence is appended to the run's folder as it arrives. When ctx
// ends, the run stops, cleans up and says so in the report.
func (p *Runner) Run(ctx context.Context) *reports.Report {
	r := p.r
	r.o.Progress.Plan(r.steps())
	if err := r.carryOut(ctx); err != nil && ctx.Err() == nil {
		r.report.Run.SetupError = err.Error()
	}
	if ctx.Err() != nil {
		r.report.Run.Interrupted = context.Cause(ctx).Error()
	}
	r.report.Images = append(r.report.Images, r.pluginImages()...)
	r.judge()
	r.finish()
	return r.report
}

func (r *runner) steps() int {
	perTarget := stepsOfTarget
	if r.plan.needs(evidence.Trainer) {
		perTarget += stepsOfTraining
	}
	if r.referenceFirst() {
		perTarget += stepsOfTraining
	}
	if r.plan.aftermath() {
		perTarget += stepsOfAftermath
	}
	if len(r.plan.annotations()) > 0 {
		perTarget += stepsOfAnnotations
	}
	return len(r.plan.Targets)*perTarget + r.targetsWithGPUs()*stepsOfGPUs + 2
}

func (r *runner) carryOut(ctx context.Context) (err error) {
	watching, stopWatching := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWatching()
	defer func() { r.cleanUp(context.WithoutCancel(ctx)) }()
	start := time.Now().UTC()
	r.o.Progress.Phase("", "set up")
	if err := r.setUp(ctx, watching); err != nil {
		return err
	}
	r.timing(reports.Timing{Phase: "set up", Started: start, Duration: time.Since(start)})
	r.o.Progress.Done(1)

	byNode := map[string][]Target{}
	var order []string
	for _, t := range r.plan.Targets {
		if byNode[t.Node.Name] == nil {
			order = append(order, t.Node.Name)
		}
		byNode[t.Node.Name] = append(byNode[t.Node.Name], t)
	}
	var group errgroup.Group
	group.SetLimit(nodesAtOnce)
	for _, node := range order {
		group.Go(func() error {
			for i, target := range byNode[node] {
				if ctx.Err() != nil || r.evidence.err() != nil {
					return nil
				}
				before := r.requests.Load()
				t := &targetRun{r: r, target: target, last: i == len(byNode[node])-1 && !r.o.AwaitPods}
				t.certify(ctx)
				r.describeTarget(t, int(r.requests.Load()-before))
			}
			return nil
		})
	}
	_ = group.Wait() // targets report through their evidence
	return nil
}

// describeTarget notes what the target turned out to be.
func (r *runner) describeTarget(t *targetRun, requests int) {
	records := r.evidence.of(t.target.ID)
	gathered := judge.Gather(records)
	cpu := map[evidence.Vantage]time.Duration{}
	var most time.Duration
	for _, record := range records {
		if trains(record.Vantage) {
			continue // training is work, not a probe
		}
		cpu[record.Vantage] += time.Duration(record.CPUMicros) * time.Microsecond
		most = max(most, cpu[record.Vantage])
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.report.Targets {
		target := &r.report.Targets[i]
		if target.ID != t.target.ID {
			continue
		}
		target.ProbeCPU = most
		target.Node.Cgroup = cgroupVersion(records)
		if len(r.plan.Targets) == 1 {
			target.APIRequests = requests
		}
		target.Runtime, target.Parts = reports.RuntimeOf(gathered), reports.PartsOf(gathered)
		if notice := aboutKind(target.RuntimeClass, target.Runtime.Kind); notice != "" {
			r.report.Notices = append(r.report.Notices, notice)
		}
	}
	for _, record := range records {
		if record.Vantage != evidence.Witness || record.Round != evidence.Settle || t.witness().err != nil {
			continue // a witness that never stood planted nothing
		}
		o, ok := record.Observation("plants")
		if ok && o.State == evidence.Seen {
			left, _ := o.Values.List("left")
			for _, what := range left {
				r.report.Leftovers = append(r.report.Leftovers, "node "+t.target.Node.Name+": "+what)
			}
		} else {
			r.report.Leftovers = append(r.report.Leftovers, fmt.Sprintf("node %s: it is not known whether everything planted is gone: %s",
				t.target.Node.Name, cmp.Or(record.Error, o.Detail, o.Errno, "the witness did not look")))
		}
	}
}

// aboutKind says what a reader must know of a target that is no Kata.
func aboutKind(class string, kind judge.Kind) string {
	switch kind {
	case judge.KindUserKernel:
		return fmt.Sprintf("RuntimeClass %s is gVisor, a kernel in user space: this run says nothing about Kata Containers.", class)
	case judge.KindNone:
		return fmt.Sprintf("RuntimeClass %s runs plain containers: there is no sandbox.", class)
	case judge.KindUnknown:
		return fmt.Sprintf("RuntimeClass %s is run by a runtime that katacert does not know.", class)
	default:
		return ""
	}
}

func (r *runner) judge() {
	for _, t := range r.plan.Targets {
		verdicts := catalogue.JudgeAll(r.plan.Controls, judge.Gather(r.evidence.of(t.ID)))
		if len(r.evidence.of(t.ID)) == 0 {
			continue // Conclude says why there is no verdict
		}
		for _, c := range r.plan.Controls {
			r.report.Verdicts = append(r.report.Verdicts, reports.Verdict{Control: c.ID, Target: t.ID, Verdict: verdicts[c.ID]})
		}
		r.report.Figures = append(r.report.Figures, figures(t.ID, r.evidence.of(t.ID))...)
	}
}

// finish closes the evidence and concludes the report.
func (r *runner) finish() {
	if err := errors.Join(r.evidence.err(), r.evidence.close()); err != nil && r.report.Run.Interrupted == "" {
		r.report.Run.Interrupted = err.Error()
	}
	r.report.Run.Finished = time.Now().UTC()
	r.report.Conclude()
}

func (r *runner) timing(t reports.Timing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Timings = append(r.report.Timings, t)
}

// cgroupVersion is the version of the node's control groups that the witness found.
func cgroupVersion(records []evidence.Record) int {
	for _, record := range records {
		if o, ok := record.Observation("node"); ok && record.Vantage == evidence.Witness {
			if version, ok := o.Values.Number("cgroup_version"); ok {
				return int(version)
			}
		}
	}
	return 0
}

func describeNode(n corev1.Node) reports.Node {
	info := n.Status.NodeInfo
	return reports.Node{Name: n.Name, Kernel: info.KernelVersion, OS: info.OSImage, Architecture: info.Architecture,
		ContainerRuntime: info.ContainerRuntimeVersion, Kubelet: info.KubeletVersion}
}
