# SPDX-License-Identifier: GPL-2.0-or-later
# What documentation can be held against: the sources.
CHECKS += check-docs

.PHONY: check-docs
check-docs:
	@tests/docs/check
