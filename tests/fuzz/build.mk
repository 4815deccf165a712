# SPDX-License-Identifier: GPL-2.0-or-later
# Fuzzers (libFuzzer, so clang builds them). A folder adds the program to FUZZERS; each runs a short
# time in `make check` by a check-fuzz-NAME of its own, and FUZZ_SECONDS long in `make fuzz`.
FUZZ_SECONDS ?= 600
fuzz: $(FUZZERS)
	@for f in $(FUZZERS); do echo "$$f"; mkdir -p $$f.corpus; \
	    $$f -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$$f. $$f.corpus || exit 1; done
