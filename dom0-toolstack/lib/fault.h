/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Failures on purpose, for tests of the ways back: with HOSPES_FAIL_AT=N in the environment, the
 * N-th step of the process that asks here fails. With HOSPES_KILL_AT=N it is killed at the N-th of
 * these steps and of those that cannot fail; with HOSPES_STOP_AT=N it stops there until SIGCONT.
 */
#ifndef HL_FAULT_H
#define HL_FAULT_H

struct hl_error;

/* 0, or -EIO with a record. `step` names what would have been done. */
int hl_fault(const char *step, struct hl_error *e);
/* One that cannot. */
void hl_fault_kill(void);

#endif
