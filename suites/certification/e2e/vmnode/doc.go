// Package vmnode tests certifications of a local cluster with a second node in a
// virtual machine. It needs the build tag e2e, root, and, where the machine is
// emulated, ten minutes on two idle cores, the installation of its Debian and the
// build of the local cluster's programs not counted; CI leaves it out.
package vmnode
