/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What Domain 0 asks of the hypervisor itself: debug keys, and what it prints (hypercalls/abi/sysctl.h). */
#ifndef TESTS_GUEST_HYPERVISOR_H
#define TESTS_GUEST_HYPERVISOR_H

/* Presses a debug key; 0 or a negative errno. */
long debug_key(char key);

/* What was put on its console since the last call, at most size - 1 characters and a zero byte. Their number, or a
 * negative errno. */
long hypervisor_text(char *text, unsigned int size);

#endif
