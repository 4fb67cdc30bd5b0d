// Package probes holds the code that observes from inside a container or on the
// node. A probe never judges: it reports what it saw, that there was nothing to
// see, or how it was refused.
//
// A probe reads kernel interfaces directly, never through other programs, so
// that the same static binary works in an image that holds nothing else, in a
// guest as PID 1, and on the node.
package probes

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes/evidence"
)

// Probe observes one interface.
type Probe struct {
	// ID names the probe in evidence, kebab-case.
	ID string
	// Rounds are the rounds it takes part in.
	Rounds []evidence.Round
	// From restricts it to some vantages; nil means the witness and every
	// vantage whose evidence is compared with the witness's, those about GPUs apart.
	From func(evidence.Vantage) bool
	// OptIn marks a probe that does more than look, or costs time and serves few
	// controls: it runs only where the run asks for it by its id.
	OptIn bool
	// Observe reads the interface. It fills State and the readings; ID and
	// duration are added by Observe's caller.
	Observe func(*Context) evidence.Observation
}

// Context is what a probe may know of the run it belongs to.
type Context struct {
	Run     string
	Round   evidence.Round
	Vantage evidence.Vantage
	// Nonce is the round's, known to this vantage and to katacert alone. A probe
	// signs with it what it does to others (a connection, a file that it writes),
	// so that their own logs say who it was.
	Nonce string
	// HostRoot is where the node's root file system is mounted in the witness's
	// pod; "/" when the witness runs on the node itself; empty elsewhere.
	HostRoot string
	// Seed is the secret from which the witness derives what it plants. Only
	// the witness has it.
	Seed []byte
	// Tenant is the letter of the tenant for whose data this pod stands ("a",
	// "b"), and TenantSeed the secret from which it derives that data. Both are
	// empty elsewhere.
	Tenant     string
	TenantSeed []byte
	// Params are what only the round of its run knows: addresses of other pods,
	// and where the witness planted what. See the Param constants.
	Params map[string]string
	// Seek holds, by name, the SHA-256 (hex) of each planted token. Seekers get
	// the hash and never the token, so that a probe cannot find its own
	// arguments and take them for a leak.
	Seek map[string]string
	// Skip are the ids of probes to leave out, because they would cost time here
	// and show nothing.
	Skip []string
	// OptIn are the ids of probes that run only where they are asked for.
	OptIn []string
	// TimeoutScale multiplies the bounds of probes, so that on a slow node they
	// get as far as elsewhere; 0 means 1.
	TimeoutScale float64
	// Progress is where a probe that takes long says, for people, how far it is; nil is
	// nowhere.
	Progress io.Writer `json:"-"`
}

// Scaled is a bound times the run's factor for time-outs.
func (c *Context) Scaled(bound time.Duration) time.Duration {
	if c.TimeoutScale == 0 {
		return bound
	}
	return time.Duration(c.TimeoutScale * float64(bound))
}

// Names of the tokens that the witness plants, keys of Context.Seek.
const (
	TokenFile     = "file"
	TokenArgv     = "argv"
	TokenEnviron  = "environ"
	TokenKmsg     = "kmsg"
	TokenIPC      = "ipc"
	TokenSocket   = "socket"
	TokenHandle   = "handle"
	TokenDevice   = "device"
	TokenKey      = "key"
	TokenLoopback = "loopback"
)

// TokenNames lists every token that a witness may plant.
func TokenNames() []string {
	return []string{TokenFile, TokenArgv, TokenEnviron, TokenKmsg, TokenIPC, TokenSocket,
		TokenHandle, TokenDevice, TokenKey, TokenLoopback}
}

// Kinds of data of a tenant, each marked with a token of its own.
const (
	// DataDataset is a file in the tenant's dataset volume.
	DataDataset = "dataset"
	// DataCheckpoint is a file with the weights that the tenant trained.
	DataCheckpoint = "checkpoint"
	// DataSecret is the tenant's Kubernetes Secret, in a file and in the
	// environment of its container.
	DataSecret = "secret"
	// DataEnviron is the environment of a process, DataMemory its memory.
	DataEnviron = "tenant-environ"
	DataMemory  = "memory"
	// DataListener is what a listener in the tenant's pod answers with.
	DataListener = "listener"
)

// TenantData lists every kind of data of a tenant.
func TenantData() []string {
	return []string{DataDataset, DataCheckpoint, DataSecret, DataEnviron, DataMemory, DataListener}
}

// Tenants lists the letters of the tenants: a and b on the RuntimeClass under
// test, and c on plain runc, whose data the control vantages must find.
func Tenants() []string { return []string{"a", "b", "c"} }

// DataGPU is the kind of data that a tenant leaves in the memory of a GPU. It is laid
// out by a pod of its own, and none of TenantData.
const DataGPU = "gpu"

// GPUToken names the token that the first tenant leaves in the memory of GPUs.
func GPUToken() string { return TenantToken(DataGPU, Tenants()[0]) }

// TenantToken names the token of one tenant's data of one kind in Context.Seek.
func TenantToken(kind, tenant string) string { return kind + "-" + tenant }

// TenantSeed derives the secret of a tenant from the run's, so that a tenant can
// make its own tokens and nobody else's.
func TenantSeed(seed []byte, tenant string) []byte {
	mac := hmac.New(sha256.New, seed)
	mac.Write([]byte("katacert tenant " + tenant))
	return mac.Sum(nil)
}

// SeekNames lists the names of all tokens, the witness's and the tenants'.
func SeekNames() []string {
	names := TokenNames()
	for _, tenant := range Tenants() {
		for _, kind := range TenantData() {
			names = append(names, TenantToken(kind, tenant))
		}
	}
	return append(names, GPUToken())
}

// Names of what a round is told by katacert itself, keys of Context.Params. The
// witness adds what it planted where: a text that its probe plants reports as
// "give_NAME" reaches everyone's later rounds as parameter NAME.
const (
	// ParamNodeIP is an address of the node.
	ParamNodeIP = "node_ip"
	// ParamPeerIP is the address of the other tenant's pod.
	ParamPeerIP = "peer_ip"
	// ParamPods are the UIDs of the run's pods on the node, divided by commas; the
	// witness alone is told.
	ParamPods = "pods"
	// ParamHandler is the handler of the RuntimeClass under certification; the
	// witness alone is told.
	ParamHandler = "handler"
	// ParamNamespaces are the run's namespaces, divided by commas, and ParamGPUResource
	// the extended resource by which pods ask for GPUs; the witness alone is told.
	ParamNamespaces  = "namespaces"
	ParamGPUResource = "gpu_resource"
)

// Names of what the witness gives.
const (
	// ParamLoopback is the port of the listener on the node's 127.0.0.1.
	ParamLoopback = "loopback_port"
	// ParamOpenKubelet is the port of the kubelet's stand-in on ParamNodeIP.
	ParamOpenKubelet = "open_kubelet_port"
	// ParamNodePorts are the TCP ports on which services of the node wait at its
	// own address, divided by commas; empty where there are none.
	ParamNodePorts = "node_ports"
	// ParamVsockPort is the port of the listener that the witness planted on the node's
	// vsock, ParamVsockListeners the ports of all others there, divided by commas.
	ParamVsockPort      = "vsock_port"
	ParamVsockListeners = "vsock_listeners"
	// ParamBlockDevice are the numbers of the planted block device, "major:minor".
	ParamBlockDevice = "block_device"
	// ParamHandle is the file handle of a planted file, as "<type>:<hex>".
	ParamHandle = "handle"
	// ParamSharedFolder is the path on the node of a planted folder into which
	// everyone may write.
	ParamSharedFolder = "shared_folder"
	// ParamSpecialMark begins the names of the special files by which the witness
	// recognises them as the run's.
	ParamSpecialMark = "special_mark"
	// ParamCalledFolder is the path on the node of the folder that holds
	// CalledFiles.
	ParamCalledFolder = "called_folder"
	// ParamSealedFile is the name of the file that the witness put into every
	// volume which pods may only read.
	ParamSealedFile = "sealed_file"
)

// CalledDecoy is the one of CalledFiles that nobody is told of.
const CalledDecoy = "decoy"

// CalledSuffix ends the name of their folder.
const CalledSuffix = ".called"

// CalledFiles are the names of files on the node that nothing opens but what
// follows an annotation of a pod, each by the name of that annotation.
func CalledFiles() []string {
	return []string{"path", "virtio-fs-daemon", "config-path", "image", "sandbox-bind-mounts", CalledDecoy}
}

// GivePrefix begins the readings that the witness hands on as parameters.
const GivePrefix = "give_"

// Given are the parameters that the witness's observations give for later rounds.
func Given(observations []evidence.Observation) map[string]string {
	given := map[string]string{}
	for _, o := range observations {
		for reading := range o.Values {
			name, ok := strings.CutPrefix(reading, GivePrefix)
			if text, isText := o.Values.Text(reading); ok && isText {
				given[name] = text
			}
		}
	}
	return given
}

// Volumes of the pods that probes work with.
const (
	// ScratchDir is a tenant's writable volume.
	ScratchDir = "/scratch"
	// SealedDir is a volume of the node that a tenant may only read.
	SealedDir = "/sealed"
	// DataDir is a tenant's volume with its dataset and checkpoint, SecretDir the
	// one with its Kubernetes Secret.
	DataDir   = "/data"
	SecretDir = "/secret"
	// PlantingDir is the witness's volume, on the file system from which the node
	// mounts files into every pod.
	PlantingDir = "/planting"
)

// ListenerKey names the token, derived from a tenant's seed, for which the
// listener in the tenant's own pod tells who came.
const ListenerKey = "listener-log"

// VsockAnswer is what the planted listener on the node's vsock answers.
const VsockAnswer = "katacert"

// TenantPort is the TCP port on which a listener in a tenant's pod waits.
const TenantPort = 7331

// Token derives the 256-bit token of that name from the seed, in hex.
func Token(seed []byte, name string) string {
	mac := hmac.New(sha256.New, seed)
	mac.Write([]byte("katacert token " + name))
	return hex.EncodeToString(mac.Sum(nil))
}

// TokenHash is what seekers are given in place of the token.
func TokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Find looks for a planted token: whether the text is the token of that name.
func (c *Context) Find(name, text string) bool {
	want, ok := c.Seek[name]
	return ok && TokenHash(text) == want
}

// takesPart says whether the probe runs at this vantage in this round.
func (p Probe) takesPart(vantage evidence.Vantage, round evidence.Round) bool {
	return slices.Contains(p.Rounds, round) && (p.From == nil && !vantage.GPU() || p.From != nil && p.From(vantage))
}

// OnlyWitness restricts a probe to the node.
func OnlyWitness(v evidence.Vantage) bool { return v == evidence.Witness }

// OnlyTenants restricts a probe to the pods that stand for a tenant and lay out
// its data.
func OnlyTenants(v evidence.Vantage) bool {
	return v == evidence.Subject || v == evidence.Neighbour || v == evidence.Reference
}

// NotWitness restricts a probe to the vantages that must prove they see, those about
// GPUs apart.
func NotWitness(v evidence.Vantage) bool { return v != evidence.Witness && !v.GPU() }

// AnyPod lets a probe of GPUs look from every vantage but the node's.
func AnyPod(v evidence.Vantage) bool { return v != evidence.Witness }

// Run lets every probe of the inventory that takes part in the context's round
// observe, one after the other in the given order, and returns what they saw
// and the CPU time used, in microseconds. A probe that panics has failed; the
// others still run.
func Run(ctx *Context, inventory []Probe) ([]evidence.Observation, int64) {
	before := cpuMicros()
	observations := []evidence.Observation{}
	for _, p := range inventory {
		wanted := !slices.Contains(ctx.Skip, p.ID) && (!p.OptIn || slices.Contains(ctx.OptIn, p.ID))
		if wanted && p.takesPart(ctx.Vantage, ctx.Round) {
			observations = append(observations, observe(ctx, p))
		}
	}
	return observations, cpuMicros() - before
}

func observe(ctx *Context, p Probe) (o evidence.Observation) {
	start := time.Now()
	defer func() {
		if cause := recover(); cause != nil {
			stack, _, _ := strings.Cut(string(debug.Stack()), "\n\n")
			o = evidence.Observation{State: evidence.Failed, Detail: fmt.Sprintf("panic: %v (%.200s)", cause, stack)}
		}
		o.Probe = p.ID
		o.Micros = time.Since(start).Microseconds()
	}()
	return p.Observe(ctx)
}

// Seen reports readings.
func Seen(values evidence.Values) evidence.Observation {
	return evidence.Observation{State: evidence.Seen, Values: values}
}

// Absent reports that the interface does not exist here.
func Absent(format string, args ...any) evidence.Observation {
	return evidence.Observation{State: evidence.Absent, Detail: fmt.Sprintf(format, args...)}
}

// Unreadable turns the error of a read into an observation: absent when the
// interface does not exist (ENOENT, ENOSYS, ENODEV, ENOTDIR, ENOPROTOOPT,
// EAFNOSUPPORT, ENXIO), denied when access was refused (EPERM, EACCES), failed
// for every other reason.
func Unreadable(err error) evidence.Observation {
	o := evidence.Observation{State: evidence.Failed, Detail: err.Error()}
	var errno unix.Errno
	if errors.As(err, &errno) {
		o.Errno = unix.ErrnoName(errno)
		switch errno {
		case unix.ENOENT, unix.ENOSYS, unix.ENODEV, unix.ENOTDIR, unix.ENOPROTOOPT, unix.EAFNOSUPPORT, unix.ENXIO:
			o.State = evidence.Absent
		case unix.EPERM, unix.EACCES:
			o.State = evidence.Denied
		}
		return o
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		o.State = evidence.Absent
	case errors.Is(err, fs.ErrPermission):
		o.State = evidence.Denied
	}
	return o
}

func cpuMicros() int64 {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return usage.Utime.Nano()/1000 + usage.Stime.Nano()/1000
}
