# The checks themselves live in .ci/run; this file only gives them short names.
SHELL       := bash
.SHELLFLAGS := -euo pipefail -c

# As users of a module get it, and -modfile has no meaning in a workspace.
export GOWORK := off

COUNT ?= 6
BENCH ?= .
PKGS  ?= ./...
ORDERS ?= 1000
LATE   ?= 0
STORE  ?= postgres
BROKER ?=
N      ?= 1000
SCREENSHOTS ?=
FILES ?=

.PHONY: help check test race lint fuzz bench examples differential proof sabotage histories failover browser mutation

help: ## this list
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1: \2/p' $(MAKEFILE_LIST)

check: ## everything that CI runs
	bash .ci/run

test: ## go test, every module
	bash .ci/run test

race: ## go test -race, every module
	bash .ci/run race

lint: ## gofmt, go vet and golangci-lint, every module
	bash .ci/run format vet lint

fuzz: ## each fuzz function for FUZZTIME (10s)
	bash .ci/run fuzz

examples: ## every program under examples/, its output checked
	bash .ci/run examples

differential: ## the signed texts against the real Node, PHP and Python
	bash .ci/run require differential

bench: ## the tables of docs/performance.md; BENCH, PKGS and COUNT choose
	@mkdir -p bin
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count=$(COUNT) $(PKGS) | tee bin/bench.txt
	go tool -modfile=tools/go.mod benchstat -col /impl bin/bench.txt

browser: ## the storefront and the payment page in Chromium; SCREENSHOTS names a folder for pictures
	cd test/browser && JOVEPAY_REQUIRE_BROWSER=1 JOVEPAY_SCREENSHOTS='$(abspath $(SCREENSHOTS))' go test -count=1 ./...

proof: ## an order is paid once and fulfilled once, whatever breaks; ORDERS, LATE, STORE (postgres, mariadb, sqlite) and BROKER (jetstream) choose
	cd test/proof && go run . -orders $(ORDERS) -late $(LATE) -store $(STORE) -broker '$(BROKER)' $${JOVEPAY_TEST_POSTGRES:+-postgres "$$JOVEPAY_TEST_POSTGRES"} $${JOVEPAY_TEST_MARIADB:+-mariadb "$$JOVEPAY_TEST_MARIADB"}

sabotage: ## the proof finds what it must: every sabotage of the book
	cd test/proof && JOVEPAY_SABOTAGE=all go test -count=1 -timeout 60m -run TestSabotageIsFound -v .

histories: ## N histories of orders from three processes are linearizable, and those of a broken book are not
	cd test/histories && JOVEPAY_REQUIRE_DATABASES=1 go test -count=1 -v -timeout 2h -run 'Histories|OnePayment' . -histories $(N) -all

failover: ## PostgreSQL fails over to a replica during ORDERS orders; docs/failover.md has the results
	cd test/histories && JOVEPAY_REQUIRE_DATABASES=1 go test -count=1 -v -timeout 2h -run Failover . -orders $(ORDERS)

mutation: ## changes operators in the code that money depends on: a test must fail; FILES chooses
	bash .ci/mutation $(FILES)
