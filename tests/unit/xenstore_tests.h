/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The groups of xenstore's unit tests that have a file of their own. */
#ifndef HOSPES_TESTS_XENSTORE_TESTS_H
#define HOSPES_TESTS_XENSTORE_TESTS_H

void transaction_tests(void);
void restart_tests(void);
void ring_tests(void);
void rings_tests(void);

#endif
