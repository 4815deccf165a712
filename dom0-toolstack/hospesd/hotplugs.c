/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See hotplugs.h. */
#include "dom0-toolstack/hospesd/hotplugs.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dom0-toolstack/hospesd/backends.h"
#include "dom0-toolstack/hospesd/daemon.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hotplug.h"
#include "xenstore/client/xs_client.h"

/* When devices that are closing are looked at again. */
#define LATER_MS 500u

struct child {
    struct child *next;
    struct daemon *d;
    char path[128]; /* the device's */
    pid_t pid;
    struct loop_source end; /* its pidfd */
    bool again;             /* the device changed meanwhile */
};

static struct child *children;
static struct loop_timer later;

static void look_at(void *opaque, const char *path);

static void look_at_all(void *opaque)
{
    struct daemon *d = opaque;

    hotplug_each(&d->ctx, look_at, d);
}

static void ended(void *opaque, uint32_t events)
{
    struct child *c = opaque, **link = &children;
    struct daemon *d = c->d;
    int status = 0;

    (void)events;
    waitpid(c->pid, &status, WNOHANG);
    loop_remove(&d->loop, &c->end);
    close(c->end.fd);
    while (*link != c)
        link = &(*link)->next;
    *link = c->next;
    if (WIFSIGNALED(status)) {
        say("the work at %s was killed by signal %d", c->path, WTERMSIG(status));
        /* Not at once: one that always dies shall not keep us busy. */
        loop_timer_set(&d->loop, &later, LATER_MS, look_at_all, d);
    } else if (c->again) {
        look_at(d, c->path);
    }
    free(c);
}

/* The child: connections of its own, one device, one answer. */
static void work(struct daemon *d, const char *path)
{
    struct hl_error *e = hl_error_new();
    struct hl_ctx ctx;
    sigset_t none;
    int rc;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    rc = hl_ctx_open(&ctx, d->opt.driver_domain ? HL_CTX_DRIVER_DOMAIN : 0, e);
    if (rc == 0)
        rc = hotplug_do(&ctx, path, e);
    if (rc != 0)
        say_error(e);
    _exit(rc != 0);
}

static void start_child(struct daemon *d, const char *path)
{
    struct child *c = calloc(1, sizeof(*c));
    int fd;

    if (c == NULL)
        return;
    c->d = d;
    snprintf(c->path, sizeof(c->path), "%s", path);
    c->pid = fork();
    if (c->pid == 0)
        work(d, path);
    fd = c->pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, c->pid, 0);
    if (fd >= 0 && loop_add(&d->loop, &c->end, fd, EPOLLIN, ended, c) == 0) {
        c->next = children;
        children = c;
        return;
    }
    say("cannot work at %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    free(c);
}

static void look_at(void *opaque, const char *path)
{
    struct daemon *d = opaque;
    struct child *c = children;

    while (c != NULL && strcmp(c->path, path) != 0)
        c = c->next;
    if (c != NULL) {
        c->again = true;
        return;
    }
    switch (hotplug_look(&d->ctx, path)) {
    case HOTPLUG_NOTHING: break;
    case HOTPLUG_LATER: loop_timer_set(&d->loop, &later, LATER_MS, look_at_all, d); break;
    default: start_child(d, path); break;
    }
}

void hotplugs_changed(struct daemon *d, const char *path)
{
    char device[128];

    if (hotplug_device_path(&d->ctx, path, device))
        look_at(d, device);
    else
        look_at_all(d);
    /* A record is the sign for a device's program. */
    if (strstr(path, "/libxl") != NULL)
        backends_scan(d);
}

int hotplugs_start(struct daemon *d, struct hl_error *e)
{
    static const char *const dirs[] = {"backend", "libxl"};

    for (size_t i = 0; i < 2; i++) {
        char path[64];

        snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/%s", d->ctx.domid, dirs[i]);
        if (hs_watch(d->ctx.xs, path, HOTPLUGS_TOKEN) < 0)
            return hl_fail(e, errno, "watch for devices", path, NULL);
    }
    look_at_all(d);
    return 0;
}

void hotplugs_stop(struct daemon *d)
{
    loop_timer_cancel(&d->loop, &later);
    while (children != NULL) {
        struct child *c = children;

        children = c->next;
        loop_remove(&d->loop, &c->end);
        close(c->end.fd);
        free(c);
    }
}
