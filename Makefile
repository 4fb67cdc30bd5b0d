# katacert: `make certify` is the main job, `make test` everything that CI runs.
# Both install the Debian packages that they need and build the rest themselves.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO ?= go
# The flags are those of the local cluster's programs, so that packages which
# both use (client-go and all below it) are compiled once.
BUILDFLAGS := -trimpath -buildvcs=false -gcflags=all=-dwarf=false -ldflags "-s -w"
export CGO_ENABLED := 0
export GOGC := 400

# What needs cgo: the management library of NVIDIA's driver is reached by it. Its
# header marks functions that the bindings still offer as deprecated.
CGO := ./probes/gpu/... ./cmd/gpu-probe
export CGO_CFLAGS := -O2 -g -Wno-deprecated-declarations

# How long each fuzz test runs.
FUZZTIME ?= 60s

# Arguments for `katacert certify`, for example ARGS="--profile quick".
ARGS ?=

.PHONY: help
help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: build
build: ## Build bin/katacert
	@[ -x bin/katacert ] || echo "building katacert; the first time this takes a few minutes" >&2
	@$(GO) build $(BUILDFLAGS) -o bin/ ./cmd/katacert

# A make that is killed takes the certification with it, and that its cluster.
.PHONY: certify
certify: build ## Certify gVisor (and Kata where found) on the embedded local cluster
	@exec setpriv --pdeathsig KILL bin/katacert certify $(ARGS)

.PHONY: selftest
selftest: build ## Test the suite against set-ups that are broken on purpose
	@exec setpriv --pdeathsig KILL bin/katacert selftest $(ARGS)

# gpu-probe loads the driver's libraries, and so is linked with the C library; the
# flags of both are set apart from those of the rest.
.PHONY: gpu-programs
gpu-programs:
	@CGO_ENABLED=1 $(GO) build $(BUILDFLAGS) -o bin/ ./cmd/gpu-probe
	@$(GO) build $(BUILDFLAGS) -o bin/ ./cmd/gpu-test

.PHONY: gpu-test
gpu-test: gpu-programs ## Try this machine's NVIDIA GPU natively, inside runc by CDI and inside gVisor, without a cluster
	@exec setpriv --pdeathsig KILL bin/gpu-test $(ARGS)

.PHONY: images
images: build ## Build katacert's images and show their digests
	@bin/katacert images build

.PHONY: test
test: packages lint unit e2e ## Everything: linters, unit tests with the race detector, end-to-end tests

.PHONY: packages
packages: ## Install the Debian packages that the tests need
	@./.ci/packages

.PHONY: lint
lint: ## Vet and lint, with the import rules
	$(GO) vet ./...
	$(GO) vet -tags e2e ./...
	$(GO) tool -modfile=tools/go.mod golangci-lint run ./...
	CGO_ENABLED=1 $(GO) vet $(CGO)
	CGO_ENABLED=1 $(GO) tool -modfile=tools/go.mod golangci-lint run $(CGO)

.PHONY: unit
unit: ## Unit tests with the race detector; tests that were skipped are named at the end, with the reason
	CGO_ENABLED=1 $(GO) tool -modfile=tools/go.mod gotestsum --format pkgname-and-test-fails -- -race -timeout 30m ./...

.PHONY: fuzz
fuzz: ## Fuzz what takes untrusted evidence, FUZZTIME (a minute) each: the decoder, the judge, bundles
	$(GO) test -run '^$$' -fuzz FuzzDecode -fuzztime $(FUZZTIME) ./probes/evidence
	$(GO) test -run '^$$' -fuzz FuzzJudge -fuzztime $(FUZZTIME) -fuzzminimizetime 20x ./suites/catalogue
	$(GO) test -run '^$$' -fuzz FuzzVerify -fuzztime $(FUZZTIME) ./reports/bundle

.PHONY: e2e
e2e: build ## End-to-end tests: local cluster, certifications, a real guest kernel under QEMU
	$(GO) test -tags e2e -count 1 -timeout 60m -p 1 -v ./fixtures/cluster/local/e2e ./fixtures/vm/e2e ./fixtures/kata/e2e ./fixtures/nvidia/deviceplugin/e2e ./suites/gputest/e2e ./suites/isolation/e2e ./suites/certification/e2e

.PHONY: e2e-systemd
e2e-systemd: ## End-to-end test on an emulated Debian with systemd and cgroup v2; takes ten minutes more, and CI leaves it out
	$(GO) test -tags e2e -count 1 -timeout 60m -v ./suites/certification/e2e/systemd

.PHONY: e2e-vm-node
e2e-vm-node: build ## End-to-end test of a node in a virtual machine; takes ten minutes where it is emulated, and CI leaves it out
	$(GO) test -tags e2e -count 1 -timeout 60m -v ./suites/certification/e2e/vmnode

.PHONY: bench
bench: ## Benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./probes/... ./suites/... ./reports/...

.PHONY: generate
generate: ## Renew generated files: the packed modules of the local cluster, docs/controls.md, docs/rbac.yaml, the permissions in docs/certifying-kata.md
	$(GO) generate ./...
	$(GO) test ./suites/certification -run Documentation -update

.PHONY: clean
clean: ## Remove what was built here, local clusters and their remains; the cache of programs stays
	@if [ -x bin/katacert ]; then bin/katacert cleanup; fi
	@rm -rf bin
