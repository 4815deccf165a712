/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop of hospesd: file descriptors and timers, one thread. A source may be removed from
 * within any callback, its own included: one event is taken at a time.
 */
#ifndef HL_HOSPESD_LOOP_H
#define HL_HOSPESD_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop_source {
    int fd;          /* -1: not in the loop */
    uint32_t events; /* EPOLLIN, EPOLLOUT */
    void (*ready)(void *opaque, uint32_t events);
    void *opaque;
};

struct loop_timer {
    uint64_t due; /* loop_now() at which it fires; 0: not set */
    void (*fire)(void *opaque);
    void *opaque;
    struct loop_timer *next;
};

struct loop {
    int epoll;
    bool stop;
    struct loop_timer *timers;
};

/* Milliseconds of the monotonic clock. */
uint64_t loop_now(void);

int loop_init(struct loop *loop); /* 0 or a negative errno */
void loop_done(struct loop *loop);

/* Fills and registers a source; its memory stays the caller's. 0 or a negative errno. */
int loop_add(struct loop *loop, struct loop_source *s, int fd, uint32_t events,
             void (*ready)(void *, uint32_t), void *opaque);
/* Changes what is waited for. */
void loop_want(struct loop *loop, struct loop_source *s, uint32_t events);
/* Takes it out; does not close the descriptor. Safe to call twice. */
void loop_remove(struct loop *loop, struct loop_source *s);

/* (Re)sets a timer to fire once, `ms` from now. The memory stays the caller's. */
void loop_timer_set(struct loop *loop, struct loop_timer *t, uint64_t ms, void (*fire)(void *),
                    void *opaque);
void loop_timer_cancel(struct loop *loop, struct loop_timer *t);

/* Until loop->stop. 0 or a negative errno. */
int loop_run(struct loop *loop);

#endif
