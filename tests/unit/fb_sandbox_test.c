/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server of hospes-fb (libvncserver) in its sandbox, with viewers that know the password, do not, leave, and come again.
 * A system call that is not on the list ends it; and what is not on it does. Built without sanitizers, which need more.
 *
 *   fb_sandbox_test VIEWER     tests/system/rfb.c
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/linux_xen_ioctl.h"
#include "pv-backends/fb/input.h"
#include "pv-backends/fb/sandbox.h"
#include "pv-backends/fb/vnc.h"
#include "tests/unit/toolstack_test.h"

static const char *viewer;

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
    (void)signal;
    stop = 1;
}

/* Until it is told to end. The port goes to `out` first. */
static int serve(int out)
{
    static struct input in;
    static uint32_t picture[64 * 48];
    const struct vnc_config c = {"127.0.0.1", "secret", 77, true, 0};
    struct pollfd fds[1 + VNC_MAX_VIEWERS];
    struct rlimit none = {0, 0};
    struct vnc *v;
    int port;

    setrlimit(RLIMIT_CORE, &none);
    signal(SIGTERM, on_signal);
    for (size_t i = 0; i < 64 * 48; i++)
        picture[i] = 0x00406080;
    v = vnc_open(&c, &in, NULL);
    if (v == NULL || fb_sandbox(NULL) < 0)
        return 90;
    vnc_show(v, picture, 64, 48);
    port = vnc_port(v);
    if (write(out, &port, sizeof(port)) != (ssize_t)sizeof(port))
        return 91;
    while (!stop) {
        bool soon = vnc_work(v);

        poll(fds, (nfds_t)vnc_poll(v, fds), soon ? 10 : 100);
    }
    vnc_close(v);
    return 0;
}

/* The viewer's exit status. */
static int view(int port, const char *password, const char *const *commands)
{
    const char *argv[16] = {viewer, NULL, password};
    char number[16];
    int status = -1, n = 3;
    pid_t pid;

    snprintf(number, sizeof(number), "%d", port);
    argv[1] = number;
    while (*commands != NULL && n < 15)
        argv[n++] = *commands++;
    pid = fork();
    if (pid == 0) {
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        execv(viewer, (char *const *)argv);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void viewers(void)
{
    const char *const look[] = {"size", "64x48", "pixel",   "3,4",   "806040",
                                "key",  "0x61",  "pointer", "5,6,1", NULL};
    int pipes[2], port = 0, status = 0;
    pid_t pid;

    CHECK(pipe(pipes) == 0);
    pid = fork();
    if (pid == 0)
        _exit(serve(pipes[1]));
    close(pipes[1]);
    CHECK(read(pipes[0], &port, sizeof(port)) == (ssize_t)sizeof(port));
    CHECK(view(port, "secret", look) == 0);
    CHECK(view(port, "wrong", look) == 3);
    CHECK(view(port, "secret", look) == 0);
    kill(pid, SIGTERM);
    waitpid(pid, &status, 0);
    if (status != 0)
        fprintf(stderr, "status %x\n", (unsigned int)status);
    CHECK(status == 0);
    close(pipes[0]);
}

static void run(void)
{
    execl("/bin/true", "true", (char *)NULL);
}

static void duplicate(void)
{
    if (fork() == 0)
        _exit(0);
}

static void inet(void)
{
    socket(AF_INET, SOCK_STREAM, 0);
}

static void hypercall(void)
{
    /* An ioctl of /dev/xen/privcmd; the number counts, not the file. */
    syscall(SYS_ioctl, STDIN_FILENO, PRIVCMD_CALL, 0);
}

static bool ends(void (*what)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct rlimit none = {0, 0};

        setrlimit(RLIMIT_CORE, &none);
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        if (fb_sandbox(NULL) < 0)
            _exit(0);
        what();
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status);
}

static void refused(void)
{
    CHECK(ends(run));
    CHECK(ends(duplicate));
    CHECK(ends(inet));
    CHECK(ends(hypercall));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {{"viewers", viewers}, {"refused", refused}};

    if (argc != 2)
        return 2;
    viewer = argv[1];
    return test_run("fb_sandbox", tests, sizeof(tests) / sizeof(tests[0]));
}
