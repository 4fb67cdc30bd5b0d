package plant

import (
	"fmt"
	"time"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/internal/listener"
)

// tellWithin bounds the wait for the holder to tell a record.
const tellWithin = 2 * time.Second

// recordName is the abstract socket on which the holder tells who touched one of
// its plants. Nobody without the seed can guess it, or prove to be its witness.
func (s *site) recordName(plant string) string {
	return "@katacert-" + probes.Token(s.seed, "record socket "+plant)[:tagDigits]
}

func (s *site) recordKey() []byte { return []byte(probes.Token(s.seed, "record key")) }

// tellRecord lets the settle round ask the holder for a record, for as long as
// the holder lives.
func tellRecord(s *site, plant string, record *listener.Record) error {
	o := listener.Options{Banner: plant, Key: s.recordKey(), Within: s.scaled(listener.ServeWithin)}
	if _, err := listener.Listen("unix", s.recordName(plant), o, record); err != nil {
		return fmt.Errorf("make the record of plant %s known: %w", plant, err)
	}
	return nil
}

// askRecord returns who touched a plant, as lines "<plant> <nonce>".
func askRecord(s *site, plant string) ([]string, error) {
	nonces, err := listener.Ask("unix", s.recordName(plant), s.recordKey(), s.scaled(tellWithin))
	if err != nil {
		return nil, fmt.Errorf("ask the holder for the record of plant %s: %w", plant, err)
	}
	lines := make([]string, len(nonces))
	for i, nonce := range nonces {
		lines[i] = plant + " " + nonce
	}
	return lines, nil
}

// recorded says whether the holder still tells a record, and so whether it still
// holds the plant.
func recorded(s *site, plant string) []string {
	if s.seed == nil {
		return nil // its holder is found all the same
	}
	if _, err := askRecord(s, plant); err != nil {
		return nil
	}
	return []string{"with a record"}
}

// touched gathers who touched what is planted, and the plants whose record could
// not be read: of those nobody knows.
func touched(s *site, all []kind) (lines, untold []string) {
	for _, k := range all {
		if k.touched == nil || !s.wants(k) {
			continue
		}
		found, err := k.touched(s)
		if err != nil {
			untold = append(untold, k.name+": "+err.Error())
			continue
		}
		lines = append(lines, found...)
	}
	return lines, untold
}
