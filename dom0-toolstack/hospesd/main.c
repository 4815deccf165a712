/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hospesd: looks after all guests of a host. It applies on_poweroff, on_reboot and on_crash, and
 * serves the guests' consoles. All its state is in xenstore and in files, so it may be killed and
 * started again at any time; the guests do not notice. In a driver domain it looks after the devices that this domain
 * serves, and nothing else (hotplugs.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
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
#include <time.h>
#include <unistd.h>

#include "dom0-toolstack/hospesd/backends.h"
#include "dom0-toolstack/hospesd/channels.h"
#include "dom0-toolstack/hospesd/client.h"
#include "dom0-toolstack/hospesd/console.h"
#include "dom0-toolstack/hospesd/creations.h"
#include "dom0-toolstack/hospesd/daemon.h"
#include "dom0-toolstack/hospesd/guests.h"
#include "dom0-toolstack/hospesd/hotplugs.h"
#include "dom0-toolstack/hospesd/hvlog.h"
#include "dom0-toolstack/hospesd/worker.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/gntdev.h"
#include "dom0-toolstack/lib/hv_event.h"
#include "dom0-toolstack/lib/xl_conf.h"
#include "xenstore/client/xs_client.h"

/* ---- messages ------------------------------------------------------------------------------- */

static struct logfile own_log = {.fd = -1}; /* only without --foreground */

void say(const char *fmt, ...)
{
    char text[1024], stamp[32];
    time_t now = time(NULL);
    struct tm tm;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (!own_log.path) {
        fprintf(stderr, "hospesd: %s\n", text);
        return;
    }
    strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S ", localtime_r(&now, &tm));
    logfile_write(&own_log, stamp, strlen(stamp));
    logfile_write(&own_log, text, strlen(text));
    logfile_write(&own_log, "\n", 1);
}

void say_error(struct hl_error *e)
{
    char *text = hl_error_is_set(e) ? hl_error_sentence(e) : NULL;

    say("%s", text ? text : "failed, and there was no memory left to say why");
    free(text);
    hl_error_clear(e);
}

/* ---- events --------------------------------------------------------------------------------- */

static void xenstore_ready(void *opaque, uint32_t events)
{
    struct daemon *d = opaque;
    struct hs_event *event;
    bool scan = false;

    (void)events;
    while ((event = hs_event(d->ctx.xs, 0)) != NULL) {
        uint32_t domid;

        if (strcmp(event->token, "domains") == 0)
            scan = true;
        else if (strcmp(event->token, BACKENDS_TOKEN) == 0)
            backends_changed(d, event->path);
        else if (strcmp(event->token, HOTPLUGS_TOKEN) == 0)
            hotplugs_changed(d, event->path);
        else if (strcmp(event->token, CHANNELS_TOKEN) == 0)
            channels_note(d, event->path);
        else if (sscanf(event->path, "/local/domain/%" SCNu32, &domid) == 1)
            guest_console_event(d, domid);
        free(event);
    }
    if (errno != EAGAIN) {
        say("the connection to xenstored is lost (%s); waiting for it", strerror(errno));
        sleep(1);
        scan = true;
        if (!d->opt.driver_domain)
            creations_scan(d);
    }
    if (scan && !d->opt.driver_domain)
        guests_scan(d, false);
    channels_work(d);
}

static void port_ready(void *opaque, uint32_t events)
{
    struct daemon *d = opaque;
    int port;

    (void)events;
    while ((port = evtchn_pending(d->ev)) > 0) {
        if (port == d->hv_port)
            hvlog_event(d);
        else
            console_event(d, (uint32_t)port);
    }
}

static void worker_ready(void *opaque, uint32_t events)
{
    struct daemon *d = opaque;
    struct job *j;

    (void)events;
    while ((j = worker_done(d->worker)) != NULL || (j = worker_done(d->dumper)) != NULL) {
        guests_job_done(d, j);
        job_free(j);
    }
}

/* A driver domain, which has no worker, does it when a guest's interface comes. */
static void mend_networks(struct daemon *d)
{
    static const uint8_t nobody[16];

    if (d->worker && worker_queue(d->worker, JOB_NETWORKS, NO_DOMID, nobody) < 0)
        say("private networks: out of memory");
}

static struct loop_source signal_source;

static void signal_ready(void *opaque, uint32_t events)
{
    struct daemon *d = opaque;
    struct signalfd_siginfo info;

    (void)events;
    if (read(signal_source.fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return;
    if (info.ssi_signo != SIGHUP) {
        d->loop.stop = true;
        return;
    }
    console_reopen_logs(d);
    logfile_reopen(&own_log);
    logfile_reopen(&d->hv_log);
    mend_networks(d);
}

/* ---- starting and ending ---------------------------------------------------------------------- */

static void make_dirs(const struct options *opt)
{
    mkdir(hospesd_run_dir(), 0700);
    if (opt->log_dir[0])
        mkdir(opt->log_dir, 0750);
}

/* A file for our process id, which is ours as long as we run; -1 after saying why not. */
static int lock_pid_file(const char *path)
{
    char text[16] = "";
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

    if (fd < 0) {
        fprintf(stderr, "hospesd: %s: %s\n", path, strerror(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        ssize_t n = read(fd, text, sizeof(text) - 1);

        fprintf(stderr, "hospesd: it is running already (pid %.*s)\n",
                n > 0 ? (int)strcspn(text, "\n") : 1, n > 0 ? text : "?");
        close(fd);
        return -1;
    }
    return fd;
}

static void write_pid(int fd)
{
    char text[16];
    int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n)
        say("the pid file cannot be written: %s", strerror(errno));
}

/* xenstored may be starting beside us. */
static int open_ctx(struct daemon *d, struct hl_error *e)
{
    int rc = -EIO;

    for (int i = 0; i < 20; i++) {
        struct timespec pause = {.tv_nsec = 500000000};

        hl_error_clear(e);
        rc = hl_ctx_open(&d->ctx, d->opt.driver_domain ? HL_CTX_DRIVER_DOMAIN : 0, e);
        if (rc != -ENOENT && rc != -ECONNREFUSED)
            break;
        nanosleep(&pause, NULL);
    }
    return rc;
}

static int add_source(struct daemon *d, struct loop_source *s, int fd,
                      void (*ready)(void *, uint32_t), struct hl_error *e)
{
    int rc = loop_add(&d->loop, s, fd, EPOLLIN, ready, d);

    return rc < 0 ? hl_fail(e, -rc, "start", "the event loop", NULL) : 0;
}

static int catch_signals(struct daemon *d, struct hl_error *e)
{
    sigset_t set;
    int fd;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    /* Before the worker's thread is made: it inherits the mask. */
    sigprocmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return hl_fail(e, errno, "start", "signals", NULL);
    return add_source(d, &signal_source, fd, signal_ready, e);
}

static int start_driver_domain(struct daemon *d, struct hl_error *e)
{
    int rc = add_source(d, &d->xs_source, hs_fd(d->ctx.xs), xenstore_ready, e);

    if (rc == 0)
        rc = hotplugs_start(d, e);
    return rc == 0 ? backends_start(d, e) : rc;
}

static int start_workers(struct daemon *d, struct hl_error *e)
{
    static struct loop_source sources[2];
    struct worker **const workers[2] = {&d->worker, &d->dumper};
    int rc = 0, fd;

    for (unsigned int i = 0; i < 2 && rc == 0; i++) {
        *workers[i] = worker_start(&fd);
        rc = *workers[i] ? add_source(d, &sources[i], fd, worker_ready, e)
                         : hl_fail(e, ENOMEM, "start", "the worker", NULL);
    }
    return rc;
}

static int start(struct daemon *d, struct hl_error *e)
{
    int rc, fd;

    rc = loop_init(&d->loop);
    if (rc < 0)
        return hl_fail(e, -rc, "start", "the event loop", NULL);
    if ((rc = catch_signals(d, e)) < 0 || (rc = open_ctx(d, e)) < 0)
        return rc;
    if (d->opt.driver_domain)
        return start_driver_domain(d, e);
    if ((rc = evtchn_open(&d->ev, e)) < 0)
        return rc;
    fd = evtchn_fd(d->ev);
    if ((rc = add_source(d, &d->ev_source, fd, port_ready, e)) < 0 ||
        (rc = add_source(d, &d->xs_source, hs_fd(d->ctx.xs), xenstore_ready, e)) < 0)
        return rc;
    if ((rc = start_workers(d, e)) < 0)
        return rc;
    if (hs_watch(d->ctx.xs, "@introduceDomain", "domains") < 0 ||
        hs_watch(d->ctx.xs, "@releaseDomain", "domains") < 0)
        return hl_fail(e, errno, "watch for domains", "xenstore", NULL);
    rc = backends_start(d, e);
    if (rc == 0)
        rc = channels_start(d, e);
    if (rc < 0)
        return rc;
    guests_scan(d, true);
    guests_recover(d);
    rc = creations_start(d, e);
    if (rc < 0)
        return rc;
    if (d->opt.log_hv && (rc = hvlog_start(d, e)) < 0)
        return rc;
    mend_networks(d);
    return control_start(d, e);
}

static void stop(struct daemon *d)
{
    control_stop(d);
    backends_stop(d);
    hotplugs_stop(d);
    creations_stop(d);
    worker_stop(d->dumper);
    worker_stop(d->worker);
    hvlog_stop(d);
    channels_stop(d);
    console_close_all(d);
    gntdev_close(d->grants);
    guests_free(d);
    evtchn_close(d->ev);
    hl_ctx_close(&d->ctx);
    loop_done(&d->loop);
}

/* sd_notify(3)'s protocol, which is one datagram. */
static void notify_systemd(const char *text)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    size_t len;
    int fd;

    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(addr.sun_path))
        return;
    len = strlen(path);
    memcpy(addr.sun_path, path, len);
    if (path[0] == '@')
        addr.sun_path[0] = 0;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&addr,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
        say("systemd was not told: %s", strerror(errno));
    close(fd);
}

static void warn(void *opaque, const char *text)
{
    (void)opaque;
    say("%s", text);
}

/*
 * What makes the daemon the only one. A pid file may be anywhere ("hl devd -p"), so it is not that: two of us would both
 * restart each guest, and both make what each device needs. Never removed: another one may have it open.
 */
static int lock_run_dir(void)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/hospesd.lock", hospesd_run_dir());
    return lock_pid_file(path);
}

static int serve(struct daemon *d, int pid_fd, int ready_fd)
{
    struct hl_error *e = hl_error_new();
    int rc = start(d, e);

    if (rc < 0) {
        char *text = hl_error_sentence(e);

        /* Whoever started us reads stderr; later messages go to the log. */
        fprintf(stderr, "hospesd: %s\n", text ? text : "out of memory");
        free(text);
        hl_error_free(e);
        stop(d);
        return 1;
    }
    hl_error_free(e);
    write_pid(d->lock);
    write_pid(pid_fd);
    notify_systemd("READY=1");
    if (ready_fd >= 0) {
        int null = open("/dev/null", O_RDWR);
        char path[4096];

        snprintf(path, sizeof(path), "%s/hospesd.log", d->opt.log_dir);
        if (d->opt.log_dir[0] && logfile_open(&own_log, path, d->opt.log_size) < 0)
            fprintf(stderr, "hospesd: %s: %s\n", path, strerror(errno));
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        if (null > STDERR_FILENO)
            close(null);
        if (write(ready_fd, "", 1) < 0)
            say("nobody waits for the start: %s", strerror(errno));
        close(ready_fd);
    }
    say("started (pid %d)", (int)getpid());
    xl_conf_check(warn, NULL);
    rc = loop_run(&d->loop);
    notify_systemd("STOPPING=1");
    say(rc < 0 ? "ended: %s" : "ended", strerror(-rc));
    stop(d);
    unlink(d->opt.pid_file);
    return rc < 0;
}

/* The parent stays until the daemon is ready, and answers its failure. */
static int run_in_background(struct daemon *d, int pid_fd)
{
    int ready[2], status;
    pid_t pid;
    char byte;

    if (pipe2(ready, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
        fprintf(stderr, "hospesd: fork: %s\n", strerror(errno));
        return 1;
    }
    if (pid == 0) {
        close(ready[0]);
        setsid();
        if (chdir("/") < 0)
            return 1;
        return serve(d, pid_fd, ready[1]);
    }
    close(ready[1]);
    status = read(ready[0], &byte, 1) == 1 ? 0 : 1;
    close(ready[0]);
    return status;
}

static void usage(FILE *f)
{
    fprintf(f,
            "usage: hospesd [options]\n"
            "Looks after the guests of this host: consoles, and what happens when one ends.\n"
            "\n"
            "  -f, --foreground      stay in the foreground, messages to stderr\n"
            "      --pid-file=FILE   [%s/hospesd.pid]\n"
            "      --log-dir=DIR     console logs, \"\" for none [" DEFAULT_LOG_DIR "]\n"
            "      --dump-dir=DIR    what on_crash=coredump-... writes [" DEFAULT_DUMP_DIR "]\n"
            "      --log-size=MIB    a log is put aside (twice) when it is this long [%zu]\n"
            "      --log-hv          log the hypervisor's console, too\n"
            "      --driver-domain   in a guest: look after the devices that it serves to others\n"
            "  -h, --help            this text\n",
            hospesd_run_dir(), DEFAULT_LOG_SIZE >> 20);
}

static int parse_options(struct options *opt, int argc, char **argv)
{
    enum { PID_FILE = 256, LOG_DIR, LOG_SIZE, DUMP_DIR, LOG_HV, DRIVER_DOMAIN };
    static const struct option longs[] = {{"foreground", 0, 0, 'f'},
                                          {"pid-file", 1, 0, PID_FILE},
                                          {"log-dir", 1, 0, LOG_DIR},
                                          {"log-size", 1, 0, LOG_SIZE},
                                          {"log-hv", 0, 0, LOG_HV},
                                          {"driver-domain", 0, 0, DRIVER_DOMAIN},
                                          {"dump-dir", 1, 0, DUMP_DIR},
                                          {"help", 0, 0, 'h'},
                                          {0}};
    char *end;
    int c;

    while ((c = getopt_long(argc, argv, "fh", longs, NULL)) >= 0) {
        switch (c) {
        case 'f': opt->foreground = true; break;
        case PID_FILE: opt->pid_file = optarg; break;
        case LOG_DIR: opt->log_dir = optarg; break;
        case DUMP_DIR: opt->dump_dir = optarg; break;
        case LOG_SIZE:
            opt->log_size = (size_t)strtoul(optarg, &end, 10) << 20;
            if (*end || opt->log_size == 0 || opt->log_size > ((size_t)1 << 40)) {
                fprintf(stderr, "hospesd: --log-size takes a number of MiB, not '%s'\n", optarg);
                return 2;
            }
            break;
        case LOG_HV: opt->log_hv = true; break;
        case DRIVER_DOMAIN: opt->driver_domain = true; break;
        case 'h': usage(stdout); return 0;
        default: usage(stderr); return 2;
        }
    }
    if (optind < argc) {
        usage(stderr);
        return 2;
    }
    return -1;
}

#define MAX_FILES 65536

/* Each guest takes some: its consoles' terminals, logs and event channels. */
static void raise_limits(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < MAX_FILES) {
        files.rlim_cur = files.rlim_max < MAX_FILES ? files.rlim_max : MAX_FILES;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

int main(int argc, char **argv)
{
    static struct daemon d = {.opt = {.log_dir = DEFAULT_LOG_DIR,
                                      .log_size = DEFAULT_LOG_SIZE,
                                      .dump_dir = DEFAULT_DUMP_DIR},
                              .loop = {.epoll = -1},
                              .hv_log = {.fd = -1}};
    char pid_file[4096];
    int rc, lock_fd, pid_fd;

    snprintf(pid_file, sizeof(pid_file), "%s/hospesd.pid", hospesd_run_dir());
    d.opt.pid_file = pid_file;
    rc = parse_options(&d.opt, argc, argv);
    if (rc >= 0)
        return rc;
    umask(0077);
    raise_limits();
    make_dirs(&d.opt);
    lock_fd = lock_run_dir();
    pid_fd = lock_fd < 0 ? -1 : lock_pid_file(d.opt.pid_file);
    if (pid_fd < 0)
        return 1;
    d.lock = lock_fd;
    return d.opt.foreground ? serve(&d, pid_fd, -1) : run_in_background(&d, pid_fd);
}
