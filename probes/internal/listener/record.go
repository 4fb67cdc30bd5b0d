package listener

import (
	"slices"
	"strings"
	"sync"
)

const (
	// maxNonces bounds a record. A target has some twenty vantages.
	maxNonces = 256
	// maxNonce bounds a nonce, in bytes; katacert's have 32.
	maxNonce = 64
)

// Record keeps the nonces of those who came, each once. Its zero value is empty
// and ready, also for several goroutines.
type Record struct {
	mu     sync.Mutex
	nonces []string
}

// Add notes a nonce and says whether it stands in the record. What cannot be a
// nonce is dropped, and so is what comes when the record is full.
func (r *Record) Add(nonce string) bool {
	if !isNonce(nonce) {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Contains(r.nonces, nonce) {
		return true
	}
	if len(r.nonces) == maxNonces {
		return false
	}
	r.nonces = append(r.nonces, nonce)
	return true
}

// Nonces lists who came, in the order of their first coming.
func (r *Record) Nonces() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.nonces)
}

// isNonce accepts lower-case letters, digits and hyphens.
func isNonce(s string) bool {
	return s != "" && len(s) <= maxNonce && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
