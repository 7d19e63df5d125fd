# SPDX-License-Identifier: GPL-2.0-only
#
# bench.mk - the benchmark: make bench, make bench-quick (root). Included by the Makefile; see docs/performance.md.

BENCH := $(BUILD)/bench
BENCH_PROGRAMS := $(addprefix $(BENCH)/,bench-world bench-fill bench-generate bench-testrun bench-attach \
		  $(patsubst tools/bench/%.c,%,$(wildcard tools/bench/bench-lpm.c)))
BENCH_OBJECTS := $(patsubst tools/bench/%.bpf.c,$(BENCH)/%.bpf.o,$(wildcard tools/bench/*.bpf.c))

$(BENCH)/%.bpf.o: tools/bench/%.bpf.c
	@mkdir -p $(@D)
	$(call say,BPF)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MT $@ -MF $(@:.o=.d) -c $< -o $@
-include $(wildcard $(BENCH)/*.bpf.d)

$(BENCH)/bench-generate $(BENCH)/bench-testrun: $(R)/tools/bench/keys.o $(R)/tools/bench/cputime.o
$(BENCH)/bench-%: $(R)/tools/bench/bench-%.o $(R)/libagio.a $(R)/libagcore.a
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(call libs,$(IO_LIBS) $(CORE_LIBS)) -lm -o $@

.PHONY: bench-build bench bench-quick
bench-build: all $(BENCH_PROGRAMS) $(BENCH_OBJECTS)

# BENCH_ARGS="--worlds 1x10 --families 4" and the like; BENCH_DATA names a directory of real lists.
bench:
	tools/install-packages build demo bench
	$(MAKE) bench-build
	BUILD=$(BUILD) tools/bench/bench.py $(BENCH_ARGS)

bench-quick:
	tools/install-packages build demo bench
	$(MAKE) bench-build
	BUILD=$(BUILD) tools/bench/bench.py --quick $(BENCH_ARGS)
