/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See loop.h. */
#include "dom0-toolstack/hospesd/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

uint64_t loop_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int loop_init(struct loop *loop)
{
    *loop = (struct loop){.epoll = epoll_create1(EPOLL_CLOEXEC)};
    return loop->epoll < 0 ? -errno : 0;
}

void loop_done(struct loop *loop)
{
    if (loop->epoll >= 0)
        close(loop->epoll);
    loop->epoll = -1;
}

int loop_add(struct loop *loop, struct loop_source *s, int fd, uint32_t events,
             void (*ready)(void *, uint32_t), void *opaque)
{
    struct epoll_event ev = {.events = events, .data.ptr = s};

    *s = (struct loop_source){fd, events, ready, opaque};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &ev) == 0)
        return 0;
    s->fd = -1;
    return -errno;
}

void loop_want(struct loop *loop, struct loop_source *s, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = s};

    if (s->fd < 0 || s->events == events)
        return;
    if (epoll_ctl(loop->epoll, EPOLL_CTL_MOD, s->fd, &ev) == 0)
        s->events = events;
}

void loop_remove(struct loop *loop, struct loop_source *s)
{
    if (s->fd >= 0)
        epoll_ctl(loop->epoll, EPOLL_CTL_DEL, s->fd, NULL);
    s->fd = -1;
}

void loop_timer_cancel(struct loop *loop, struct loop_timer *t)
{
    for (struct loop_timer **p = &loop->timers; *p; p = &(*p)->next) {
        if (*p == t) {
            *p = t->next;
            break;
        }
    }
    t->due = 0;
}

void loop_timer_set(struct loop *loop, struct loop_timer *t, uint64_t ms, void (*fire)(void *),
                    void *opaque)
{
    loop_timer_cancel(loop, t);
    *t = (struct loop_timer){loop_now() + ms, fire, opaque, loop->timers};
    loop->timers = t;
}

/* Of two that are due at once the one that was set first. */
static struct loop_timer *first_due(const struct loop *loop)
{
    struct loop_timer *first = loop->timers;

    for (struct loop_timer *t = first; t; t = t->next)
        if (t->due <= first->due)
            first = t;
    return first;
}

/* Fires what is due, one at a time (a callback may change the list), in its order, however late we are; answers the time to
 * wait. */
static int run_timers(struct loop *loop)
{
    struct loop_timer *first;

    while ((first = first_due(loop)) != NULL) {
        uint64_t now = loop_now();

        if (first->due > now)
            return (int)(first->due - now < 60000 ? first->due - now : 60000);
        loop_timer_cancel(loop, first);
        first->fire(first->opaque);
    }
    return -1;
}

int loop_run(struct loop *loop)
{
    while (!loop->stop) {
        int timeout = run_timers(loop);
        struct epoll_event ev;
        int n;

        if (loop->stop)
            break;
        /* One at a time, so that no event of a source that a callback freed is left over. */
        n = epoll_wait(loop->epoll, &ev, 1, timeout);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0) {
            struct loop_source *s = ev.data.ptr;

            s->ready(s->opaque, ev.events);
        }
    }
    return 0;
}
