/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The runner of unit tests, and the log and panic of the mechanism under test. */
#include "host/host.h"
#include <sys/wait.h>
#include <unistd.h>

void unit_fail(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    printf("%s:%d: ", file, line);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    fflush(stdout);
    _exit(1);
}

/* The test's own output goes to a pipe: its last line is the reason if it fails. */
static bool run_one(const struct unit_test *t)
{
    int fds[2], status;
    char line[512] = "", c;
    size_t n = 0;

    fflush(stdout);
    if (pipe(fds))
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        t->run();
        fflush(stdout);
        _exit(0);
    }
    close(fds[1]);
    while (read(fds[0], &c, 1) == 1) {
        if (c == '\n')
            n = 0;
        else if (n < sizeof(line) - 1)
            line[n++] = c, line[n] = '\0';
    }
    close(fds[0]);
    if (waitpid(pid, &status, 0) != pid)
        return false;
    if (status == 0) {
        printf("ok %s\n", t->name);
        return true;
    }
    if (WIFSIGNALED(status))
        printf("not ok %s: killed by signal %d\n", t->name, WTERMSIG(status));
    else
        printf("not ok %s: %s\n", t->name, line[0] ? line : "see above");
    return false;
}

int unit_main(const struct unit_test *tests, unsigned int n, int argc, char **argv)
{
    bool all = true;

    for (unsigned int i = 0; i < n; i++) {
        bool wanted = argc < 2;
        for (int a = 1; a < argc; a++)
            wanted |= !strcmp(argv[a], tests[i].name);
        if (wanted)
            all &= run_one(&tests[i]);
    }
    return all ? 0 : 1;
}

void panic(const char *fmt, ...)
{
    va_list ap;

    printf("panic: ");
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    fflush(stdout);
    _exit(1);
}

/* UNIT_LOG=1 shows the log. */
void printk(const char *fmt, ...)
{
    va_list ap;

    if (!getenv("UNIT_LOG"))
        return;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
}

uint64_t host_seed = 1;
uint32_t host_random(uint32_t n)
{
    host_seed = host_seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(host_seed >> 33) % n;
}
