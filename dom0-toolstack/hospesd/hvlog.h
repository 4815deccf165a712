/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --log-hv: the hypervisor's console ring, followed into LOGDIR/hypervisor.log. */
#ifndef HL_HOSPESD_HVLOG_H
#define HL_HOSPESD_HVLOG_H

struct daemon;
struct hl_error;

int hvlog_start(struct daemon *d, struct hl_error *e);
void hvlog_stop(struct daemon *d);
/* Its port fired: there is new text. */
void hvlog_event(struct daemon *d);

#endif
