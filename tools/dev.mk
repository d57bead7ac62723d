# SPDX-License-Identifier: PostgreSQL
# What developers run.  Included by the Makefile when one of these goals is
# asked for; any other goal beside them is handed to a make of its own.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: $(MAKECMDGOALS) $(DEV_GOALS)

$(filter-out $(DEV_GOALS),$(MAKECMDGOALS)):
	@$(MAKE) --no-print-directory $@

help:
	@echo 'make                    build for the PostgreSQL of PG_CONFIG'
	@echo 'make install            install it there'
	@echo 'make demo [KEEP=1]      the newest 100 of 10,000 log entries in one request'
	@echo 'make check [ARGS=...]   all tests; ARGS go to pytest: ARGS="-k smoke"'
	@echo 'make check-all          the same, and what depends on the server on others'
	@echo 'make check-fresh        make demo and make check on Debian machines that hold'
	@echo '                        nothing yet (chroots)'
	@echo 'make installcheck       sql/ in a running server; DDB_ENDPOINT names a DynamoDB Local'
	@echo 'make check-postgres     suites of PostgreSQL itself; ARGS="join" one file of them'
	@echo 'make unit unit-asan     build the C unit tests, plain and with sanitizers'
	@echo 'make fuzz               libFuzzer targets, FUZZ_SECONDS=30 each, then'
	@echo '                        twice FUZZ_QUERIES=10000 random queries from FUZZ_SEED on'
	@echo 'make lint format        check, or mend, how the code is written'
	@echo 'make bench              timings against the replay server'
	@echo 'make bench-joins        joins and scans where it answers after 5 ms'
	@echo 'make setup              install what make check and make demo need'

setup:
	@tools/setup.sh check

# One command each, which make execs: no shell stays between make and the
# process that has to clean up.
check:
	@+tools/check.sh $(ARGS)

check-all: export SERVERS := $(SERVERS)
check-all:
	@+tools/check_all.sh $(ARGS)

check-fresh: export FRESH := $(FRESH)
check-fresh:
	@+tools/check_fresh.sh $(ARGS)

installcheck:
	@tools/installcheck.sh $(ARGS)

check-postgres:
	@+tools/check_postgres.sh $(ARGS)

demo:
	@+tools/demo.sh $(if $(filter-out 0,$(KEEP)),--keep)

lint:
	@tools/setup.sh lint
	@python3 tools/lint.py

format:
	@tools/setup.sh lint
	@find src test -name '*.[ch]' -print0 | xargs -0 -r clang-format -i

bench:
	@bench/run.sh

bench-joins:
	@bench/run.sh joins

# ---- plain C programs over the layers that know nothing of PostgreSQL --------

include tools/needs.mk

PLAIN_SOURCES = $(sort $(wildcard src/client/*.c src/format/*.c))
UNIT_SUPPORT = $(sort $(wildcard test/unit/support_*.c))
UNIT_TESTS = $(filter-out $(UNIT_SUPPORT),$(sort $(wildcard test/unit/*.c)))
FUZZ_TARGETS = $(sort $(wildcard test/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 30
FUZZ_QUERIES ?= 10000
FUZZ_SEED ?= $(shell date +%s)
CLANG ?= clang
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

ifneq ($(filter unit unit-asan fuzz,$(MAKECMDGOALS)),)
$(call need_compiler)
$(call need_libraries,$(LIBRARIES) cmocka)
$(stop_if_missing)
endif

PLAIN_CFLAGS = -std=gnu11 -g -Wall -Wextra -Wmissing-prototypes -Wno-unused-parameter \
	$(if $(filter 1,$(WERROR)),-Werror) -MMD -MP -pthread \
	-Isrc -Itest/unit $(call library_cflags,$(LIBRARIES) cmocka) $(CFLAGS)
PLAIN_LIBS = $(call library_libs,$(LIBRARIES) cmocka) -pthread

# plain_programs GOAL,COMPILER,EXTRA-FLAGS,PROGRAM-SOURCES,SUPPORT-SOURCES
define plain_programs
$(1): $(patsubst %.c,build/$(1)/%,$(notdir $(4)))
build/$(1)/objects/%.o: %.c
	@mkdir -p $$(@D)
	$(2) $$(PLAIN_CFLAGS) $(3) -c -o $$@ $$<
$(foreach source,$(4),$(eval $(call plain_program,$(1),$(2),$(3),$(source),$(5))))
-include $(patsubst %.c,build/$(1)/objects/%.d,$(4) $(5) $(PLAIN_SOURCES))
endef

define plain_program
build/$(1)/$(basename $(notdir $(4))): $(patsubst %.c,build/$(1)/objects/%.o,$(4) $(5) $(PLAIN_SOURCES))
	$(2) $(3) -o $$@ $$^ $$(PLAIN_LIBS)
endef

.SECONDARY:
$(eval $(call plain_programs,unit,$(CC),-O1,$(UNIT_TESTS),$(UNIT_SUPPORT)))
$(eval $(call plain_programs,unit-asan,$(CC),-O1 $(SANITIZE),$(UNIT_TESTS),$(UNIT_SUPPORT)))
$(eval $(call plain_programs,fuzz,$(CLANG),-O1 -fsanitize=fuzzer $(SANITIZE),$(FUZZ_TARGETS),))

at_least_one = $(if $(filter 0,$(1)),1,$(1))

# Inputs found are kept in build/fuzz/corpus; those worth keeping for good go
# to test/fuzz/corpus/NAME.
fuzz:
	@for target in $(patsubst %.c,%,$(notdir $(FUZZ_TARGETS))); do \
		mkdir -p build/fuzz/corpus/$$target; \
		seeds=test/fuzz/corpus/$$target; [ -d $$seeds ] || seeds=; \
		dictionary=test/fuzz/$$target.dict; \
		if [ -f $$dictionary ]; then dictionary=-dict=$$dictionary; else dictionary=; fi; \
		echo "== $$target, $(FUZZ_SECONDS) s"; \
		build/fuzz/$$target -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 \
			-print_final_stats=1 -artifact_prefix=build/fuzz/$$target- $$dictionary \
			build/fuzz/corpus/$$target $$seeds || exit 1; \
	done
	@echo '== $(FUZZ_QUERIES) queries, from seed $(FUZZ_SEED) on'
	@+DDB_FUZZ_SEED=$(FUZZ_SEED) DDB_FUZZ_QUERIES=$(FUZZ_QUERIES) \
		DDB_FUZZ_SEEDS=$(call at_least_one,$(shell expr $(FUZZ_QUERIES) / 200)) \
		tools/check.sh test/differential/test_random_queries.py \
			test/differential/test_random_entity_queries.py -q
