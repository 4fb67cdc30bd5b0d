package plant

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/katacert/katacert/probes"
)

// site is where, and on behalf of which run, something is planted.
type site struct {
	run string
	// tag tells the witnesses of a run apart (one node, two RuntimeClasses),
	// which must not touch what the other planted. Nobody without the seed can
	// guess it. An empty tag stands for all witnesses of the run.
	tag string
	// hostRoot is where the node's root file system is mounted.
	hostRoot string
	// seed is the witness's secret, from which tokens are derived; nil where
	// only the run is known.
	seed []byte
	// nodeIP is an address of the node; empty where nobody told.
	nodeIP string
	// scale multiplies every bound; 0 means 1.
	scale float64
	// optIn are the probes that were asked for.
	optIn []string
	// pods are the UIDs of the run's pods on the node.
	pods []string
	// planting is the folder of the witness itself in which it plants.
	planting string
	// kubelet is the kubelet's root folder on the node, once it was found.
	kubelet string
}

// wants says whether a kind is planted in this run. A sweep, which knows the run
// alone, wants every kind.
func (s *site) wants(k kind) bool {
	return k.optIn == "" || s.seed == nil || slices.Contains(s.optIn, k.optIn)
}

// scaled is a bound times the site's factor.
func (s *site) scaled(bound time.Duration) time.Duration {
	return (&probes.Context{TimeoutScale: s.scale}).Scaled(bound)
}

func newSite(run, hostRoot string, seed []byte) (*site, error) {
	if err := checkRun(run); err != nil {
		return nil, err
	}
	if len(seed) == 0 {
		return nil, errors.New("no seed was given to plant from")
	}
	return &site{run: run, hostRoot: hostRoot, seed: seed, planting: probes.PlantingDir, tag: probes.Token(seed, "tag")[:tagDigits]}, nil
}

func (s *site) token(name string) string { return probes.Token(s.seed, name) }

func (s *site) tokenHash(name string) string { return probes.TokenHash(s.token(name)) }

// tagDigits is the length of a tag.
const tagDigits = 16

// name is what everything is called that is planted and has a free name.
func (s *site) name() string { return namePrefix(s.run) + s.tag }

// owns says whether a name is the site's. Where that means any witness of the
// run, the exact length keeps runs apart whose ids begin alike.
func (s *site) owns(name string) bool {
	tag, ok := strings.CutPrefix(name, namePrefix(s.run))
	return ok && isTag(tag) && (s.tag == "" || s.tag == tag)
}

func namePrefix(run string) string { return "katacert-" + run + "-" }

func isTag(s string) bool {
	return len(s) == tagDigits && strings.Trim(s, "0123456789abcdef") == ""
}

func randomHex() string {
	random := make([]byte, tagDigits/2)
	// crypto/rand.Read never fails, it ends the process instead.
	_, _ = rand.Read(random)
	return hex.EncodeToString(random)
}

var runID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// checkRun refuses run ids that could lead outside of what belongs to the run:
// they become part of file names.
func checkRun(run string) error {
	if !runID.MatchString(run) {
		return fmt.Errorf("run id %.60q is not made of 1 to 40 lower-case letters, digits and hyphens", run)
	}
	return nil
}
