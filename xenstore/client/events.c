/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watches and their events in the client library. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "xenstore/client/client.h"

int hs_fd(struct hs *h)
{
    return h->poll_fd;
}

static struct hs_set_watch **find_watch(struct hs *h, const char *path, const char *token)
{
    struct hs_set_watch **slot = &h->watches;

    while (*slot && (strcmp((*slot)->path, path) || strcmp((*slot)->token, token))) {
        slot = &(*slot)->next;
    }
    return slot;
}

int hs_watch(struct hs *h, const char *path, const char *token)
{
    size_t plen = strlen(path) + 1, tlen = strlen(token) + 1;
    const struct hs_part parts[] = {{path, plen}, {token, tlen}};
    struct hs_set_watch *w = malloc(sizeof(*w) + plen + tlen);

    if (!w) {
        return -1;
    }
    memcpy(w->path, path, plen);
    w->token = w->path + plen;
    memcpy(w->token, token, tlen);
    if (hs_tell(h, XS_WATCH, HS_TX_NONE, parts, 2)) {
        int saved = errno;

        free(w);
        errno = saved;
        return -1;
    }
    w->next = h->watches;
    h->watches = w;
    return 0;
}

/* The events of a watch path: those at or below it that carry its token. */
static void drop_events(struct hs *h, const char *path, const char *token)
{
    struct hs_pending **slot = &h->events, *e;
    size_t len = strlen(path);

    if (len && path[len - 1] == '/') {
        len--;
    }
    while ((e = *slot)) {
        if (!strcmp(e->event.token, token) && !strncmp(e->event.path, path, len) &&
            (!e->event.path[len] || e->event.path[len] == '/')) {
            *slot = e->next;
            free(e);
        } else {
            slot = &e->next;
        }
    }
    h->last_event = slot;
}

int hs_unwatch(struct hs *h, const char *path, const char *token)
{
    const struct hs_part parts[] = {{path, strlen(path) + 1}, {token, strlen(token) + 1}};
    struct hs_set_watch **slot = find_watch(h, path, token), *w = *slot;

    /* Out of the list first: a reconnection in between must not set it again. */
    if (w) {
        *slot = w->next;
        free(w);
    }
    if (hs_tell(h, XS_UNWATCH, HS_TX_NONE, parts, 2) && !(w && errno == ENOENT)) {
        return -1;
    }
    drop_events(h, path, token);
    return 0;
}

static struct hs_event *pop_event(struct hs *h)
{
    struct hs_pending *e = h->events;
    struct hs_event *copy;
    size_t plen, tlen;
    uint64_t count;

    if (!e) {
        return NULL;
    }
    plen = strlen(e->event.path) + 1;
    tlen = strlen(e->event.token) + 1;
    copy = malloc(sizeof(*copy) + plen + tlen);
    if (!copy) {
        return NULL;
    }
    memcpy(copy + 1, e->event.path, plen);
    memcpy((char *)(copy + 1) + plen, e->event.token, tlen);
    *copy = (struct hs_event){(char *)(copy + 1), (char *)(copy + 1) + plen};
    h->events = e->next;
    free(e);
    if (!h->events) {
        h->last_event = &h->events;
        if (read(h->wake_fd, &count, sizeof(count)) < 0) {
            /* Nothing was counted: as it should be. */
        }
    }
    return copy;
}

static long long now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

/* The daemon went away: any request makes the connection anew, with all watches. If that does not
 * succeed hs_fd() stays readable, so that the caller learns of it. */
static int revive(struct hs *h)
{
    char *reply = NULL;
    uint64_t one = 1;
    int saved = EPIPE;

    hs_disconnect(h);
    if (h->is_socket && !(h->flags & HS_NO_RECONNECT)) {
        reply = hs_domain_path(h, 0);
        saved = errno;
    }
    if (!reply) {
        if (write(h->wake_fd, &one, sizeof(one)) < 0) {
            /* The counter is full: readable it is. */
        }
        errno = saved;
        return -1;
    }
    free(reply);
    return 0;
}

static int collect(struct hs *h)
{
    char *reply = NULL;
    size_t len;
    int err, got;

    if (h->fd < 0) {
        return revive(h);
    }
    do {
        got = hs_receive(h, false, &reply, &len, &err);
        if (got > 0) {
            free(reply); /* nobody waits for it any more */
        }
    } while (got > 0);
    return got < 0 ? revive(h) : 0;
}

struct hs_event *hs_event(struct hs *h, int timeout_ms)
{
    long long end = now_ms() + timeout_ms, left;

    for (;;) {
        if (!h->events && collect(h)) {
            return NULL;
        }
        if (h->events) {
            return pop_event(h);
        }
        left = timeout_ms < 0 ? -1 : end - now_ms();
        if (timeout_ms >= 0 && left <= 0) {
            errno = EAGAIN;
            return NULL;
        }
        hs_poll(h, POLLIN, (int)left);
    }
}
