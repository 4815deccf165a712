/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domain 0's side of the workers (worker.h): making them, telling them what to do, ending them. */
#ifndef TESTS_GUEST_WORKERS_H
#define TESTS_GUEST_WORKERS_H

#include "kit/domains.h"
#include "kit/events.h"
#include "worker.h"

struct worker {
    struct domain domain;
    struct worker_page *page;
    evtchn_port_t port; /* ours, to it; an event on it is masked, see worker_answered() */
};

/* Makes a worker, starts it and waits until it is up. 0 or an error; -1: it does not come up. */
long worker_start(struct worker *w, unsigned int vcpus);
/* The same in two steps: domain_make() and the channel; unpause and wait. */
long worker_make(struct worker *w, unsigned int vcpus);
long worker_begin(struct worker *w);
long worker_end(struct worker *w);

/* Gives it a role (its numbers in the page come first) and sends an event. */
void worker_order(struct worker *w, enum worker_role role);
/* `from` in role PING and `to` in role ECHO: makes the channel; neither has begun yet. 0 or an error. */
long workers_connect(struct worker *from, struct worker *to);

/* Blocks until the worker's event has come, and takes it. */
void worker_wait_answer(struct worker *w);

/* Sleeps for that long, so that others have this CPU, too. */
void dom0_sleep(uint64_t ns);
/* Sleeps until *word is `value` at least; false after ten seconds. */
bool dom0_wait(volatile uint32_t *word, uint32_t value);

/* Pages that the hypervisor has free. */
uint64_t free_pages(void);
/* CPUs of the machine. */
unsigned int host_cpus(void);

#endif
