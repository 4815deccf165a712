/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Giving up rights, for a process that reads what a guest wrote. Both functions cannot be undone; where one fails, the
 * process must end.
 */
#ifndef BOOTLOADER_SANDBOX_H
#define BOOTLOADER_SANDBOX_H

struct hl_error;

/*
 * Becomes nobody in an empty root without a network, and can never get more again. Of a process that is not root's there
 * is nothing to take but the last. Descriptors stay open.
 */
int sandbox_drop(struct hl_error *e);

/*
 * Only reading and writing `fd` and memory are left (every other system call ends the process), every other descriptor
 * is closed; memory and CPU time are bounded.
 */
int sandbox_lock(int fd, struct hl_error *e);

#endif
