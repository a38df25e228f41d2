# Ballast's build. `make` lists the targets. It needs Go, git and make, and gcc for the race detector; every other tool is
# built from source into .tools/bin through the Go module proxy.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# One set of build flags for every build, so that they share one cache: the Kubernetes tree takes minutes to compile, once for
# each combination of flags. So no -trimpath, and cgo only where the race detector needs it. The version is stamped below
# rather than by -buildvcs, which fails in checkouts that git thinks are another user's.
export CGO_ENABLED := 0
export GOFLAGS := $(strip $(filter-out -buildvcs% -trimpath%,$(GOFLAGS)) -buildvcs=false)

VERSION := $(shell git describe --tags --always --dirty --match 'v[0-9]*' 2>/dev/null || echo unknown)
# component-base refuses to start with a version that does not begin as v1.2.3 does: before the first tag it is v0.0.0.
VERSION := $(if $(filter v%,$(VERSION)),$(VERSION),v0.0.0-$(VERSION))
KUBE_VERSION := $(shell sed -n 's,^[[:space:]]*k8s.io/kubernetes \(v[0-9.]*\)$$,\1,p' go.mod)
# In ballast-scheduler, component-base derives from gitVersion which features and API versions there are: it has to stay
# Kubernetes' own version, with ours behind the +.
gitversion = $(if $(filter ballast-scheduler,$(1)),$(KUBE_VERSION)-ballast.0+$(VERSION),$(VERSION))
ldflags = -s -w -X k8s.io/component-base/version.gitVersion=$(call gitversion,$(1))

BINARIES := $(patsubst cmd/%/main.go,%,$(wildcard cmd/*/main.go))
IMAGE_REPOSITORY ?= docker.io/ballast-k8s
IMAGE_TAG ?= dev
DEMO_ARGS ?=
PEERS_ARGS ?=
BENCH ?= .

# What the tests of a package need decides where they run: nothing, a control plane, or the built binaries.
UNIT = $(shell go list ./... | grep -vE '/ballast/(test|simulator/localcluster)(/|$$)')
RACED = $(shell go list ./... | grep -vE '/ballast/test/(arch|e2e|realnodes)(/|$$)')
SYSTEM = $(shell go list ./... | grep -E '/ballast/(test|simulator/localcluster)(/|$$)' | grep -vE '/test/arch$$')
# testsum reads `go test -json`, shows packages and failures, and ends with the number of tests passed and failed.
TESTSUM := go run ./hack/testsum
RACE := CGO_ENABLED=1 go test -race -json -timeout 30m
toolbuild = go run ./hack/toolbuild
# Tests on real nodes run where there can be any: as root on Linux, with some packages. Elsewhere they are skipped, with the reason; with
# BALLAST_REQUIRE_REAL_NODES=1, missing packages are installed, and what is missing then is an error. As root on Linux .ci/run and `make e2e`
# set it themselves, unless it is set (to 0). They measure: nothing else runs at their time.
NODE_TOOLS := kubelet containerd runc cni
as-root = $(filter Linux/0,$(shell echo "$$(uname -s)/$$(id -u)"))
required = $(filter 1,$(BALLAST_REQUIRE_REAL_NODES))
node-tools = if hack/realnodes-packages $(if $(required),,--check); then $(toolbuild) $(NODE_TOOLS); else \
	echo "so the tests on real nodes cannot run here"; $(if $(required),false,true); fi

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the product's binaries into bin/, static
	mkdir -p bin
	$(foreach b,$(BINARIES),go build -ldflags '$(call ldflags,$(b))' -o bin/$(b) ./cmd/$(b);)

.PHONY: tools
tools: ## Build every tool and test server into .tools/bin (cached)
	$(toolbuild)

.PHONY: images
images: build ## Write container images of the binaries to out/images/*.tar, for `docker load`, `kind load image-archive` or `ctr -n k8s.io images import`
	mkdir -p out/images
	$(foreach b,$(BINARIES),go run ./hack/ociimage -binary bin/$(b) -tag '$(IMAGE_REPOSITORY)/$(b):$(IMAGE_TAG)' -out out/images/$(b).tar;)

.PHONY: manifests
manifests: ## Generate CRDs and deep copies from api/
	$(toolbuild) controller-gen
	.tools/bin/controller-gen object crd:allowDangerousTypes=true paths=./api/... output:crd:artifacts:config=manifests/crd

.PHONY: test
test: lint build ## Everything: lint, architecture, built binaries, real nodes if root, unit and integration tests under the race detector
	$(toolbuild) hyper kwok controller-gen vpa metrics-server
	$(node-tools)
	{ rc=0; go test -json -timeout 20m -p 1 ./test/arch ./test/e2e || rc=1; go test -json -count=1 -timeout 20m ./test/realnodes || rc=1; \
		$(RACE) $(RACED) || rc=1; exit $$rc; } | $(TESTSUM)

.PHONY: test-unit
test-unit: ## Unit tests only, without race detector or control plane: seconds
	go test -short -json $(UNIT) | $(TESTSUM)

.PHONY: arch
arch: ## Import rules, package docs, file sizes, go.mod, manifests
	$(toolbuild) hyper controller-gen
	go test -json -count=1 ./test/arch | $(TESTSUM)

.PHONY: lint
lint: ## golangci-lint with .golangci.yaml
	$(toolbuild) golangci-lint
	GOLANGCI_LINT_CACHE=$(CURDIR)/.tools/cache/lint .tools/bin/golangci-lint run ./...

.PHONY: fmt
fmt: ## Format the code as lint expects
	$(toolbuild) golangci-lint
	.tools/bin/golangci-lint fmt

.PHONY: e2e
e2e: export BALLAST_REQUIRE_REAL_NODES := $(if $(as-root),$(or $(BALLAST_REQUIRE_REAL_NODES),1),$(BALLAST_REQUIRE_REAL_NODES))
e2e: build ## Whole system, uncached: tests on a real control plane, on real nodes (root), and of the built binaries, the demo among them
	$(toolbuild) hyper kwok vpa metrics-server
	$(node-tools)
	go test -json -count=1 -timeout 30m -p 1 $(SYSTEM) | $(TESTSUM)

.PHONY: e2e-nodes
e2e-nodes: ## Two real nodes (kubelet, containerd, runc), as root on Linux: real contention and in-place resize; leaves nothing behind
	hack/realnodes-packages
	$(toolbuild) hyper kwok vpa metrics-server $(NODE_TOOLS)
	mkdir -p out
	BALLAST_REQUIRE_REAL_NODES=1 go test -json -count=1 -timeout 20m -p 1 ./simulator/localcluster/sandbox ./simulator/localcluster/realnodes ./test/realnodes \
		| tee out/e2e-nodes.json | $(TESTSUM)
	@sed -n 's/.*figure: \(.*\)\\n"}$$/\1/p' out/e2e-nodes.json

# Not part of .ci/run, nor of `make e2e`, where the test skips: software emulates the node's CPUs, which takes all of a small machine's for two
# minutes, longer where others use them too, and it fetches a kernel.
.PHONY: e2e-vm
e2e-vm: ## A node with its own kernel, cgroup v2 and pressure in a virtual machine (QEMU without KVM), as root on Debian: counters of known loads, resize
	hack/realnodes-packages
	hack/vmnode-packages
	$(toolbuild) hyper kwok $(NODE_TOOLS)
	mkdir -p out
	BALLAST_REQUIRE_VM_NODE=1 go test -json -count=1 -timeout 20m -p 1 ./simulator/localcluster/vmnode ./test/vmnode | tee out/e2e-vm.json | $(TESTSUM)
	@sed -n 's/.*figure: \(.*\)\\n"}$$/\1/p' out/e2e-vm.json

.PHONY: demo
demo: ## Stock Kubernetes against Ballast on a real control plane with simulated nodes, placement and closed loop: 2 minutes; report in out/
	$(toolbuild) hyper kwok vpa metrics-server
	$(MAKE) --no-print-directory build
	bin/ballast demo $(DEMO_ARGS)

.PHONY: bench
bench: ## Run the Go benchmarks (BENCH=regexp selects); result in out/bench.txt, fit for benchstat
	mkdir -p out
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count=1 \
		$$(grep -rl --include='*_test.go' '^func Benchmark' $(wildcard api cmd plugins predictor recommender simulator test) \
			| xargs -n1 dirname | grep -v '^test/bench/schedulerperf' | sort -u | sed 's,^,./,') | tee out/bench.txt

.PHONY: bench-scheduler
bench-scheduler: ## scheduler_perf, Ballast's profile against stock's, 500 and 5,000 nodes: 15 to 25 minutes; out/bench-scheduler
	$(toolbuild) hyper
	cd test/bench/schedulerperf && go test -run '^$$' -bench 'PerfScheduling/nodes=(500|5000)$$' -timeout 90m . -rounds 3 \
		| grep -v '^    [a-z_]*\.go:\|^---\|output truncated'

.PHONY: bench-peers
bench-peers: ## Placement against Metis, Medea, Paragon, Trimaran and kube-scheduler on published batches; figures in out/placement
	go run ./test/placement $(PEERS_ARGS)

.PHONY: clean
clean: ## Remove what builds and runs leave in the checkout, but the tools (those: rm -r .tools)
	rm -rf bin out
