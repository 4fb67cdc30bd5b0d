// Package place tells where on a node planted tokens are, so that the witness
// that plants and the probes that seek agree. A place is derived from the hash
// of the token alone: who can compute it cannot compute the token from it.
package place

import (
	"crypto/sha256"
	"encoding/hex"
)

const (
	// TokenBytes is the length of every planted token: 64 hexadecimal digits.
	// Seekers use it to pass over what cannot be a token without reading it.
	TokenBytes = 64
	// ProcessEnv is the variable that holds the token of the planted process.
	ProcessEnv = "KATACERT_TOKEN"
	// TenantEnv is the variable that holds the token of a tenant's resident
	// process.
	TenantEnv = "KATACERT_TENANT_TOKEN"
	// SecretEnv is the variable that holds a tenant's secret in its container.
	SecretEnv = "KATACERT_SECRET" //nolint:gosec // the name of a variable, no secret
	// ResidentCommand begins the arguments of a tenant's resident process.
	ResidentCommand = "hold-tenant"
	// MemoryMark precedes the token in the resident process's memory.
	MemoryMark = "katacert-memory:"
	// KmsgMark precedes the token in the planted line of the kernel log.
	KmsgMark = "katacert-token:"
)

// SocketName returns the name of the planted abstract unix socket, without the
// leading NUL byte.
func SocketName(tokenHash string) string {
	return "katacert-" + derive("sock", tokenHash)
}

// QueueName returns the name of the planted POSIX message queue, as
// mq_overview(7) writes it, with a leading slash.
func QueueName(run, tokenHash string) string {
	return "/katacert-" + run + "-" + derive("mq", tokenHash)
}

// derive returns 16 hexadecimal digits that nobody knows who does not know the
// hash of the token.
func derive(purpose, tokenHash string) string {
	sum := sha256.Sum256([]byte(purpose + tokenHash))
	return hex.EncodeToString(sum[:8])
}
