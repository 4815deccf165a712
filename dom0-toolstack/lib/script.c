/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running other programs; see script.h. */
#include "dom0-toolstack/lib/script.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/files.h"

extern char **environ;

/* The end of what a program said: the cause is rarely at the beginning. */
struct said {
    char text[1024];
    size_t len;
};

static void keep(struct said *s, const char *text, size_t len)
{
    if (len >= sizeof(s->text)) {
        text += len - (sizeof(s->text) - 1);
        len = sizeof(s->text) - 1;
    }
    if (s->len + len >= sizeof(s->text)) {
        size_t drop = s->len + len - (sizeof(s->text) - 1);

        memmove(s->text, s->text + drop, s->len - drop);
        s->len -= drop;
    }
    memcpy(s->text + s->len, text, len);
    s->len += len;
    s->text[s->len] = '\0';
}

/* On one line, without its last newline. */
static void flatten(struct said *s)
{
    while (s->len > 0 && (s->text[s->len - 1] == '\n' || s->text[s->len - 1] == ' '))
        s->text[--s->len] = '\0';
    for (size_t i = 0; i < s->len; i++)
        if (s->text[i] == '\n')
            s->text[i] = ' ';
}

/* Where what it will say begins in its log. */
static off_t log_end(const char *log)
{
    const char *slash = log == NULL ? NULL : strrchr(log, '/');
    char folder[256];
    struct stat st;

    if (slash == NULL || (size_t)(slash - log) >= sizeof(folder))
        return 0;
    snprintf(folder, sizeof(folder), "%.*s", (int)(slash - log), log);
    (void)file_make_dirs(folder, 0750);
    return stat(log, &st) == 0 ? st.st_size : 0;
}

/* What came to the log since; others' words may be among it. */
static void keep_log(struct said *s, const char *log, off_t from)
{
    int fd = log == NULL ? -1 : open(log, O_RDONLY | O_CLOEXEC);
    char text[sizeof(s->text)];
    ssize_t n = 0;
    off_t end;

    if (fd < 0)
        return;
    end = lseek(fd, 0, SEEK_END);
    if (end - from >= (off_t)sizeof(text))
        from = end - ((off_t)sizeof(text) - 1);
    if (end > from)
        n = pread(fd, text, (size_t)(end - from), from);
    close(fd);
    if (n > 0)
        keep(s, text, (size_t)n);
}

static char **environment(const char *const *extra)
{
    size_t n = 0, m = 0;
    char **env;

    while (environ[n] != NULL)
        n++;
    while (extra != NULL && extra[m] != NULL)
        m++;
    env = calloc(n + m + 1, sizeof(*env));
    if (env == NULL)
        return NULL;
    memcpy(env, environ, n * sizeof(*env));
    for (size_t i = 0; i < m; i++)
        env[n + i] = (char *)extra[i];
    return env;
}

/* First out of the way of each other, then in place. */
static void pass_files(const int *files, unsigned int n)
{
    int moved[SCRIPT_MAX_FILES];

    for (unsigned int i = 0; i < n; i++)
        moved[i] = fcntl(files[i], F_DUPFD, 3 + SCRIPT_MAX_FILES);
    for (unsigned int i = 0; i < n; i++)
        dup2(moved[i], 3 + (int)i);
}

/* Between fork and exec only what is safe there. */
static void child(const struct script *s, char **env, int err, const int *files,
                  unsigned int nr_files)
{
    sigset_t none;
    int null = open("/dev/null", O_RDWR);

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setsid();
    dup2(null, STDIN_FILENO);
    dup2(err, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    pass_files(files, nr_files);
    closefrom(3 + (int)nr_files);
    execvpe(s->argv[0], (char *const *)s->argv, env);
    dprintf(STDERR_FILENO, "%s", strerror(errno));
    _exit(127);
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Collects what it says until it ends; a daemon that it leaves may keep the pipe open. */
static bool attend(pid_t pid, int fd, unsigned int seconds, struct said *said, int *status)
{
    int64_t end = now_ms() + (int64_t)seconds * 1000;
    bool open = true, over = false;

    for (;;) {
        struct pollfd p = {.fd = open ? fd : -1, .events = POLLIN};
        char buf[512];
        ssize_t n;

        over = over || waitpid(pid, status, WNOHANG) == pid;
        if (!over && now_ms() >= end) {
            kill(-pid, SIGKILL);
            waitpid(pid, status, 0);
            return false;
        }
        if (poll(&p, 1, over ? 0 : 20) > 0 && open) {
            n = read(fd, buf, sizeof(buf));
            open = n > 0;
            if (n > 0)
                keep(said, buf, (size_t)n);
            continue;
        }
        if (over)
            return true;
    }
}

static int judge(const struct script *s, bool in_time, int status, struct said *said,
                 struct hl_error *e)
{
    const char *text = said->text, *colon = said->len > 0 ? ": " : "";

    flatten(said);
    if (!in_time)
        return hl_fail(e, ETIMEDOUT, s->step, s->argv[0], "it did not end within %u s%s%s",
                       s->seconds, colon, text);
    if (WIFSIGNALED(status))
        return hl_fail(e, EIO, s->step, s->argv[0], "signal %d ended it%s%s", WTERMSIG(status),
                       colon, text);
    if (WEXITSTATUS(status) == 0)
        return 0;
    return hl_fail(e, WEXITSTATUS(status) == 127 ? ENOENT : EIO, s->step, s->argv[0],
                   "it failed with exit status %d%s%s", WEXITSTATUS(status), colon, text);
}

int script_run(const struct script *s, struct hl_error *e)
{
    return script_run_with(s, NULL, 0, e);
}

int script_run_with(const struct script *s, const int *files, unsigned int nr_files,
                    struct hl_error *e)
{
    struct said said = {{0}, 0};
    char **env = environment(s->env);
    off_t log = log_end(s->log);
    int out[2], status = 0;
    bool in_time;
    pid_t pid;

    if (env == NULL)
        return hl_fail(e, ENOMEM, s->step, s->argv[0], NULL);
    if (pipe2(out, O_CLOEXEC) < 0) {
        free(env);
        return hl_fail(e, errno, s->step, s->argv[0], NULL);
    }
    pid = fork();
    if (pid == 0)
        child(s, env, out[1], files, nr_files);
    free(env);
    close(out[1]);
    if (pid < 0) {
        close(out[0]);
        return hl_fail(e, errno, s->step, s->argv[0], NULL);
    }
    in_time = attend(pid, out[0], s->seconds, &said, &status);
    close(out[0]);
    keep_log(&said, s->log, log);
    return judge(s, in_time, status, &said, e);
}

void script_blames(struct hl_error *e, const char *object, const char *error)
{
    const char *said;
    char *step, *more;
    int errnum;

    if (error == NULL || *error == '\0' || !hl_error_is_set(e))
        return;
    said = strstr(hl_error_cause(e), ": ");
    errnum = hl_error_errnum(e);
    step = strdup(hl_error_step(e));
    more = said == NULL ? NULL : strdup(said + 2);
    hl_fail(e, errnum, step, object, more == NULL ? "%s" : "%s (%s)", error, more);
    free(step);
    free(more);
}

char *script_path(const char *name)
{
    char *path;

    if (strchr(name, '/') != NULL)
        return strdup(name);
    return asprintf(&path, "%s/%s", XEN_SCRIPT_DIR, name) < 0 ? NULL : path;
}

int module_need(const char *module, const char *probe, const char *step, struct hl_error *e)
{
    const char *argv[] = {"/sbin/modprobe", "-q", module, NULL};
    const struct script run = {step, argv, NULL, 30, NULL};

    if (access(probe, F_OK) == 0)
        return 0;
    (void)script_run(&run, NULL);
    if (access(probe, F_OK) == 0)
        return 0;
    hl_fail(e, ENODEV, step, module, "the kernel of this domain does not have this driver");
    hl_error_advise(e, "load it: modprobe %s", module);
    return -ENODEV;
}
