package gputest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/fixtures/nvidia/driver"
	"github.com/katacert/katacert/fixtures/oci"
	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
)

// Programs are the programs that a run needs, by path.
type Programs struct{ Probe, Runc, Runsc string }

// Options say how a run goes.
type Options struct {
	// Run is the run's id.
	Run      string
	Programs Programs
	// Libraries are folders in which the driver's libraries are looked for first.
	Libraries []string
	// Rounds is how many short rounds there are at each place.
	Rounds int
	// StepTime bounds each process.
	StepTime time.Duration
	// Work is an empty folder for root file systems and runtimes' state.
	Work string
	// DriverVersion is the version that runsc is told; empty lets it ask the driver.
	DriverVersion string
	// Log gets what happens as it happens, for people.
	Log io.Writer
	// Keep gets each record of evidence as it comes.
	Keep func(evidence.Record) error
}

// tenantName is the name of the token that tenants leave in GPUs.
var tenantName = probes.TenantToken(probes.DataMemory, "a")

// run is a run under way.
type run struct {
	Options
	driver   *driver.Driver
	runners  map[Place]runner
	recorded Recorded
	// device is the GPU that containers are given.
	device string
	node   string
}

// Run lets gpu-probe look at every place and returns the evidence. A place or step
// that fails is an error in its records and stops nothing else; an error is returned
// where there is no GPU to look at, or evidence cannot be kept.
func Run(ctx context.Context, o Options) (Recorded, error) {
	found, err := driver.Find("/", o.Libraries)
	if err != nil {
		return nil, err
	}
	node, _ := os.Hostname()
	r := &run{
		Options: o, driver: found, node: node, recorded: Recorded{},
		runners: map[Place]runner{Native: &native{program: o.Programs.Probe, libraries: found.Folder, running: map[string]int{}}},
	}
	r.say("driver %s in %s, GPUs: %+v", found.Version, found.Folder, found.Cards)
	if err := r.nativeLook(ctx); err != nil {
		return r.recorded, err
	}
	if err := r.prepareContainers(); err != nil {
		r.say("no containers: %v", err)
	}
	if err := r.keepMachine(); err != nil {
		return r.recorded, err
	}
	for _, step := range []func(context.Context) error{r.containersLook, r.tenants, r.others, r.shortRounds} {
		if err := errors.Join(step(ctx), ctx.Err()); err != nil {
			return r.recorded, err
		}
	}
	return r.recorded, nil
}

func (r *run) say(format string, args ...any) {
	fmt.Fprintf(r.Log, "%s  %s\n", time.Now().UTC().Format("15:04:05.0"), shown(fmt.Sprintf(format, args...)))
}

// shown is a text, which may hold what a container said, without anything that a
// terminal would act on.
func shown(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = judge.Printable(strings.ReplaceAll(line, "\t", "    "), lineLimit)
	}
	return strings.Join(lines, "\n")
}

// nativeLook is what comes before any container: the driver makes its device nodes
// and knows the UUIDs once a program has used the GPUs.
func (r *run) nativeLook(ctx context.Context) error {
	if err := r.round(ctx, Native, stageBefore, "", only("gpu-nvml")); err != nil {
		return err
	}
	if err := r.round(ctx, Native, stageLook, "", all); err != nil {
		return err
	}
	if _, err := r.recorded.gpus(target(Native, stageLook), "gpu-cuda-devices"); err != nil {
		return fmt.Errorf("the GPU does not work on this machine itself, so nothing can be said of containers: %w", err)
	}
	again, err := driver.Find("/", r.Libraries)
	if err != nil {
		return err
	}
	r.driver = again
	lines, err := r.recorded.gpus(target(Native, stageLook), "gpu-nvml")
	if err != nil {
		return err
	}
	for i := range r.driver.Cards {
		card := &r.driver.Cards[i]
		for _, l := range lines {
			if card.UUID == "" && (sameAddress(l["bus"], card.Bus) || card.Bus == "" && len(lines) == 1) {
				card.UUID = l["uuid"]
			}
		}
	}
	return nil
}

// sameAddress compares PCI addresses whose domains are written with more digits or
// fewer.
func sameAddress(a, b string) bool {
	return b != "" && strings.TrimLeft(strings.ToLower(a), "0") == strings.TrimLeft(strings.ToLower(b), "0")
}

// prepareContainers makes the root file system and the CDI spec.
func (r *run) prepareContainers() error {
	for _, card := range r.driver.Cards {
		if card.UUID != "" {
			r.device = card.UUID
			break
		}
	}
	if r.device == "" {
		return errors.New("the driver says the UUID of no GPU")
	}
	var plugins []string
	for _, library := range r.driver.Libraries {
		plugins = append(plugins, library.Path)
	}
	root, err := oci.MakeRoot(filepath.Join(r.Work, "root"), r.Programs.Probe, plugins)
	if err != nil {
		return err
	}
	if len(root.Missing) > 0 {
		r.say("the driver's libraries name others that this machine lacks: %s", strings.Join(root.Missing, ", "))
	}
	devices, err := driver.Write(r.driver.Spec(root.Libraries), filepath.Join(r.Work, "cdi"))
	if err != nil {
		return err
	}
	runcFolder, runscFolder := filepath.Join(r.Work, "of-runc"), filepath.Join(r.Work, "of-runsc")
	if err := os.MkdirAll(oci.Logs(runscFolder), 0o755); err != nil {
		return err
	}
	if r.Programs.Runc != "" {
		r.runners[Runc] = &container{runtime: oci.Runc(r.Programs.Runc, runcFolder), root: root, devices: devices}
	}
	if r.Programs.Runsc != "" {
		r.runners[Runsc] = &container{
			runtime: oci.Runsc(r.Programs.Runsc, runscFolder, r.DriverVersion), root: root, devices: devices, logs: oci.Logs(runscFolder),
		}
	}
	return nil
}

// keepMachine records what the program itself knows: what was found, and what
// containers are given.
func (r *run) keepMachine() error {
	var uuids, cards, libraries, given []string
	for _, card := range r.driver.Cards {
		cards = append(cards, fmt.Sprintf("minor=%d bus=%s uuid=%s", card.Minor, card.Bus, card.UUID))
		if card.UUID != "" {
			uuids = append(uuids, card.UUID)
		}
	}
	for _, library := range r.driver.Libraries {
		libraries = append(libraries, library.Path)
	}
	if r.device != "" {
		given = []string{r.device}
	}
	now := time.Now()
	return r.keep(evidence.Record{
		Target: machineTarget, Vantage: evidence.Witness, Started: now, Finished: now,
		Observations: []evidence.Observation{{Probe: probeMachine, State: evidence.Seen, Values: evidence.Values{
			"driver": evidence.Text(r.driver.Version), "uuids": evidence.List(uuids...), "given": evidence.List(given...),
			"cards": evidence.List(cards...), "libraries": evidence.List(libraries...),
		}}},
	})
}

func (r *run) containersLook(ctx context.Context) error {
	for _, place := range []Place{Runc, Runsc} {
		if err := r.round(ctx, place, stageLook, r.device, all); err != nil {
			return err
		}
	}
	return nil
}

// tenants lets a tenant at each place end, and another be killed, and its successor
// look.
func (r *run) tenants(ctx context.Context) error {
	for _, place := range Places() {
		for _, end := range []struct {
			tenant, successor string
			signal            unix.Signal
		}{{stageRelease, stageReleased, unix.SIGTERM}, {stageKill, stageKilled, unix.SIGKILL}} {
			token := make([]byte, 32)
			_, _ = rand.Read(token) // never fails, see crypto/rand
			secret := hex.EncodeToString(token)
			if err := r.tenant(ctx, place, end.tenant, secret, end.signal); err != nil {
				return err
			}
			look := slices.Concat(only("gpu-shared-memory", "gpu-residue"), []string{"--seek", tenantName + "=" + probes.TokenHash(secret)})
			if err := r.round(ctx, place, end.successor, r.device, look); err != nil {
				return err
			}
		}
		if err := r.roundAs(ctx, Native, target(place, stageFreed), "", only("gpu-nvml")); err != nil {
			return err
		}
	}
	return nil
}

// others are containers that asked for no GPU.
func (r *run) others(ctx context.Context) error {
	for _, place := range []Place{Runc, Runsc} {
		if err := r.round(ctx, place, stageUnrequested, driver.NoCard, only("gpu-device-nodes", "gpu-cuda-devices", "gpu-nvml")); err != nil {
			return err
		}
	}
	return nil
}

// shortRounds alternate between the places, so that what warms up the card meets
// all alike.
func (r *run) shortRounds(ctx context.Context) error {
	brief := slices.Concat(only("gpu-cuda-devices", "gpu-compute", "gpu-nvml"), []string{"--opt-in", "gpu-throughput"})
	for n := range r.Rounds {
		for _, place := range Places() {
			if err := r.round(ctx, place, again(n+1), r.device, brief); err != nil {
				return err
			}
		}
	}
	return nil
}
