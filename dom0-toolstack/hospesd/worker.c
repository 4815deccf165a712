/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See worker.h. */
#include "dom0-toolstack/hospesd/worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dom0-toolstack/hospesd/client.h"
#include "dom0-toolstack/hospesd/daemon.h"
#include "dom0-toolstack/lib/build.h"
#include "dom0-toolstack/lib/creation.h"
#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/device.h"
#include "dom0-toolstack/lib/domain.h"
#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/files.h"
#include "dom0-toolstack/lib/hv_domain.h"
#include "dom0-toolstack/lib/lock.h"
#include "dom0-toolstack/lib/nat.h"
#include "dom0-toolstack/lib/record.h"
#include "xenstore/client/xs_client.h"

struct worker {
    pthread_t thread;
    pthread_mutex_t lock; /* the two lists and stop */
    pthread_cond_t wake;
    struct job *todo, *done;
    bool stop;
    int fd;
};

/* ---- marks ---------------------------------------------------------------------------------- */

static int marks_dir(char *out, size_t size)
{
    int n = snprintf(out, size, "%s/restarting", hospesd_run_dir());

    return n > 0 && (size_t)n < size ? 0 : -ENAMETOOLONG;
}

static int mark_path(const uint8_t uuid[16], char *out, size_t size)
{
    char dir[PATH_MAX - 64], text[37];

    if (marks_dir(dir, sizeof(dir)) < 0)
        return -ENAMETOOLONG;
    hl_uuid_format(uuid, text);
    snprintf(out, size, "%s/%s", dir, text);
    return 0;
}

/* The old domain's number is in it: its traces may have to be removed by a later daemon. */
static void restart_mark(const struct job *j)
{
    char path[PATH_MAX], text[16];
    int fd, n;

    if (marks_dir(path, sizeof(path)) < 0)
        return;
    mkdir(path, 0700);
    mark_path(j->uuid, path, sizeof(path));
    n = snprintf(text, sizeof(text), "%" PRIu32 "\n", j->domid);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0 && write(fd, text, (size_t)n) == n)
        close(fd);
    else
        say("%s: %s; a kill of hospesd now would lose the guest", path, strerror(errno));
}

void restart_unmark(const uint8_t uuid[16])
{
    char path[PATH_MAX];

    if (mark_path(uuid, path, sizeof(path)) == 0)
        unlink(path);
}

static uint32_t marked_domid(const uint8_t uuid[16])
{
    char path[PATH_MAX];
    uint32_t domid = NO_DOMID;
    FILE *f;

    if (mark_path(uuid, path, sizeof(path)) == 0 && (f = fopen(path, "re")) != NULL) {
        if (fscanf(f, "%" SCNu32, &domid) != 1)
            domid = NO_DOMID;
        fclose(f);
    }
    return domid;
}

void restart_marks(void (*found)(void *opaque, const uint8_t uuid[16], uint32_t domid),
                   void *opaque)
{
    char path[PATH_MAX];
    struct dirent *entry;
    uint8_t uuid[16];
    DIR *dir;

    if (marks_dir(path, sizeof(path)) < 0 || (dir = opendir(path)) == NULL)
        return;
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.' && hl_uuid_parse(entry->d_name, uuid) == 0)
            found(opaque, uuid, marked_domid(uuid));
    }
    closedir(dir);
}

/* ---- jobs ----------------------------------------------------------------------------------- */

struct aside {
    uint32_t domid;
    char name[300], uuid[37];
};

static int write_aside(struct hs *xs, hs_tx_t tx, void *opaque)
{
    const struct aside *a = opaque;
    char home[32], vm[64], mark[64];

    snprintf(home, sizeof(home), "/local/domain/%" PRIu32, a->domid);
    snprintf(vm, sizeof(vm), "/vm/%s", a->uuid);
    hl_domain_managed_path(a->domid, mark);
    if (hs_write_at(xs, tx, home, "name", "%s", a->name) < 0 ||
        hs_write_at(xs, tx, home, "vm", "%s", vm) < 0 ||
        hs_write_at(xs, tx, vm, "name", "%s", a->name) < 0 ||
        hs_write_at(xs, tx, vm, "uuid", "%s", a->uuid) < 0)
        return -1;
    return hs_rm_prune(xs, tx, mark);
}

/*
 * The dead domain gives its devices up, which may be such as one alone can have (disks, sockets, ports), and gets a name and a
 * uuid of its own, so that the new one can have the old ones. In this order: whoever follows us on the way finds it as it was.
 */
static int set_aside(struct hl_ctx *ctx, uint32_t domid, const char *name, struct hl_error *e)
{
    struct aside a = {.domid = domid};
    int lock = lock_take(LOCK_DOMAIN(domid), e), rc;
    time_t now = time(NULL);
    char stamp[32], home[32];
    uint8_t uuid[16];
    struct tm tm;

    if (lock < 0)
        return lock;
    hl_devices_release(ctx, domid);
    lock_drop(lock);
    strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
    snprintf(a.name, sizeof(a.name), "%.200s-%s", name, stamp);
    hl_uuid_random(uuid);
    rc = hv_domain_set_uuid(ctx->hv, domid, uuid, e);
    if (rc < 0)
        return rc;
    hl_uuid_format(uuid, a.uuid);
    snprintf(home, sizeof(home), "/local/domain/%" PRIu32, domid);
    if (hs_change(ctx->xs, home, write_aside, &a) < 0)
        return hl_fail_dom(e, errno, domid, "rename the crashed domain", NULL);
    return 0;
}

static int build(struct hl_ctx *ctx, struct job *j, const struct hl_domain_config *c)
{
    struct hl_build_result built;
    int rc = hl_domain_build(ctx, c, NULL, &built, j->err);

    if (rc < 0)
        return rc;
    j->domid = built.domid;
    rc = hl_domain_mark_managed(ctx, built.domid, j->err);
    if (rc == 0)
        return 0;
    hl_domain_destroy_keep_record(ctx, built.domid, NULL);
    return rc;
}

/* After an interruption: is what has the old domain's number still the old domain or its traces? */
static bool is_ours(struct hl_ctx *ctx, const struct job *j)
{
    char path[64], text[37], *vm;
    struct hv_domain_info info;
    bool ours;

    if (j->domid == NO_DOMID)
        return false;
    if (hv_domain_info(ctx->hv, j->domid, &info, NULL) == 0)
        return memcmp(info.uuid, j->uuid, sizeof(info.uuid)) == 0;
    snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/vm", j->domid);
    vm = hs_read(ctx->xs, HS_TX_NONE, path, NULL);
    hl_uuid_format(j->uuid, text);
    ours = vm && strstr(vm, text);
    free(vm);
    return ours;
}

static int restart(struct hl_ctx *ctx, struct job *j)
{
    struct hl_domain_config c;
    int rc = hl_record_load(j->uuid, &c, j->err);

    if (rc < 0)
        return rc;
    if (j->kind == JOB_RESTART || (j->kind == JOB_BUILD && is_ours(ctx, j))) {
        rc = hl_domain_destroy_keep_record(ctx, j->domid, j->err);
        if (rc == -ESRCH || rc == -ENOENT) {
            /* Whoever destroyed it was interrupted before the traces were gone. */
            hl_domain_forget(ctx, j->domid, j->uuid);
            rc = hl_record_save(&c, j->err);
        }
    } else if (j->kind == JOB_RENAME_RESTART) {
        rc = set_aside(ctx, j->domid, c.name, j->err);
    }
    if (rc == 0)
        rc = build(ctx, j, &c);
    hl_domain_config_free(&c);
    return rc;
}

/* A dead domain may stay for as long as a back end holds its memory, so dying is dead enough. */
static void tidy(struct hl_ctx *ctx, const struct job *j)
{
    struct hv_domain_info info;

    if (hv_domain_info(ctx->hv, j->domid, &info, NULL) == 0 &&
        (!info.dying || memcmp(info.uuid, j->uuid, sizeof(info.uuid)) != 0))
        return;
    hl_domain_forget(ctx, j->domid, j->uuid);
}

/* The living domain of a uuid; -ENOENT. */
static int find_by_uuid(struct hl_ctx *ctx, const uint8_t uuid[16], struct hv_domain_info *info,
                        struct hl_error *e)
{
    struct hv_domain_info *list = NULL;
    size_t n = 0;
    int rc = hv_domain_list(ctx->hv, &list, &n, e);

    if (rc < 0)
        return rc;
    rc = -ENOENT;
    for (size_t i = 0; i < n && rc != 0; i++) {
        if (list[i].dying || memcmp(list[i].uuid, uuid, sizeof(list[i].uuid)) != 0)
            continue;
        *info = list[i];
        rc = 0;
    }
    free(list);
    return rc;
}

/* Its creator may have been killed at any point, in its own undoing as well. */
static int remove_unfinished(struct hl_ctx *ctx, const uint8_t uuid[16], uint32_t domid,
                             struct hl_error *e)
{
    struct hv_domain_info info;
    int rc = find_by_uuid(ctx, uuid, &info, e);

    if (rc == -ENOENT) {
        if (domid != CREATION_NO_DOMID)
            hl_domain_forget(ctx, domid, uuid);
        return 0;
    }
    /* One that was started was complete. */
    if (rc < 0 || !info.paused || info.cpu_time_ns != 0)
        return rc;
    say("domain %" PRIu32 " was not completed by its creator, which is dead: it is removed",
        info.domid);
    return hl_domain_destroy(ctx, info.domid, e);
}

static int abandoned(struct hl_ctx *ctx, const struct job *j)
{
    struct creation c;
    uint32_t domid;
    int rc = creation_take_over(&c, j->uuid, &domid);

    if (rc == -ENOENT)
        return 0;
    if (rc < 0)
        return hl_fail(j->err, -rc, "look at a domain's creation", NULL, NULL);
    rc = remove_unfinished(ctx, j->uuid, domid, j->err);
    if (rc < 0)
        creation_leave(&c);
    else
        creation_end(&c);
    return rc;
}

static bool is_stopped(void *opaque)
{
    struct worker *w = opaque;
    bool stop;

    pthread_mutex_lock(&w->lock);
    stop = w->stop;
    pthread_mutex_unlock(&w->lock);
    return stop;
}

static int dump(struct worker *w, struct hl_ctx *ctx, struct job *j)
{
    struct hl_dump_options o = {.stop = is_stopped, .opaque = w};
    char *dir = strdup(j->path);
    struct hv_domain_info info;
    int rc = dir ? file_make_dirs(dirname(dir), 0700) : -ENOMEM;

    if (rc < 0)
        rc = hl_fail(j->err, -rc, "make the folder for a dump", j->path, NULL);
    free(dir);
    if (rc == 0)
        rc = hv_domain_info(ctx->hv, j->domid, &info, j->err);
    /* While the job waited, its number may have gone to another. */
    if (rc == 0 && memcmp(info.uuid, j->uuid, sizeof(info.uuid)) != 0)
        rc = hl_fail_dom(j->err, ESRCH, j->domid, "dump its memory", "it is gone");
    return rc == 0 ? hl_domain_dump(ctx->hv, j->domid, j->path, &o, &j->dump, j->err) : rc;
}

static bool leaves_mark(enum job_kind kind)
{
    return kind == JOB_RESTART || kind == JOB_RENAME_RESTART || kind == JOB_BUILD;
}

static int run_job(struct worker *w, struct job *j)
{
    struct hl_ctx ctx;
    int rc;

    if (leaves_mark(j->kind))
        restart_mark(j);
    if (j->kind == JOB_NETWORKS)
        return nat_mend(j->err);
    rc = hl_ctx_open(&ctx, 0, j->err);
    if (rc < 0)
        return rc;
    if (j->kind == JOB_TIDY)
        tidy(&ctx, j);
    else if (j->kind == JOB_ABANDONED)
        rc = abandoned(&ctx, j);
    else if (j->kind == JOB_DUMP)
        rc = dump(w, &ctx, j);
    else
        rc = j->kind == JOB_DESTROY ? hl_domain_destroy(&ctx, j->domid, j->err) : restart(&ctx, j);
    hl_ctx_close(&ctx);
    return rc;
}

/* ---- the thread ----------------------------------------------------------------------------- */

static void append(struct job **list, struct job *j)
{
    while (*list)
        list = &(*list)->next;
    j->next = NULL;
    *list = j;
}

static void *work(void *opaque)
{
    struct worker *w = opaque;
    uint64_t one = 1;

    pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        struct job *j = w->todo;

        if (!j) {
            pthread_cond_wait(&w->wake, &w->lock);
            continue;
        }
        w->todo = j->next;
        pthread_mutex_unlock(&w->lock);
        j->rc = run_job(w, j);
        pthread_mutex_lock(&w->lock);
        append(&w->done, j);
        if (write(w->fd, &one, sizeof(one)) < 0)
            say("worker: %s", strerror(errno));
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

struct worker *worker_start(int *fd)
{
    struct worker *w = calloc(1, sizeof(*w));

    if (!w)
        return NULL;
    w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    if (w->fd < 0 || pthread_create(&w->thread, NULL, work, w) != 0) {
        if (w->fd >= 0)
            close(w->fd);
        free(w);
        return NULL;
    }
    *fd = w->fd;
    return w;
}

static void free_list(struct job *j)
{
    while (j) {
        struct job *next = j->next;

        job_free(j);
        j = next;
    }
}

void worker_stop(struct worker *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    free_list(w->todo);
    free_list(w->done);
    close(w->fd);
    free(w);
}

static int queue(struct worker *w, enum job_kind kind, uint32_t domid, const uint8_t uuid[16],
                 char *path)
{
    struct job *j = calloc(1, sizeof(*j));

    if (!j) {
        free(path);
        return -ENOMEM;
    }
    j->kind = kind;
    j->path = path;
    j->domid = domid;
    memcpy(j->uuid, uuid, sizeof(j->uuid));
    j->err = hl_error_new();
    pthread_mutex_lock(&w->lock);
    append(&w->todo, j);
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    return 0;
}

int worker_queue(struct worker *w, enum job_kind kind, uint32_t domid, const uint8_t uuid[16])
{
    return queue(w, kind, domid, uuid, NULL);
}

int worker_queue_dump(struct worker *w, uint32_t domid, const uint8_t uuid[16], char *path)
{
    return path ? queue(w, JOB_DUMP, domid, uuid, path) : -ENOMEM;
}

struct job *worker_done(struct worker *w)
{
    uint64_t count;
    struct job *j;

    pthread_mutex_lock(&w->lock);
    if (read(w->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        say("worker: %s", strerror(errno));
    j = w->done;
    if (j)
        w->done = j->next;
    pthread_mutex_unlock(&w->lock);
    return j;
}

void job_free(struct job *j)
{
    hl_error_free(j->err);
    free(j->path);
    free(j);
}
