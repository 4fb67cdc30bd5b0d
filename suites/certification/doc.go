// Package certification runs a certification: it plans targets, puts pods in
// front of them, lets their probes look in rounds, judges the evidence and
// cleans up. It knows nothing of Ginkgo; package specs asserts its report.
package certification
