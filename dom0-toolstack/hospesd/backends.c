/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See backends.h. */
#include "dom0-toolstack/hospesd/backends.h"

#include <errno.h>
#include <fcntl.h>
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
#include "dom0-toolstack/lib/device_wait.h"
#include "dom0-toolstack/lib/disk_record.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hotplug.h"
#include "xenstore/client/xs_client.h"

static const struct kind {
    const char *name, *program;
    /* What a program that was killed may have left of a device that is gone. */
    void (*clean_up)(uint32_t domid, const char *devid);
} kinds[] = {
    {"qdisk", "hospes-block", disk_records_remove},
    {"qnic", "hospes-net", NULL},
    {"9pfs", "hospes-9p", NULL},
    {"vfb", "hospes-fb", NULL},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* One that dies at once is not started again at once: 50 ms, doubled up to this. */
#define LONGEST_PAUSE 10000u
#define LIVED_WELL    5000u
/* After so many in a row that served nothing, whoever waits for the device is told. */
#define VAIN_STARTS 3u

struct backend_process {
    struct backend_process *next;
    struct daemon *d;
    const struct kind *kind;
    char *path;             /* the device's directory */
    pid_t pid;              /* 0: not running */
    struct loop_source end; /* its pidfd */
    int exec_failed;        /* the pipe that brings the errno of a failed exec; -1 */
    struct loop_timer again;
    uint64_t started;
    unsigned int pause; /* milliseconds */
    unsigned int vain;  /* starts in a row that served nothing */
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
    int fd = p->end.fd;

    while (*link != p)
        link = &(*link)->next;
    *link = p->next;
    loop_timer_cancel(&p->d->loop, &p->again);
    loop_remove(&p->d->loop, &p->end);
    if (fd >= 0)
        close(fd);
    if (p->exec_failed >= 0)
        close(p->exec_failed);
    free(p->path);
    free(p);
}

/* Its device is gone, and no program of ours serves it. */
static void bury(struct backend_process *p)
{
    const char *devid = strrchr(p->path, '/');
    char dir[64];
    uint32_t domid;

    kind_dir(p->d, p->kind, dir);
    if (p->kind->clean_up != NULL && devid != NULL &&
        sscanf(p->path + strlen(dir), "/%" SCNu32, &domid) == 1)
        p->kind->clean_up(domid, devid + 1);
    forget(p);
}

/* Whether its device is still one to be served. */
static bool wanted(const struct backend_process *p)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/frontend", p->path);
    return hs_exists(p->d->ctx.xs, HS_TX_NONE, path) == 1;
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

/* Whether a program has offered the device to its frontend. */
static bool served(const struct backend_process *p)
{
    return hs_number_at(p->d->ctx.xs, HS_TX_NONE, p->path, "state", DEVICE_UNKNOWN) >=
           DEVICE_INIT_WAIT;
}

/* Whether the frontend counts on a program. */
static bool in_use(const struct backend_process *p)
{
    return served(p) && !closed(p->d, p->path) &&
           hs_number_at(p->d->ctx.xs, HS_TX_NONE, p->path, "state", DEVICE_UNKNOWN) < DEVICE_CLOSED;
}

struct complaint {
    const char *path, *why;
};

static int write_complaint(struct hs *xs, hs_tx_t tx, void *opaque)
{
    const struct complaint *c = opaque;

    hs_write_at(xs, tx, c->path, "hotplug-error", "%s", c->why);
    return hs_write_at(xs, tx, c->path, "hotplug-status", "error");
}

/* Tells whoever waits for the device why nothing comes; with that the device is closed for good. */
static void complain(struct backend_process *p, const char *why)
{
    struct complaint c = {p->path, why};
    char there[512];

    snprintf(there, sizeof(there), "%s/frontend", p->path);
    hs_change(p->d->ctx.xs, there, write_complaint, &c);
}

static void start_later(struct backend_process *p, unsigned int ms)
{
    loop_timer_set(&p->d->loop, &p->again, ms, start_process, p);
}

/* A new device fails by this; one that a guest has in use waits for the program. */
static void cannot_start(struct backend_process *p, int error)
{
    char why[256];

    snprintf(why, sizeof(why), "%s cannot be started: %s", p->kind->program, strerror(error));
    say("%s: %s", p->path, why);
    if (served(p))
        start_later(p, LONGEST_PAUSE);
    else
        complain(p, why);
}

static void start_again(struct backend_process *p)
{
    p->pause = loop_now() - p->started > LIVED_WELL ? 50 : p->pause * 2;
    if (p->pause > LONGEST_PAUSE)
        p->pause = LONGEST_PAUSE;
    start_later(p, p->pause);
}

/* It ended before it served the device. Where that one came just now, in the place of one that went, it has not seen it. */
static void in_vain(struct backend_process *p, int status)
{
    const char *name = p->kind->program;
    char why[256];

    p->vain = loop_now() - p->started > LIVED_WELL ? 1 : p->vain + 1;
    if (p->vain < VAIN_STARTS || status == 0) {
        start_again(p);
        return;
    }
    if (WIFEXITED(status))
        snprintf(why, sizeof(why),
                 "%s ends with status %d when it is started; hospesd's log has what it said", name,
                 WEXITSTATUS(status));
    else
        snprintf(why, sizeof(why), "%s is killed by signal %d when it is started", name,
                 WTERMSIG(status));
    say("%s: %s", p->path, why);
    complain(p, why);
}

/* What the child's exec failed with, 0 if it did not. */
static int exec_error(struct backend_process *p)
{
    int error = 0;

    if (read(p->exec_failed, &error, sizeof(error)) != sizeof(error))
        error = 0;
    close(p->exec_failed);
    p->exec_failed = -1;
    return error;
}

static void ended(void *opaque, uint32_t events)
{
    struct backend_process *p = opaque;
    int status = 0, fd = p->end.fd, error;

    (void)events;
    waitpid(p->pid, &status, WNOHANG);
    loop_remove(&p->d->loop, &p->end);
    close(fd);
    p->end.fd = -1;
    p->pid = 0;
    error = exec_error(p);
    if (!wanted(p)) {
        bury(p);
        return;
    }
    if (error != 0) {
        cannot_start(p, error);
        return;
    }
    if (WIFSIGNALED(status))
        say("%s for %s was killed by signal %d", p->kind->program, p->path, WTERMSIG(status));
    if (!served(p) && !closed(p->d, p->path))
        in_vain(p, status);
    else if (WIFSIGNALED(status) || in_use(p))
        start_again(p);
    /* Else its device is closed or cannot work: a change of its nodes starts it again. */
}

/*
 * Beside our own program, or where the system has it. While it waits for its turn it goes with us, so that
 * the next of us does not find one more each time; when it serves the device it stays.
 */
static void run(const char *program, const char *path, pid_t parent, int tell)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - strlen(program) - 2);
    char *slash = n > 0 ? memrchr(self, '/', (size_t)n) : NULL;
    int error = ENOENT;
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
        error = errno;
    }
    execlp(program, program, path, (char *)NULL);
    if (error == ENOENT)
        error = errno;
    (void)!write(tell, &error, sizeof(error));
    _exit(127);
}

/* The child, and `*fd` that becomes readable at its end. Negative errno: there is none. */
static pid_t start_child(struct backend_process *p, int *fd)
{
    int tell[2], saved;
    pid_t self = getpid(), pid;

    if (pipe2(tell, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    pid = fork();
    if (pid == 0)
        run(p->kind->program, p->path, self, tell[1]);
    saved = errno;
    close(tell[1]);
    if (pid > 0) {
        *fd = (int)syscall(SYS_pidfd_open, pid, 0);
        saved = errno;
    }
    if (pid > 0 && *fd >= 0) {
        p->exec_failed = tell[0];
        return pid;
    }
    /* One that cannot be followed would never be missed. */
    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    close(tell[0]);
    return -saved;
}

static void start_process(void *opaque)
{
    struct backend_process *p = opaque;
    int fd = -1, rc;
    pid_t pid;

    p->started = loop_now();
    pid = start_child(p, &fd);
    if (pid < 0) {
        cannot_start(p, -pid);
        return;
    }
    rc = loop_add(&p->d->loop, &p->end, fd, EPOLLIN, ended, p);
    if (rc == 0) {
        p->pid = pid;
        return;
    }
    p->end.fd = -1;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(fd);
    close(p->exec_failed);
    p->exec_failed = -1;
    cannot_start(p, -rc);
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
        *p = (struct backend_process){.next = processes,
                                      .d = d,
                                      .kind = kind,
                                      .path = path,
                                      .pause = 25,
                                      .end.fd = -1,
                                      .exec_failed = -1};
        processes = p;
    } else
        free(path);
    if (p->pid == 0 && p->again.due == 0 && wanted(p))
        start_process(p);
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
            bury(p);
    }
}

void backends_scan(struct daemon *d)
{
    for (size_t i = 0; i < KINDS; i++)
        scan_kind(d, &kinds[i]);
}

static bool disk_lives(void *opaque, uint32_t domid, const char *devid)
{
    struct daemon *d = opaque;
    char dir[64], path[128];

    kind_dir(d, &kinds[0], dir);
    snprintf(path, sizeof(path), "%s/%" PRIu32 "/%s", dir, domid, devid);
    return hs_exists(d->ctx.xs, HS_TX_NONE, path) != 0;
}

int backends_start(struct daemon *d, struct hl_error *e)
{
    char dir[64];

    for (size_t i = 0; i < KINDS; i++) {
        kind_dir(d, &kinds[i], dir);
        if (hs_watch(d->ctx.xs, dir, BACKENDS_TOKEN) < 0)
            return hl_fail(e, errno, "watch for devices", dir, NULL);
    }
    /* Of disks that went while none of us was there. */
    disk_records_sweep(disk_lives, d);
    backends_scan(d);
    return 0;
}

void backends_stop(struct daemon *d)
{
    (void)d;
    while (processes != NULL)
        forget(processes);
}
