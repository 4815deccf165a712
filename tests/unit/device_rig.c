/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See device_rig.h. */
#include "tests/unit/device_rig.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv_domain.h"

char rig_dir[] = "/tmp/device_rig.XXXXXX";
struct hs *rig_xs;

static pid_t daemon_pid;

/* ---- the daemon ---- */

static bool run_daemon(const char *xenstored)
{
    char log[64];

    snprintf(log, sizeof(log), "%s/log", rig_dir);
    daemon_pid = fork();
    if (daemon_pid == 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        execl(xenstored, xenstored, "--no-domain-init", "--no-fork", (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 3000 && rig_xs == NULL; i++) {
        rest_ms(20);
        rig_xs = hs_open(HS_SOCKET);
    }
    return rig_xs != NULL;
}

bool rig_restart(const char *xenstored)
{
    kill(daemon_pid, SIGKILL);
    waitpid(daemon_pid, NULL, 0);
    return run_daemon(xenstored);
}

bool rig_start(const char *xenstored)
{
    if (mkdtemp(rig_dir) == NULL)
        return false;
    setenv("XENSTORED_RUNDIR", rig_dir, 1);
    unsetenv("XENSTORED_PATH");
    setenv("HOSPES_RUN_DIR", rig_dir, 1);
    setenv("HOSPES_STATE_DIR", rig_dir, 1);
    setenv("HOSPES_XL_CONF", "/nothere/xl.conf", 1);
    return run_daemon(xenstored);
}

void rig_stop(void)
{
    static const char *const argv[] = {"rm", "-rf", rig_dir, NULL};

    hs_close(rig_xs);
    kill(daemon_pid, SIGKILL);
    waitpid(daemon_pid, NULL, 0);
    if (fork() == 0)
        execvp(argv[0], (char *const *)argv);
    wait(NULL);
}

/* ---- the hypervisor ---- */

bool rig_dying, rig_paused;

int __wrap_hv_domain_info(struct hv *hv, uint32_t domid, struct hv_domain_info *info,
                          struct hl_error *e);
int __wrap_hv_domain_info(struct hv *hv, uint32_t domid, struct hv_domain_info *info,
                          struct hl_error *e)
{
    (void)hv;
    (void)e;
    *info = (struct hv_domain_info){.domid = domid, .dying = rig_dying, .paused = rig_paused};
    return 0;
}

/* ---- the store ---- */

bool there(const char *path)
{
    return hs_exists(rig_xs, HS_TX_NONE, path) == 1;
}

const char *value(const char *path)
{
    static char text[256];
    char *v = hs_read(rig_xs, HS_TX_NONE, path, NULL);

    snprintf(text, sizeof(text), "%s", v == NULL ? "(none)" : v);
    free(v);
    return text;
}

void put(const char *path, const char *text)
{
    if (hs_write(rig_xs, HS_TX_NONE, path, text, strlen(text)) < 0)
        perror(path);
}

/* ---- time ---- */

void rest_ms(unsigned int ms)
{
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000L};

    nanosleep(&pause, NULL);
}

bool soon(bool (*is)(void))
{
    for (int i = 0; i < 24000; i++) {
        if (is())
            return true;
        rest_ms(5);
    }
    return false;
}

/* ---- processes ---- */

const char *said(void)
{
    static char text[4096];
    char path[64];
    ssize_t n = 0;
    int fd;

    snprintf(path, sizeof(path), "%s/said", rig_dir);
    fd = open(path, O_RDONLY);
    if (fd >= 0) {
        n = read(fd, text, sizeof(text) - 1);
        close(fd);
        unlink(path);
    }
    text[n > 0 ? n : 0] = '\0';
    return text;
}

void finish(int rc, struct hl_error *e)
{
    char path[64], *text = rc == 0 ? NULL : hl_error_sentence(e);
    int fd;

    snprintf(path, sizeof(path), "%s/said", rig_dir);
    if (text != NULL && (fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600)) >= 0 &&
        write(fd, text, strlen(text)) < 0)
        perror(path);
    _exit(rc != 0);
}

int answer(pid_t pid)
{
    int status = 0;

    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

pid_t rig_add(uint32_t domid, enum hl_device_kind kind, const char *spec)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct hl_ctx ctx = {NULL, hs_open(HS_SOCKET), 0};
        struct hl_error *e = hl_error_new();
        struct hl_device_list list = {NULL, 0};
        struct hl_device d;
        char why[128];
        int rc = hl_device_parse(kind, spec, &d, why, sizeof(why));

        if (rc == 0)
            rc = hl_device_list_add(&list, &d);
        if (rc == 0)
            rc = hl_device_list_finish(&list, "guest", e);
        if (rc == 0)
            rc = hl_devices_add(&ctx, domid, &list, e);
        finish(rc, e);
    }
    return pid;
}

pid_t rig_release(uint32_t domid)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct hl_ctx ctx = {NULL, hs_open(HS_SOCKET), 0};

        hl_devices_release(&ctx, domid);
        _exit(0);
    }
    return pid;
}
