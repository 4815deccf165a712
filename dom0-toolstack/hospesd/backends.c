/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See backends.h. */
#include "dom0-toolstack/hospesd/backends.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dom0-toolstack/hospesd/daemon.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hotplug.h"
#include "xenstore/client/xs_client.h"

static const struct kind {
    const char *name, *program;
} kinds[] = {
    {"qdisk", "hospes-block"},
    {"qnic", "hospes-net"},
    {"9pfs", "hospes-9p"},
    {"vfb", "hospes-fb"},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* One that dies at once is not started again at once: 50 ms, doubled up to this. */
#define LONGEST_PAUSE 10000u
#define LIVED_WELL    5000u

struct backend_process {
    struct backend_process *next;
    struct daemon *d;
    const struct kind *kind;
    char *path;             /* the device's directory */
    pid_t pid;              /* 0: not running */
    struct loop_source end; /* its pidfd */
    struct loop_timer again;
    uint64_t started;
    unsigned int pause; /* milliseconds */
};

static struct backend_process *processes;

/* Below which a kind's devices are. */
static void kind_dir(struct daemon *d, const struct kind *kind, char out[64])
{
    snprintf(out, 64, "/local/domain/%" PRIu32 "/backend/%s", d->ctx.domid, kind->name);
}

static void start_process(void *opaque);

static void forget(struct backend_process *p)
{
    struct backend_process **link = &processes;

    while (*link != p)
        link = &(*link)->next;
    *link = p->next;
    loop_timer_cancel(&p->d->loop, &p->again);
    loop_remove(&p->d->loop, &p->end);
    if (p->end.fd >= 0)
        close(p->end.fd);
    free(p->path);
    free(p);
}

/* Whether its device is still one to be served. */
static bool wanted(const struct backend_process *p)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/frontend", p->path);
    return hs_exists(p->d->ctx.xs, HS_TX_NONE, path) == 1;
}

static void ended(void *opaque, uint32_t events)
{
    struct backend_process *p = opaque;
    int status = 0, fd = p->end.fd;

    (void)events;
    waitpid(p->pid, &status, WNOHANG);
    loop_remove(&p->d->loop, &p->end);
    close(fd);
    p->end.fd = -1;
    p->pid = 0;
    if (!wanted(p)) {
        forget(p);
        return;
    }
    /* It ended by itself, because its device is closed or cannot work: a change of its nodes starts it again. */
    if (WIFEXITED(status))
        return;
    say("%s for %s was killed by signal %d; starting it again", p->kind->program, p->path,
        WTERMSIG(status));
    p->pause = loop_now() - p->started > LIVED_WELL ? 50 : p->pause * 2;
    if (p->pause > LONGEST_PAUSE)
        p->pause = LONGEST_PAUSE;
    loop_timer_set(&p->d->loop, &p->again, p->pause, start_process, p);
}

/*
 * Beside our own program, or where the system has it. While it waits for its turn it goes with us, so that
 * the next of us does not find one more each time; when it serves the device it stays.
 */
static void run(const char *program, const char *path, pid_t parent)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - strlen(program) - 2);
    char *slash = n > 0 ? memrchr(self, '/', (size_t)n) : NULL;
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent)
        _exit(0);
    if (slash != NULL) {
        strcpy(slash + 1, program);
        execl(self, program, path, (char *)NULL);
    }
    execlp(program, program, path, (char *)NULL);
    _exit(127);
}

static void start_process(void *opaque)
{
    struct backend_process *p = opaque;
    pid_t self = getpid(), pid = fork();
    int fd;

    p->started = loop_now();
    if (pid == 0)
        run(p->kind->program, p->path, self);
    if (pid < 0) {
        say("cannot start %s: %s", p->kind->program, strerror(errno));
        loop_timer_set(&p->d->loop, &p->again, LONGEST_PAUSE, start_process, p);
        return;
    }
    p->pid = pid;
    fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd >= 0 && loop_add(&p->d->loop, &p->end, fd, EPOLLIN, ended, p) == 0)
        return;
    say("cannot follow %s (process %d): %s", p->kind->program, (int)pid, strerror(errno));
    if (fd >= 0)
        close(fd);
    p->end.fd = -1;
}

/* A device's directory: is somebody serving it? `path` is taken over. */
static void want_process(struct daemon *d, const struct kind *kind, char *path)
{
    struct backend_process *p = processes;

    while (p != NULL && strcmp(p->path, path) != 0)
        p = p->next;
    if (p == NULL) {
        p = calloc(1, sizeof(*p));
        if (p == NULL) {
            free(path);
            return;
        }
        *p = (struct backend_process){
            .next = processes, .d = d, .kind = kind, .path = path, .pause = 25, .end.fd = -1};
        processes = p;
    } else
        free(path);
    if (p->pid == 0 && p->again.due == 0 && wanted(p))
        start_process(p);
}

/* Closed for good: nothing is left to be served. */
static bool closed(struct daemon *d, const char *path)
{
    char node[512];

    snprintf(node, sizeof(node), "%s/hotplug-error", path);
    if (hs_exists(d->ctx.xs, HS_TX_NONE, node) == 1)
        return true;
    return hs_number_at(d->ctx.xs, HS_TX_NONE, path, "state", 0) == 6 &&
           hs_number_at(d->ctx.xs, HS_TX_NONE, path, "online", 1) == 0;
}

static void look_at_device(struct daemon *d, const struct kind *kind, const char *domid,
                           const char *devid)
{
    char dir[64], *path;

    kind_dir(d, kind, dir);
    if (asprintf(&path, "%s/%s/%s", dir, domid, devid) < 0)
        return;
    /* In Domain 0 the nodes come when all is prepared. */
    if (closed(d, path) || (d->opt.driver_domain && !hotplug_begun(&d->ctx, path)))
        free(path);
    else
        want_process(d, kind, path);
}

static void scan_domain(struct daemon *d, const struct kind *kind, const char *domid)
{
    char base[64], dir[256];
    unsigned int n;

    kind_dir(d, kind, base);
    snprintf(dir, sizeof(dir), "%s/%s", base, domid);
    char **devices = hs_directory(d->ctx.xs, HS_TX_NONE, dir, &n);
    for (unsigned int i = 0; devices != NULL && i < n; i++)
        look_at_device(d, kind, domid, devices[i]);
    free(devices);
}

static void scan_kind(struct daemon *d, const struct kind *kind)
{
    char dir[64];
    unsigned int n;

    kind_dir(d, kind, dir);
    char **domains = hs_directory(d->ctx.xs, HS_TX_NONE, dir, &n);

    for (unsigned int i = 0; domains != NULL && i < n; i++)
        scan_domain(d, kind, domains[i]);
    free(domains);
}

/* One device of this kind, or all. */
static void look_at_path(struct daemon *d, const struct kind *kind, const char *path)
{
    char dir[64], domid[16], devid[16];
    size_t len;

    kind_dir(d, kind, dir);
    len = strlen(dir);
    if (strncmp(path, dir, len) != 0)
        return;
    if (sscanf(path + len, "/%15[0-9]/%15[0-9]", domid, devid) == 2)
        look_at_device(d, kind, domid, devid);
    else
        scan_kind(d, kind);
}

void backends_changed(struct daemon *d, const char *path)
{
    struct backend_process *p, *next;

    for (size_t i = 0; i < KINDS; i++)
        look_at_path(d, &kinds[i], path);
    /* Programs see by themselves that their device is gone. */
    for (p = processes; p != NULL; p = next) {
        next = p->next;
        if (p->pid == 0 && !wanted(p))
            forget(p);
    }
}

void backends_scan(struct daemon *d)
{
    for (size_t i = 0; i < KINDS; i++)
        scan_kind(d, &kinds[i]);
}

int backends_start(struct daemon *d, struct hl_error *e)
{
    char dir[64];

    for (size_t i = 0; i < KINDS; i++) {
        kind_dir(d, &kinds[i], dir);
        if (hs_watch(d->ctx.xs, dir, BACKENDS_TOKEN) < 0)
            return hl_fail(e, errno, "watch for devices", dir, NULL);
    }
    backends_scan(d);
    return 0;
}

void backends_stop(struct daemon *d)
{
    (void)d;
    while (processes != NULL)
        forget(processes);
}
