/* SPDX-License-Identifier: MIT */
/* sched_op(cmd, arg): how a guest gives up the CPU or itself. */
#ifndef HOSPES_ABI_SCHED_H
#define HOSPES_ABI_SCHED_H

#include "event_channel.h"

#define SCHEDOP_yield           0 /* no argument */
#define SCHEDOP_block           1 /* no argument; also unmasks event upcalls */
#define SCHEDOP_shutdown        2 /* sched_shutdown; with suspend: edx, the start_info frame (PV) */
#define SCHEDOP_poll            3 /* sched_poll; upcalls must be masked */
#define SCHEDOP_remote_shutdown 4 /* sched_remote_shutdown, the privileged only */
#define SCHEDOP_shutdown_code   5 /* sched_shutdown: the reason for a later silent power-off */
#define SCHEDOP_watchdog        6 /* sched_watchdog */
#define SCHEDOP_pin_override    7 /* sched_pin_override, Domain 0 only */

/* Reasons */
#define SHUTDOWN_poweroff   0
#define SHUTDOWN_reboot     1
#define SHUTDOWN_suspend    2
#define SHUTDOWN_crash      3
#define SHUTDOWN_watchdog   4
#define SHUTDOWN_soft_reset 5
#define SHUTDOWN_MAX        5

struct sched_shutdown {
    unsigned int reason;
};
XEN_ABI_STRUCT(sched_shutdown);

struct sched_poll {
    XEN_GUEST_HANDLE(evtchn_port_t) ports;
    unsigned int nr_ports;
    uint64_t timeout; /* system time in ns; 0: none */
};
XEN_ABI_STRUCT(sched_poll);
XEN_ABI_SIZE(struct sched_poll, 24);

struct sched_remote_shutdown {
    domid_t domain_id;
    unsigned int reason;
};
XEN_ABI_STRUCT(sched_remote_shutdown);

struct sched_watchdog {
    uint32_t id;      /* 0: a new one, its id is the call's result */
    uint32_t timeout; /* seconds; 0 stops it */
};
XEN_ABI_STRUCT(sched_watchdog);

struct sched_pin_override {
    int32_t pcpu; /* negative: undo */
};
XEN_ABI_STRUCT(sched_pin_override);

#endif
