# What is done here, in one place. "make help" says what each target is for:
# its sentence is the one behind the ## beside it.

GO := scripts/go
LINT := $(GO) tool -modfile=tools/go.mod golangci-lint

# Of make fuzz: random worlds, packets in each, and the first world's seed.
WORLDS ?= 20000
PACKETS ?= 50
SEED ?= 0

.PHONY: help up down build unit test fuzz soak soak-balancer lint generate pictures bench bench-quick bench-control bench-balancer bench-parts
.DEFAULT_GOAL := help

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## Install what is missing, build, start a daemon in the background and play the tour (root)
	@scripts/up

down: ## End what make up has started and remove it; PURGE=1 deletes the data too (root)
	@scripts/down

build: ## Build bin/ringfence and bin/ringfenced
	@scripts/build

unit: ## Run the tests that need no root and little time; the others skip themselves
	@$(GO) test -short ./...

test: ## Run everything: vet, all tests, the kernel's and the clients' too (root)
	@scripts/test

fuzz: ## Hold the kernel to the specification for long: WORLDS, PACKETS and SEED say how long (root)
	@scripts/fuzz $(WORLDS) $(PACKETS) $(SEED)

soak: ## Launch and terminate 1,000 instances and look for what is left of them (root, some minutes)
	@$(GO) test -count=1 -v ./test -run 'TestNothingLeaks$$' -launches 1000

soak-balancer: ## Send 100,000 requests through a load balancer's node while it changes 50 times: none may fail
	@scripts/prerequisites test
	@$(GO) test ./internal/elb -run TestChangesLoseNoRequest -count=1 -v -requests 100000 -changes 50

lint: ## Check form and architecture: gofmt, golangci-lint, clang-format, shellcheck
	@scripts/prerequisites lint
	@$(LINT) run ./...
	@clang-format-14 --dry-run --Werror internal/dataplane/bpf/*.c internal/dataplane/bpf/*.h
	@shellcheck --external-sources $$(grep -lE '^#!.*\b(ba)?sh$$' scripts/* .ci/*)

generate: ## Compile the BPF programs anew, with Debian's clang-14
	@scripts/prerequisites generate
	@$(GO) generate ./internal/dataplane

pictures: ## Make the pictures of the README anew, from what the programs print (root)
	@scripts/pictures

bench: ## Measure packets against a bridge, nftables and iptables, write docs/benchmarks.md, then bench-balancer (root, ≤ 20 min)
	@scripts/bench peers
	@scripts/bench balancer

bench-quick: ## The same in ≤ 3 min: too short for figures, and enough to see that everything works (root)
	@scripts/bench quick

bench-control: ## Measure changes and API calls; PEER=URL names an endpoint of somebody else to compare with (root)
	@scripts/bench control $(if $(PEER),-peer $(PEER))

bench-balancer: ## Measure a load balancer's node against HAProxy by hand and Go's reverse proxy (root, ≤ 2 min)
	@scripts/bench balancer

bench-parts: ## Measure functions, and as root the programs in the kernel and a daemon with 200 instances
	@scripts/bench parts
