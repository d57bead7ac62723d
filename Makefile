# SPDX-License-Identifier: PostgreSQL
# ddb_fdw: PostgreSQL foreign data wrapper for Amazon DynamoDB.
#
#   make && sudo make install    build and install for the PostgreSQL whose
#                                pg_config is found first, or PG_CONFIG=/path
#   make demo                    show it at work on a throwaway cluster
#   make check                   run all tests on throwaway clusters
#   make installcheck            run sql/ in a running server, see tools/installcheck.sh
#   make help                    everything else
#
# WERROR=1 turns warnings into errors. CC=clang works as well as gcc.

# What developers run sets up its own needs and must work before PostgreSQL is
# installed; it lives in tools/dev.mk, and building is delegated from there.
DEV_GOALS = setup check check-all check-postgres installcheck check-fresh demo unit unit-asan fuzz lint format bench bench-joins help

ifneq ($(filter $(DEV_GOALS),$(MAKECMDGOALS)),)

include tools/dev.mk

else

PG_CONFIG ?= pg_config
EXTENSION = ddb_fdw
MODULE_big = ddb_fdw
DATA = ddb_fdw--1.0.sql
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
EXTRA_CLEAN = build results $(OBJS:.o=.d)

include tools/needs.mk
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
SERVER_HEADERS := $(shell $(PG_CONFIG) --includedir-server 2>/dev/null)
$(call need_compiler)
# pgxs.mk alone tells nothing: in Debian it comes with the client programs.
$(call need,$(and $(wildcard $(PGXS)),$(wildcard $(SERVER_HEADERS)/postgres.h)),$(if $(SERVER_HEADERS),$(SERVER_HEADERS)/postgres.h,pg_config),$(call server_package,$(PG_CONFIG)))
$(call need_libraries,$(LIBRARIES))
ifeq ($(filter clean distclean maintainer-clean uninstall,$(MAKECMDGOALS)),)
$(stop_if_missing)
else ifeq ($(wildcard $(PGXS)),)
$(stop_if_missing)
endif

# PostgreSQL's own headers are not clean under -Wextra: they count as system
# headers.  -Wno-unused-parameter: callbacks have the signatures of FdwRoutine.
PG_CPPFLAGS = -Isrc -isystem $(SERVER_HEADERS) \
	$(call library_cflags,$(LIBRARIES))
PG_CFLAGS = -std=gnu11 -Wall -Wextra -Wno-unused-parameter -MMD -MP
SHLIB_LINK = $(call library_libs,$(LIBRARIES))
ifeq ($(WERROR),1)
PG_CFLAGS += -Werror
endif

# No bitcode: nothing here is worth inlining into JIT code, and packagers need
# no LLVM.
override with_llvm = no
ifneq ($(wildcard $(PGXS)),)
include $(PGXS)
# PostgreSQL hands over the flags of the compiler that built it.
override CFLAGS := $(filter-out $(shell tools/refused_flags.sh '$(CC)' $(CFLAGS)),$(CFLAGS))
endif

-include $(OBJS:.o=.d)

endif
