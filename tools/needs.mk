# SPDX-License-Identifier: PostgreSQL
# Looks for what a build needs and names, in one line, the Debian packages that
# are missing.

LIBRARIES = libcurl libcrypto jansson zlib
PACKAGE_libcurl = libcurl4-openssl-dev
PACKAGE_libcrypto = libssl-dev
PACKAGE_jansson = libjansson-dev
PACKAGE_zlib = zlib1g-dev
PACKAGE_cmocka = libcmocka-dev

PKG_CONFIG ?= pkg-config
MISSING :=
MISSING_PACKAGES :=

# need FOUND,WHAT,PACKAGE
need = $(if $(1),,$(eval MISSING += $(2))$(eval MISSING_PACKAGES += $(3)))

# need_libraries PKG-CONFIG-NAMES: without pkg-config, which comes first, all
need_libraries = $(call need,$(shell command -v $(PKG_CONFIG)),pkg-config,pkg-config)$(foreach library,$(1),$(call need,$(shell $(PKG_CONFIG) --exists $(library) 2>/dev/null && echo yes),$(library),$(PACKAGE_$(library))))

# need_compiler: one that finds headers, so that a library's are not blamed
need_compiler = $(call need,$(shell echo 'int nothing;' | $(CC) -include stdlib.h -fsyntax-only -x c - 2>/dev/null && echo yes),$(CC),build-essential)

# server_package PG_CONFIG: what holds the headers of its server
server_package = postgresql-server-dev-$(or $(shell $(1) --version 2>/dev/null | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p'),$(shell tools/debian_postgresql.sh))

stop_if_missing = $(if $(strip $(MISSING)),$(error not found: $(strip $(MISSING)). Run: apt-get install $(strip $(MISSING_PACKAGES))))

library_cflags = $(shell $(PKG_CONFIG) --cflags $(1) 2>/dev/null)
library_libs = $(shell $(PKG_CONFIG) --libs $(1) 2>/dev/null)
