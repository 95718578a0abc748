# Barista's front door for people and for CI. On a fresh Debian 12 machine that has Go, each of
#
#	make demo	runs a cluster of three nodes (DEMO="--nodes 5 --dir /tmp/x" adds flags)
#	make test	runs all tests
#
# installs what is missing, builds, and runs.

GO ?= go
TEST ?= ./...
TESTFLAGS ?=
FUZZTIME ?= 10s

.PHONY: demo test quick check build extension deps test-deps format lint vulncheck notices fuzz sim sim-others fuzz-sql pg-regress clean bench-commit bench-failover bench-large test-large bench-capture

build: deps bin/barista extension

demo: build
	bin/barista demo $(DEMO)

# All of it ends within 25 minutes on two processors. A package is told that it hangs while there is time left for those beside it.
LIMIT = -timeout 20m

# What CI runs. The tests come last, so that their own lines are the end of the output.
check: test-deps build format lint vulncheck sim-others
	$(GO) test $(LIMIT) $(TESTFLAGS) $(TEST)

test: test-deps build
	$(GO) test $(LIMIT) $(TESTFLAGS) $(TEST)

# What takes no PostgreSQL server, in three minutes: before each commit.
quick: format lint
	$(GO) test -short $(LIMIT) $(TESTFLAGS) $(TEST)

# Go knows best whether anything has changed.
.PHONY: bin/barista
bin/barista:
	$(GO) build -o $@ ./cmd/barista

# -Wall -Wextra -Werror stand in the extension's own Makefile. Bitcode is of no use for a library that is preloaded.
extension: deps
	$(MAKE) -s -C extension with_llvm=no

deps:
	@scripts/deps run

test-deps:
	@scripts/deps test

format:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; fi

lint: extension
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

# Known vulnerabilities and retracted versions of what is linked, from the vulnerability database or, where that does not answer, from a pinned copy.
vulncheck: bin/barista
	$(GO) run ./internal/thirdparty vulncheck bin/barista

# Licences of what is linked; a test fails when the file is out of date.
notices:
	$(GO) run ./internal/thirdparty notices ./cmd/barista THIRD_PARTY_NOTICES

fuzz:
	scripts/fuzz $(FUZZTIME)

# Whole clusters on virtual time (docs/internals/simulation.md). SEED=n replays one run and writes all that happens; SEEDS=n plays n of them.
SEEDS ?= 1000
FIRST ?= 0

sim:
	@$(GO) test -c -o bin/sim.test ./internal/sim
ifdef SEED
	@cd internal/sim && ../../bin/sim.test -test.run '^TestSeeds$$' -sim.seed=$(SEED) -sim.trace
else
	@cd internal/sim && ../../bin/sim.test -test.run '^TestSeeds$$' -sim.seeds=$(SEEDS) -sim.first=$(FIRST)
endif

# Seeds that nobody has played, beside those that "make test" always plays: they begin where the commit says. Without git they are the same each time.
OTHERS ?= 500

sim-others:
	@hash=$$(git rev-parse --verify -q HEAD 2>/dev/null | cut -c1-12); \
	first=$$(printf '%d' "0x$${hash:-f4240}"); \
	echo "$(OTHERS) other seeds of the simulation: make sim SEEDS=$(OTHERS) FIRST=$$first"; \
	$(MAKE) -s sim SEEDS=$(OTHERS) FIRST=$$first

# Random SQL on Barista and on a plain PostgreSQL side by side. SEED=n says which, STATEMENTS=n how much.
STATEMENTS ?= 3000
fuzz-sql: build
	$(GO) test ./e2e/sql -count=1 -run TestRandomSQL -v -sqlseed $(or $(SEED),1) -sqlstatements $(STATEMENTS)

# PostgreSQL's own regression suite through a proxy and on a plain server. PG_SRC=DIR says where its source tree is, TESTS="a b" which tests.
pg-regress: build
	@scripts/pg-regress

# Measurements on this machine, of which docs/performance.md tells. BENCH adds flags, of which -h tells.
bench-commit: build
	$(GO) run ./e2e/bench commit $(BENCH)

bench-failover: build
	$(GO) run ./e2e/bench failover $(BENCH)

bench-capture: build
	$(GO) run ./e2e/bench capture $(BENCH)

# Kills nodes while a gigabyte is on its way; "make test" does so with 64 MB.
test-large: build
	$(GO) test ./e2e/recovery -count=1 -timeout 40m -v -run TestLargeTransactionsWhileNodesDie -largemegabytes $(or $(MEGABYTES),1024)

bench-large: build
	timeout --signal=TERM 40m $(GO) run ./e2e/bench large $(BENCH)

clean:
	rm -rf bin
	$(MAKE) -s -C extension clean
