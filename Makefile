# Build of the extension "rcs".  Its version is written in rcs.control only.

EXTENSION = rcs
MODULE_big = rcs
RCS_VERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" rcs.control)
SCHEMA := $(sort $(wildcard schema/*.sql))
AFTER_CODES := $(filter-out schema/00% schema/01% schema/02% schema/03% schema/04% schema/05%,$(SCHEMA))
OBJS := $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
DATA = $(wildcard updates/rcs--*--*.sql)
DATA_built = rcs--$(RCS_VERSION).sql
CONSOLE_FILES := $(sort $(wildcard console/*.html console/*.js console/*.css console/*.svg console/vendor/*))
EXTRA_CLEAN = $(OBJS:.o=.d) src/kt/kt_codes.h src/listener/console_files.h demo/customers.csv tmp_check

# "make WERROR=" builds with a compiler that knows warnings we do not know yet.
# PostgreSQL's own headers and callback signatures need the -Wno- options.
WERROR ?= -Werror
# "make FAULTS=1" compiles the fault points of the tests in.
# Each object names the headers it was made from (-MMD), so that a changed header compiles only those.
PG_CPPFLAGS = -I$(srcdir)/src -MMD -MP $(if $(FAULTS),-DRCS_FAULTS) -DRCS_VERSION=\"$(RCS_VERSION)\" $(shell curl-config --cflags 2>/dev/null)
PG_CFLAGS = -Wall -Wextra $(WERROR) -Wno-unused-parameter -Wno-missing-field-initializers -Wno-sign-compare
SHLIB_LINK = $(shell curl-config --libs 2>/dev/null || echo -lcurl) -luuid -lmicrohttpd
# Bitcode would need clang and is of no use to functions that are never inlined.
override with_llvm := no

# These work before PostgreSQL is installed, and without PGXS, whose "check" only refuses.
OWN_GOALS = deps demo demo-chat check check-long nemesis fuzz lint format format-check ktsim bench bench-long bench-grow bench-views dist packages
PG_CONFIG ?= pg_config
ifneq ($(filter-out $(OWN_GOALS),$(or $(MAKECMDGOALS),all)),)
PGXS := $(wildcard $(shell $(PG_CONFIG) --pgxs 2>/dev/null))
ifeq ($(and $(PGXS),$(wildcard $(shell $(PG_CONFIG) --includedir-server 2>/dev/null)/postgres.h)),)
$(error the server headers are missing: run "make deps", or pass PG_CONFIG=/path/to/pg_config)
endif
include $(PGXS)

-include $(OBJS:.o=.d)
$(OBJS): rcs.control
src/kt/response.o: src/kt/kt_codes.h
src/listener/console_file.o: src/listener/console_files.h

src/kt/kt_codes.h: data/kt-error-codes.tsv scripts/kt_codes.awk
	LC_ALL=C awk -f scripts/kt_codes.awk $< > $@

# The directories are prerequisites too, so that a removed file is noticed.
src/listener/console_files.h: $(CONSOLE_FILES) console console/vendor scripts/console_files.awk
	LC_ALL=C awk -f scripts/console_files.awk $(CONSOLE_FILES) > $@

# The directory is a prerequisite too, so that a removed part is noticed.
$(DATA_built): $(SCHEMA) schema rcs.control data/kt-error-codes.tsv scripts/kt_codes.awk
	{ printf '%s\n' '\echo Use "CREATE EXTENSION rcs" to load this file. \quit' && cat $(filter-out $(AFTER_CODES),$(SCHEMA)) </dev/null && \
		LC_ALL=C awk -v to=sql -f scripts/kt_codes.awk data/kt-error-codes.tsv && cat $(AFTER_CODES) </dev/null; } > $@

clean: clean-ktsim
clean-ktsim:
	@if [ -f ktsim/Makefile ]; then $(MAKE) -C ktsim clean; fi
else
check: deps
	scripts/check.sh
endif

ktsim:
	$(MAKE) -C ktsim
check-long nemesis fuzz demo demo-chat: deps
bench bench-grow bench-views:
	scripts/deps.sh bench
	bench/$(@:bench-%=%).sh
bench-long:
	BENCH=backlog OUT=bench/results-long.md $(MAKE) bench
deps demo format:
	scripts/$@.sh
# The objects say who calls whom.
lint:
	$(MAKE) -s -j$(shell nproc) all
	scripts/lint.sh
demo-chat:
	scripts/demo_chat.sh
check-long:
	RCS_LONG=1 scripts/check.sh
nemesis:
	RCS_SEED=$(SEED) RCS_NEMESIS_SECONDS=$(or $(SECONDS),180) ONLY=tap TESTS=t/delivery/nemesis.pl scripts/check.sh
fuzz:
	FUZZ_N=$(or $(FUZZ_N),$(N),100000) FUZZ_SEED=$(or $(FUZZ_SEED),$(SEED)) ONLY=fuzz scripts/check.sh
format-check:
	scripts/format.sh --check
# For PGXN, and for rpm/rcs.spec: what is committed, and nothing that was built.
dist:
	git archive --format=zip --prefix=rcs-$(RCS_VERSION)/ -o rcs-$(RCS_VERSION).zip HEAD
packages:
	scripts/packages.sh
.PHONY: $(OWN_GOALS) clean-ktsim
.DELETE_ON_ERROR:
