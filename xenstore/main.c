/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xenstored: start, event loop, end. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "xenstore/daemon.h"
#include "xenstore/txn.h"

uint64_t daemon_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec;
}

uint64_t daemon_now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- what the core asks for --------------------------------------------------------------- */

static int hook_introduce(void *arg, struct domain *dom)
{
    return rings_introduce(arg, dom);
}

static void hook_release(void *arg, struct domain *dom)
{
    rings_release(arg, dom);
}

static void hook_journal(void *arg, struct buf *b)
{
    state_add(arg, b);
}

static void hook_wake(void *arg, struct conn *c)
{
    struct daemon *d = arg;
    struct peer *p = c->transport;

    if (p && !p->woken) {
        p->woken = true;
        p->next_woken = d->woken;
        d->woken = p;
    }
}

static void hook_log(void *arg, const char *line)
{
    log_line(arg, "%s", line);
}

static void hook_replay(void *arg, uint8_t code, const void *data, size_t len)
{
    rings_replay(arg, code, data, len);
}

static uint64_t hook_now(void *arg)
{
    (void)arg;
    return daemon_now();
}

static int control_logfile(struct daemon *d, const char *path)
{
    char *copy = strdup(path);
    const char *old = d->opt.trace_file;
    int err;

    if (!copy) {
        return ENOMEM;
    }
    d->opt.trace_file = copy; /* the old one may be an argument: not freed, this is rare */
    err = log_open(d);
    if (err) {
        d->opt.trace_file = old;
        free(copy);
    }
    return err;
}

/* -f FILE: the program to become. -s: do it. What the program needs to go on is in the journal. */
static int control_live_update(struct daemon *d, const char *const *args, unsigned int n)
{
    unsigned int i;

    for (i = 1; i < n; i++) {
        if (!strcmp(args[i], "-f") && i + 1 < n) {
            if (access(args[i + 1], X_OK)) {
                return errno == ENOENT ? ENOENT : EACCES;
            }
            free(d->update_program);
            d->update_program = strdup(args[++i]);
        } else if (!strcmp(args[i], "-s")) {
            d->reexec = true;
        } else if (!strcmp(args[i], "-a")) {
            free(d->update_program);
            d->update_program = NULL;
            d->reexec = false;
        } else if ((!strcmp(args[i], "-t") || !strcmp(args[i], "-c")) && i + 1 < n) {
            i++; /* open transactions do not stop us, the command line stays */
        } else if (strcmp(args[i], "-F")) {
            return EINVAL;
        }
    }
    return 0;
}

static int hook_control(void *arg, const char *const *args, unsigned int n, struct buf *reply)
{
    struct daemon *d = arg;

    (void)reply;
    if (!strcmp(args[0], "logfile") && n == 2) {
        return control_logfile(d, args[1]);
    }
    if (!strcmp(args[0], "live-update") && n > 1) {
        return control_live_update(d, args, n);
    }
    return EINVAL;
}

static const struct core_ops ops = {
    .introduce = hook_introduce,
    .release = hook_release,
    .journal = hook_journal,
    .wake = hook_wake,
    .log = hook_log,
    .replay = hook_replay,
    .control = hook_control,
    .now = hook_now,
};

/* ---- loop --------------------------------------------------------------------------------- */

int loop_add(struct daemon *d, int fd, uint32_t events, struct source *s)
{
    struct epoll_event ev = {.events = events, .data.ptr = s};

    return epoll_ctl(d->epoll, EPOLL_CTL_ADD, fd, &ev) ? errno : 0;
}

void loop_change(struct daemon *d, int fd, uint32_t events, struct source *s)
{
    struct epoll_event ev = {.events = events, .data.ptr = s};

    epoll_ctl(d->epoll, EPOLL_CTL_MOD, fd, &ev);
}

void loop_remove(struct daemon *d, int fd)
{
    epoll_ctl(d->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void flush_woken(struct daemon *d)
{
    struct peer *p;

    while ((p = d->woken)) {
        d->woken = p->next_woken;
        p->woken = false;
        p->flush(d, p);
    }
}

/* What is to be done now and then; not while nothing happens, for then nothing grows. */
static void housekeeping(struct daemon *d)
{
    uint64_t now = daemon_now();

    state_save(d, false);
    if (now - d->last_expiry >= 5) {
        d->last_expiry = now;
        txn_expire(d->core);
    }
}

/* One descriptor at a time: handling one may close another, which must not be in our hands then.
 * (Level-triggered epoll gives ready descriptors in turn.) */
static void loop(struct daemon *d)
{
    struct epoll_event ev;

    while (!d->stop && !d->reexec) {
        int n = epoll_wait(d->epoll, &ev, 1, rings_wait(d));
        struct source *s;

        if (n < 0 && errno != EINTR) {
            log_line(d, "epoll_wait: %s", strerror(errno));
            return;
        }
        if (n > 0) {
            s = ev.data.ptr;
            s->ready(d, s, ev.events);
            flush_woken(d);
        }
        rings_run(d);
        flush_woken(d);
        housekeeping(d);
    }
}

/* ---- signals ------------------------------------------------------------------------------ */

struct signals {
    struct source source;
    int fd;
};

static void signal_ready(struct daemon *d, struct source *source, uint32_t events)
{
    struct signals *s = (struct signals *)source;
    struct signalfd_siginfo info;

    (void)events;
    if (read(s->fd, &info, sizeof(info)) != sizeof(info)) {
        return;
    }
    if (info.ssi_signo == SIGHUP) {
        log_open(d);
    } else {
        d->stop = true;
    }
}

static int catch_signals(struct daemon *d, struct signals *s)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->fd < 0) {
        return errno;
    }
    s->source.ready = signal_ready;
    return loop_add(d, s->fd, EPOLLIN, &s->source);
}

/* ---- being a daemon ----------------------------------------------------------------------- */

static void fatal(const char *what, const char *which, int err)
{
    fprintf(stderr, "xenstored: %s%s%s: %s\n", what, which ? " " : "", which ? which : "",
            strerror(err));
    exit(1);
}

static void make_rundir(const char *dir)
{
    char path[4096];
    char *p;

    snprintf(path, sizeof(path), "%s", dir);
    for (p = path + 1; (p = strchr(p, '/')); *p++ = '/') {
        *p = '\0';
        mkdir(path, 0755);
    }
    if (mkdir(path, 0755) && errno != EEXIST) {
        fatal("cannot make", dir, errno);
    }
}

/* One daemon per run directory. Held by the descriptor as long as the process lives, also over a
 * live update. */
static void take_lock(const char *dir)
{
    char path[4096];
    int fd;

    snprintf(path, sizeof(path), "%s/lock", dir);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        fatal("cannot open", path, errno);
    }
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        fprintf(stderr, "xenstored: another one is running in %s\n", dir);
        exit(1);
    }
}

/* The parent waits until the child says that it serves, then both go their ways. Returns the
 * descriptor to say it on, -1 in the foreground. */
static int go_to_background(const struct options *o)
{
    int fds[2], null;
    char ok;
    pid_t pid;

    if (o->no_fork) {
        return -1;
    }
    if (pipe2(fds, O_CLOEXEC)) {
        fatal("pipe", NULL, errno);
    }
    pid = fork();
    if (pid < 0) {
        fatal("fork", NULL, errno);
    }
    if (pid) {
        close(fds[1]);
        _exit(read(fds[0], &ok, 1) == 1 ? 0 : 1);
    }
    close(fds[0]);
    setsid();
    if (chdir("/")) {
        fatal("chdir", "/", errno);
    }
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
    }
    return fds[1];
}

static void write_pid(const struct options *o)
{
    FILE *f;

    if (o->output_pid) {
        printf("%d\n", getpid());
        fflush(stdout);
    }
    if (!o->pid_file) {
        return;
    }
    f = fopen(o->pid_file, "we");
    if (!f || fprintf(f, "%d\n", getpid()) < 0 || fclose(f)) {
        fatal("cannot write", o->pid_file, errno);
    }
}

/* Tells systemd, if it asked for it. */
static void tell_supervisor(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    size_t len = path ? strlen(path) : 0;
    int fd;

    if (!len || len >= sizeof(sa.sun_path)) {
        return;
    }
    memcpy(sa.sun_path, path, len);
    if (path[0] == '@') {
        sa.sun_path[0] = '\0';
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&sa,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
        close(fd);
    }
}

static void detach_output(const struct options *o, int ready_fd)
{
    int null;

    if (ready_fd < 0) {
        return;
    }
    if (write(ready_fd, "1", 1) < 0) {
        /* The parent is gone: nobody waits. */
    }
    close(ready_fd);
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0 && !o->no_fork) {
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
    }
}

static void raise_limits(void)
{
    struct rlimit lim;

    if (!getrlimit(RLIMIT_NOFILE, &lim)) {
        lim.rlim_cur = lim.rlim_max;
        setrlimit(RLIMIT_NOFILE, &lim);
    }
}

/* ---- start and end ------------------------------------------------------------------------ */

static void apply_quotas(struct daemon *d)
{
    enum quota q;

    for (q = 0; q < QUOTA_COUNT; q++) {
        if (d->opt.quota.own[q]) {
            d->core->quota.limit[q] = d->opt.quota.limit[q];
        }
    }
}

static void start(struct daemon *d)
{
    bool clean = true, resumed;
    int err;

    d->core = core_new(&ops, d);
    if (!d->core) {
        fatal("start", NULL, ENOMEM);
    }
    resumed = state_load(d, &clean);
    apply_quotas(d);
    d->core->trace = d->opt.verbose;
    if (!d->opt.no_domain_init && rings_start(d)) {
        exit(1);
    }
    rings_resume(d, clean);
    if (!d->opt.no_domain_init && rings_introduce_own(d)) {
        exit(1);
    }
    state_save(d, true);
    err = sock_start(d);
    if (err) {
        fatal("cannot listen in", d->opt.rundir, err);
    }
    log_line(d, "serving in %s%s%s", d->opt.rundir, resumed ? ", state kept from before" : "",
             clean ? "" : " (after an unclean end)");
}

static void become_update(struct daemon *d)
{
    const char *program = d->update_program ? d->update_program : "/proc/self/exe";
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* The child of a fork must not fork again: its pid is known to others. */
    setenv("XENSTORED_UPDATE", d->opt.no_fork ? "foreground" : "background", 1);
    execv(program, d->opt.argv);
    log_line(d, "live update: cannot run %s: %s", program, strerror(errno));
}

static void finish(struct daemon *d)
{
    /* Rings take what they can; the rest is in the journal. */
    flush_woken(d);
    state_save(d, true);
    jfile_set_clean(&d->journal, !d->journal.failed);
}

/* After a live update we are in the background already. */
static bool is_update(struct daemon *d)
{
    const char *how = getenv("XENSTORED_UPDATE");
    bool update = how != NULL;

    if (update && !strcmp(how, "background")) {
        d->opt.no_fork = false;
    }
    unsetenv("XENSTORED_UPDATE");
    return update;
}

int main(int argc, char **argv)
{
    static struct daemon d = {
        .trace_fd = -1, .spare_fd = -1, .listen_fd = {-1, -1}, .journal.fd = -1};
    static struct signals signals;
    bool update;
    int ready_fd = -1, err;

    options_parse(&d.opt, argc, argv);
    rings_init(&d);
    update = is_update(&d);
    make_rundir(d.opt.rundir);
    openlog("xenstored", LOG_PID, LOG_DAEMON);
    if (!update) {
        ready_fd = go_to_background(&d.opt);
    }
    take_lock(d.opt.rundir);
    raise_limits();
    err = log_open(&d);
    if (err) {
        fatal("cannot open", d.opt.trace_file, err);
    }
    d.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (d.epoll < 0) {
        fatal("epoll", NULL, errno);
    }
    err = catch_signals(&d, &signals);
    if (err) {
        fatal("signals", NULL, err);
    }
    start(&d);
    if (!update) {
        write_pid(&d.opt);
    }
    detach_output(&d.opt, ready_fd);
    tell_supervisor("READY=1");
    for (;;) {
        loop(&d);
        finish(&d);
        if (!d.reexec) {
            break;
        }
        become_update(&d);
        d.reexec = false;
        jfile_set_clean(&d.journal, false);
    }
    log_line(&d, "stopped, state kept in %s", d.opt.rundir);
    sock_stop(&d);
    rings_stop(&d);
    jfile_close(&d.journal);
    core_free(d.core);
    free(d.opt.rundir);
    free(d.update_program);
    return 0;
}
