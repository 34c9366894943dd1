# Jindu. `make run` is the main job, `make test` is everything; both install what they need by package name.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build

VERSION ?= $(shell cat VERSION)
GOFLAGS_BUILD := -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=$(VERSION)"
PLATFORMS := linux/amd64 linux/arm64 linux/loong64 darwin/arm64 windows/amd64

export CGO_ENABLED ?= 0

.PHONY: build agent run run-data test unit peers console-test e2e demo-test demo-data-test need lint race cover bench bench-data bench-compare gen gen-check release console static clean help

build: ## The binary, at bin/jindu
	go build $(GOFLAGS_BUILD) -o bin/jindu ./cmd/jindu

agent: bin/jindu-agent.jar ## The Java agent, at bin/jindu-agent.jar

bin/jindu-agent.jar: $(shell find sdk/java/src sdk/java/pom.xml -type f)
	sh sdk/java/build.sh

run: build ## The main job: a live service crosses from Java to Go
	bin/jindu demo --install

run-data: build agent ## The second job: a shop and its rows cross, and come back
	bin/jindu demo data --install

need: ## Install what the tests need, or say what is missing and how to get it
	bash tools/need.sh

test: need build agent unit peers console-test demo-test demo-data-test e2e ## Everything

unit: cover ## Go tests of the module

peers: ## Foreign clients and servers against ours (own module)
	cd test/peers && go test -count=1 ./...

console-test: ## Types, unit tests, and dist equal to the build
	cd console && npm ci --no-audit --no-fund --loglevel=error && npm run check && npm run verify-dist

demo-test: build ## The main job, headless: a clean run, and defects that must end in a rollback
	bash test/load/demo.sh

demo-data-test: build agent ## The second job: a clean run, and defects in what requests do
	bash test/load/data.sh

e2e: build ## A migration clicked through in a real browser
	bash console/e2e/run.sh

lint: ## Format, vet, golangci-lint, shellcheck
	@out=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$out" ] || { echo "gofmt would change:"; echo "$$out"; exit 1; }
	go vet ./...
	go tool -modfile=tools/go.mod golangci-lint run
	shellcheck $$(git ls-files '*.sh') .ci/run

race: ## Race detector
	CGO_ENABLED=1 go test -race ./...

cover: ## Go tests of the module, and statement coverage of internal/ and sdk/, at least 80 %
	bash tools/cover.sh 80

bench: ## Timings as ratios to peers; results go to BENCHMARKS.md by hand
	cd test/peers && go run ./bench

bench-data: build agent ## Effects, relay, convergence and comparison of rows, measured on real databases
	go run ./test/databench

bench-compare: ## The comparator against the published Diffy rule, on planted defects
	go run ./test/compare -full

gen: ## Everything that is generated: OpenAPI, schema, example config, error list, deps
	go test ./internal/app ./test/arch -run 'TestGenerated|TestDeps|TestErrors' -update
	go test ./console -update

gen-check: gen ## Generated files are committed as generated
	@git diff --exit-code -- api jindu.example.yaml deps.txt console/src/api/types.ts || { echo "run make gen and commit"; exit 1; }

console: ## Build the console into console/dist
	cd console && npm ci --no-audit --no-fund --loglevel=error && npm run build

release: ## Binaries of every platform with checksums, in dist/
	bash tools/release.sh $(VERSION) $(PLATFORMS)

static: ## Prove the binary static and reproducible
	bash tools/static.sh

clean:
	rm -rf bin dist

help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16
