/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Included before everything (tests/rules.mk): all symbols are our own, none goes through a GOT. */
#pragma GCC visibility push(hidden)
