// Package systemd tests katacert on a stock Debian whose systemd owns version 2
// cgroups, in an emulated machine (fixtures/vm). It needs the build tag e2e,
// root, and ten minutes on two idle cores, the installation of the machine and
// the build of the local cluster's programs not counted; CI leaves it out.
package systemd
