# SPDX-License-Identifier: GPL-2.0-only
#
# allowgate: one Makefile, output in build/.
#
#   make            the programs                      make check      every test of the ordinary run
#   make demo       the main job, played (root)       make lint       format, tidy, layers, shell
#   make run        the daemon on IFACE=eth0 (root)   make install    DESTDIR= PREFIX=
#   make fuzz       fuzz every parser, FUZZ_SECONDS=60 each
#   make bench      measure, beside others (root; bench-quick: three minutes)
#   make check-long a million replacements under traffic, 50 million packets by the oracle (root)
#   make check-kernels  the daemon on older and newer kernels, each in a virtual machine
#   make format     clang-format over every C file

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

VERSION := $(shell cat VERSION)
PREFIX ?= /usr
SYSCONFDIR ?= /etc
UNITDIR ?= /lib/systemd/system
BUILD ?= build
export BUILD

CC := gcc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool) bpftool)
PKG_CONFIG ?= pkg-config

# --- flags -------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	    -Wformat=2 -Wno-format-nonliteral -Wpointer-arith -Wwrite-strings -Wundef
HARDENING := -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2
COMMON := -std=gnu17 -I. -I$(BUILD) -D_GNU_SOURCE -DAG_VERSION='"$(VERSION)"' $(WARNINGS) $(WERROR) -MMD -MP
CFLAGS ?= -O2 -g
LDFLAGS ?= -Wl,-z,relro,-z,now -pie
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

CORE_LIBS := jansson nettle
IO_LIBS := sqlite3 libbpf libelf zlib libmnl libmicrohttpd libsystemd inih
CLI_LIBS := libcurl
NOTICE_LIBS := libmicrohttpd libsystemd inih
ORIGIN_LIBS := libmnl
libs = $(shell $(PKG_CONFIG) --libs $(1))

BPF_CFLAGS = -target bpf -mcpu=v3 -O2 -g -I. -idirafter /usr/include/$(shell $(CC) -dumpmachine) \
	      -Wall -Wextra -Wshadow -Wno-unused-function $(WERROR) -MMD -MP

# --- what is built -----------------------------------------------------------

CORE := $(patsubst %.c,%.o,$(wildcard userspace/core/*.c))
IO := $(patsubst %.c,%.o,$(wildcard userspace/io/*.c))
DAEMON := $(patsubst %.c,%.o,$(wildcard userspace/daemon/*.c))
CLI := $(patsubst %.c,%.o,$(wildcard userspace/cli/*.c))
NOTICE := $(patsubst %.c,%.o,$(wildcard userspace/notice/*.c))
ORIGIN := $(patsubst %.c,%.o,$(wildcard userspace/origin/*.c))
SKELETON := $(BUILD)/bpf/allowgate.skel.h
SHELLS := bash zsh fish
COMPLETION_SCRIPTS := $(BUILD)/cli/completion_scripts.h
DOCUMENT := $(BUILD)/daemon/openapi_text.h
COMPLETIONS := $(addprefix $(BUILD)/completion/allowgate.,$(SHELLS))
UNIT_TESTS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
PROG_TESTS := $(patsubst tests/prog/%.c,%,$(wildcard tests/prog/test_*.c))
ORACLE := $(patsubst %.c,%.o,$(wildcard tests/oracle/*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

# Where the shells look: zsh of Debian elsewhere than zsh's own place.
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/$(if $(wildcard /etc/debian_version),vendor-completions,site-functions)
FISHCOMPDIR ?= $(PREFIX)/share/fish/vendor_completions.d

# Two builds of the same sources: build/obj (release) and build/asan (debug, sanitised, -Werror).
R := $(BUILD)/obj
D := $(BUILD)/asan

# make V=1 shows the commands.
Q := $(if $(V),,@)
say = @$(if $(V),:,echo "  $(1)	$@")

.PHONY: all
all: $(BUILD)/allowgated $(BUILD)/allowgate $(BUILD)/allowgate-notice $(BUILD)/allowgate-origin $(BUILD)/ag-run \
	$(COMPLETIONS)

.PHONY: debug
debug: $(D)/allowgated $(D)/allowgate $(D)/allowgate-notice $(D)/allowgate-origin

$(SKELETON): bpf/allowgate.bpf.c
	@mkdir -p $(@D)
	$(call say,BPF)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MT $@ -MF $(BUILD)/bpf/allowgate.d -c $< -o $(BUILD)/bpf/allowgate.full.o
	$(Q)$(BPFTOOL) gen object $(BUILD)/bpf/allowgate.o $(BUILD)/bpf/allowgate.full.o
	$(Q){ echo '#pragma GCC system_header'; \
	  $(BPFTOOL) gen skeleton $(BUILD)/bpf/allowgate.o name allowgate_bpf; } > $@
-include $(BUILD)/bpf/allowgate.d

$(addprefix $(R)/,$(IO)) $(addprefix $(D)/,$(IO)) $(patsubst %,$(D)/tests/prog/%.o,$(PROG_TESTS)): | $(SKELETON)

# The scripts that complete commands, as text within allowgate, which puts its commands into them.
$(COMPLETION_SCRIPTS): $(addprefix userspace/cli/completion/allowgate.,$(SHELLS))
	@mkdir -p $(@D)
	$(call say,GEN)
	$(Q)for shell in $(SHELLS); do \
	  printf 'static const char SCRIPT_%s[] =\n' $$shell; \
	  sed 's/[\\"]/\\&/g; s/.*/\t"&\\n"/' userspace/cli/completion/allowgate.$$shell; \
	  printf '\t;\n'; \
	done > $@
$(R)/userspace/cli/completion.o $(D)/userspace/cli/completion.o: | $(COMPLETION_SCRIPTS)

# The API's document, as text within the daemon, which serves it.
$(DOCUMENT): docs/openapi.yaml
	@mkdir -p $(@D)
	$(call say,GEN)
	$(Q){ printf 'static const char OPENAPI[] =\n'; sed 's/[\\"]/\\&/g; s/.*/\t"&\\n"/' $<; printf '\t;\n'; } > $@
$(R)/userspace/daemon/api_document.o $(D)/userspace/daemon/api_document.o: | $(DOCUMENT)

$(BUILD)/completion/allowgate.%: $(BUILD)/allowgate
	@mkdir -p $(@D)
	$(call say,GEN)
	$(Q)$< completion $* > $@

$(R)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(COMMON) $(HARDENING) $(CFLAGS) -c $< -o $@

$(D)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(COMMON) -Werror -O1 -g $(SANITIZE) -c $< -o $@

-include $(shell find $(BUILD)/obj $(BUILD)/asan -name '*.d' 2>/dev/null)

$(R)/libagcore.a: $(addprefix $(R)/,$(CORE))
$(D)/libagcore.a: $(addprefix $(D)/,$(CORE))
$(R)/libagio.a: $(addprefix $(R)/,$(IO))
$(D)/libagio.a: $(addprefix $(D)/,$(IO))
$(D)/libagoracle.a: $(addprefix $(D)/,$(ORACLE))
# Everything of the daemon but its main(), for tests that put something else under or over it.
$(D)/libagdaemon.a: $(filter-out %/main.o,$(addprefix $(D)/,$(DAEMON)))
$(D)/libagnotice.a: $(filter-out %/main.o,$(addprefix $(D)/,$(NOTICE)))
$(D)/libagorigin.a: $(filter-out %/main.o,$(addprefix $(D)/,$(ORIGIN)))
%.a:
	$(Q)rm -f $@
	$(call say,AR)
	$(Q)ar rcs $@ $^

$(BUILD)/allowgated: $(addprefix $(R)/,$(DAEMON)) $(R)/libagio.a $(R)/libagcore.a
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(call libs,$(IO_LIBS) $(CORE_LIBS)) -o $@
$(BUILD)/allowgate: $(addprefix $(R)/,$(CLI)) $(R)/libagcore.a
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(call libs,$(CLI_LIBS) $(CORE_LIBS)) -o $@
$(BUILD)/allowgate-notice: $(addprefix $(R)/,$(NOTICE)) $(R)/libagcore.a
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(call libs,$(NOTICE_LIBS) $(CORE_LIBS)) -o $@
$(BUILD)/allowgate-origin: $(addprefix $(R)/,$(ORIGIN)) $(R)/libagcore.a
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(call libs,$(ORIGIN_LIBS)) -o $@
$(D)/allowgated: $(addprefix $(D)/,$(DAEMON)) $(D)/libagio.a $(D)/libagcore.a
	$(call say,CC)
	$(Q)$(CC) $(SANITIZE) $^ $(call libs,$(IO_LIBS) $(CORE_LIBS)) -o $@
$(D)/allowgate: $(addprefix $(D)/,$(CLI)) $(D)/libagcore.a
	$(call say,CC)
	$(Q)$(CC) $(SANITIZE) $^ $(call libs,$(CLI_LIBS) $(CORE_LIBS)) -o $@

$(D)/allowgate-notice: $(addprefix $(D)/,$(NOTICE)) $(D)/libagcore.a
	$(call say,CC)
	$(Q)$(CC) $(SANITIZE) $^ $(call libs,$(NOTICE_LIBS) $(CORE_LIBS)) -o $@

$(D)/allowgate-origin: $(addprefix $(D)/,$(ORIGIN)) $(D)/libagcore.a
	$(call say,CC)
	$(Q)$(CC) $(SANITIZE) $^ $(call libs,$(ORIGIN_LIBS)) -o $@

# What would become of a frame: for people, and to replay captures in tests.
$(R)/tools/ag-run.o: | $(SKELETON)
$(BUILD)/ag-run: $(R)/tools/ag-run.o $(R)/tools/pcap.o $(R)/libagcore.a
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(call libs,libbpf libelf zlib $(CORE_LIBS)) -o $@

# Tests link the archives, so each pulls in just the objects it needs.
# test_notice and test_origin_* are of other programs than the rest.
$(D)/test_notice: $(D)/tests/unit/test_notice.o $(D)/libagnotice.a $(D)/libagcore.a
	$(call say,CC)
	$(Q)$(CC) $(SANITIZE) $^ $(call libs,cmocka $(NOTICE_LIBS) $(CORE_LIBS)) -o $@
$(D)/test_origin_%: $(D)/tests/unit/test_origin_%.o $(D)/libagorigin.a $(D)/libagcore.a
	$(call say,CC)
	$(Q)$(CC) $(SANITIZE) $^ $(call libs,cmocka $(ORIGIN_LIBS)) -o $@
$(D)/test_%: $(D)/tests/unit/test_%.o $(D)/libagoracle.a $(D)/libagdaemon.a $(D)/libagio.a $(D)/libagcore.a
	$(call say,CC)
	$(Q)$(CC) $(SANITIZE) $^ $(call libs,cmocka $(IO_LIBS) $(CORE_LIBS)) -o $@
$(D)/prog_%: $(D)/tests/prog/test_%.o $(D)/libagoracle.a $(D)/libagio.a $(D)/libagcore.a
	$(call say,CC)
	$(Q)$(CC) $(SANITIZE) $^ $(call libs,cmocka $(IO_LIBS) $(CORE_LIBS)) -o $@
.SECONDARY:

.PHONY: unit-tests prog-tests
unit-tests: $(addprefix $(D)/,$(UNIT_TESTS))
prog-tests: $(patsubst test_%,$(D)/prog_%,$(PROG_TESTS))

# Fuzz targets: replayed over their corpus in check (gcc, sanitised), explored by libFuzzer in `make fuzz`.
$(D)/fuzz_%: $(D)/tests/fuzz/fuzz_%.o $(D)/tests/fuzz/replay.o $(D)/libagcore.a
	$(call say,CC)
	$(Q)$(CC) $(SANITIZE) $^ $(call libs,$(CORE_LIBS)) -o $@
.PHONY: fuzz-replays
fuzz-replays: $(addprefix $(D)/,$(FUZZERS))

FUZZ_SECONDS ?= 60
$(BUILD)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(wildcard userspace/core/*.c)
	@mkdir -p $(@D)
	$(CLANG) $(filter-out -MMD -MP,$(COMMON)) -Wno-sign-conversion -g -O1 -fsanitize=fuzzer,address,undefined $^ \
		$(call libs,$(CORE_LIBS)) -o $@
.PHONY: fuzz fuzz-all
fuzz:
	tools/install-packages build fuzz
	$(MAKE) fuzz-all
fuzz-all: $(addprefix $(BUILD)/fuzz/,$(FUZZERS))
	for name in $(FUZZERS); do \
		mkdir -p $(BUILD)/fuzz/found/$$name; \
		$(BUILD)/fuzz/$$name -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$(BUILD)/fuzz/found/$$name- \
			$(BUILD)/fuzz/found/$$name tests/fuzz/corpus/$$name; \
	done

# --- what a person calls -----------------------------------------------------

.PHONY: check
check:
	tools/install-packages build demo check
	tests/run

.PHONY: demo
demo:
	tools/install-packages build demo
	$(MAKE) all
	tests/demo

.PHONY: run
run:
	@[ -n "$(IFACE)" ] || { echo "make run: say which interface: make run IFACE=eth0" >&2; exit 2; }
	tools/install-packages build
	$(MAKE) all
	tools/run-here $(IFACE)

# What takes too long for every run: lists replaced as fast as it goes, a million times, for a minute at least, and for a
# minute under packets on a wire; 50 million packets by the oracle; clang's analyzer without check's bound.
.PHONY: check-long
check-long:
	tools/install-packages build demo check
	$(MAKE) BUILD=$(BUILD) all prog-tests $(D)/test_store_corrupt $(D)/test_store_faults
	AG_LINT_NODES=225000 tests/lint tidy
	STORE_FLIPS=3000 $(D)/test_store_corrupt
	STORE_KILLS=400 $(D)/test_store_faults
	AG_CHURN_SECONDS=60 tests/net/replace.sh
	AG_CHURN_REPLACEMENTS=1000000 AG_CHURN_SECONDS=60 AG_TEST_TIMEOUT=3600 $(D)/prog_churn
	AG_PACKETS=50000000 AG_TEST_TIMEOUT=7200 $(D)/prog_packets

# Kernels that Debian has packages of, in virtual machines: what each lacks is said, and all else works. KERNELS="6.1" does one.
.PHONY: check-kernels
check-kernels:
	tools/install-packages build demo check kernels
	$(MAKE) all
	tests/vm/run $(KERNELS)

include tools/bench/bench.mk

.PHONY: lint
lint: all
	tests/lint

.PHONY: format
format:
	find bpf userspace tests tools -name '*.[ch]' | xargs clang-format -i

.PHONY: install
install: all
	install -D -m 0755 -t $(DESTDIR)$(PREFIX)/sbin $(BUILD)/allowgated $(BUILD)/allowgate-notice \
		$(BUILD)/allowgate-origin
	install -D -m 0755 -t $(DESTDIR)$(PREFIX)/bin $(BUILD)/allowgate
	install -D -m 0644 $(BUILD)/completion/allowgate.bash $(DESTDIR)$(BASHCOMPDIR)/allowgate
	install -D -m 0644 $(BUILD)/completion/allowgate.zsh $(DESTDIR)$(ZSHCOMPDIR)/_allowgate
	install -D -m 0644 -t $(DESTDIR)$(FISHCOMPDIR) $(BUILD)/completion/allowgate.fish
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/man/man1 docs/man/allowgate.1
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/man/man5 docs/man/allowgate.conf.5 docs/man/allowgate-notice.conf.5
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/man/man8 docs/man/allowgated.8 docs/man/allowgate-notice.8 \
		docs/man/allowgate-origin.8
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/doc/allowgate docs/openapi.yaml
	[ -e $(DESTDIR)$(SYSCONFDIR)/allowgate/allowgate.conf ] || \
		install -D -m 0644 -t $(DESTDIR)$(SYSCONFDIR)/allowgate systemd/allowgate.conf
	[ -e $(DESTDIR)$(SYSCONFDIR)/allowgate/notice.conf ] || \
		install -D -m 0644 -t $(DESTDIR)$(SYSCONFDIR)/allowgate systemd/notice.conf
	install -d $(DESTDIR)$(UNITDIR)
	sed 's|@sbindir@|$(PREFIX)/sbin|' systemd/allowgate-notice.service.in > $(DESTDIR)$(UNITDIR)/allowgate-notice.service
	sed 's|@sbindir@|$(PREFIX)/sbin|' systemd/allowgate-origin.service.in > $(DESTDIR)$(UNITDIR)/allowgate-origin.service
	install -D -m 0644 -t $(DESTDIR)$(UNITDIR) systemd/allowgate-origin.socket
	sed 's|@sbindir@|$(PREFIX)/sbin|' systemd/allowgated.service.in > $(DESTDIR)$(UNITDIR)/allowgated.service
	install -D -m 0644 systemd/allowgate.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/allowgate.conf

.PHONY: clean
clean:
	rm -rf $(BUILD)
