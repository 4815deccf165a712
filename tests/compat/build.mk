# SPDX-License-Identifier: GPL-2.0-or-later
# Comparisons with Xen itself.
CHECKS += check-abi

.PHONY: check-abi
check-abi:
	@CC='$(CC)' tests/compat/abi-compare $(B)/compat
