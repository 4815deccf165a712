/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See creations.h. */
#include "dom0-toolstack/hospesd/creations.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "dom0-toolstack/hospesd/daemon.h"
#include "dom0-toolstack/hospesd/worker.h"
#include "dom0-toolstack/lib/creation.h"
#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/error.h"

#define LATER_MS 1000

static struct loop_source source = {.fd = -1};
static struct loop_timer again;

/* The worker finds out whether the creator lives; here one must not wait. */
static void look_at(struct daemon *d, const char *name)
{
    uint8_t uuid[16];

    if (hl_uuid_parse(name, uuid) == 0 &&
        worker_queue(d->worker, JOB_ABANDONED, NO_DOMID, uuid) < 0)
        say("%s: out of memory; a half-made domain stays until hospesd starts again", name);
}

void creations_scan(struct daemon *d)
{
    char path[PATH_MAX];
    struct dirent *entry;
    DIR *dir;

    if (creations_dir(path, sizeof(path)) < 0 || (dir = opendir(path)) == NULL)
        return;
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.')
            look_at(d, entry->d_name);
    }
    closedir(dir);
}

static void again_fired(void *opaque)
{
    creations_scan(opaque);
}

void creations_scan_later(struct daemon *d)
{
    loop_timer_set(&d->loop, &again, LATER_MS, again_fired, d);
}

/* The kernel closes a dead process's files, so its end is an event, too. */
static void events_ready(void *opaque, uint32_t events)
{
    char buf[4096];

    (void)events;
    /* Who finished has removed its file before: what is there now is what matters. */
    if (read(source.fd, buf, sizeof(buf)) > 0)
        creations_scan(opaque);
}

int creations_start(struct daemon *d, struct hl_error *e)
{
    static const char step[] = "watch for creators that die";
    char path[PATH_MAX];
    int fd, rc = creations_dir(path, sizeof(path));

    if (rc < 0)
        return hl_fail(e, -rc, step, path, NULL);
    fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0)
        return hl_fail(e, errno, step, path, NULL);
    if (inotify_add_watch(fd, path, IN_CLOSE_WRITE) < 0)
        rc = hl_fail(e, errno, step, path, NULL);
    else if ((rc = loop_add(&d->loop, &source, fd, EPOLLIN, events_ready, d)) < 0)
        rc = hl_fail(e, -rc, step, "the event loop", NULL);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    creations_scan(d);
    return 0;
}

void creations_stop(struct daemon *d)
{
    int fd = source.fd;

    loop_timer_cancel(&d->loop, &again);
    loop_remove(&d->loop, &source);
    if (fd >= 0)
        close(fd);
}
