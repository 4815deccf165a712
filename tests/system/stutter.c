/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes Domain 0's programs wait for each other where they seldom do: one after the other is stopped for a moment, chosen at
 * random, from a millisecond to most of a second. What is right then does not depend on who is first. Runs until it is killed.
 *
 *   stutter SEED [NAME...]        other programs, if they are named; on any Linux
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const ours[] = {"hospesd",    "xenstored",      "hospes-block",
                                   "hospes-net", "hospes-fb",      "hospes-9p",
                                   "hl",         "xenstore-write", "xenstore-rm"};

static const char *const *names = ours;
static size_t nr_names = sizeof(ours) / sizeof(ours[0]);
static uint64_t seed;

static unsigned int below(unsigned int n)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned int)(seed >> 33) % n;
}

/* Its name, and its parent's number; false: it is gone. */
static bool look(int pid, char name[64], int *parent)
{
    char path[32], line[512], *open, *close;
    FILE *f;
    bool ok;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    f = fopen(path, "r");
    if (f == NULL)
        return false;
    ok = fgets(line, sizeof(line), f) != NULL;
    fclose(f);
    open = ok ? strchr(line, '(') : NULL;
    close = open == NULL ? NULL : strrchr(open, ')');
    if (close == NULL || close - open > 60)
        return false;
    *close = '\0';
    snprintf(name, 64, "%s", open + 1);
    return sscanf(close + 1, " %*c %d", parent) == 1;
}

/* One that stops itself for a test (dom0-toolstack/lib/fault.h), and would go on at our word. */
static bool stops_itself(int pid)
{
    char path[32], text[8192];
    size_t n;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/environ", pid);
    f = fopen(path, "r");
    if (f == NULL)
        return false;
    n = fread(text, 1, sizeof(text), f);
    fclose(f);
    return memmem(text, n, "HOSPES_STOP_AT", 14) != NULL;
}

/* A command whose parent looks at its child's stops (script, timeout) is left alone. */
static bool may_stop(int pid)
{
    char name[64], above[64];
    int parent, grand;

    if (!look(pid, name, &parent) || stops_itself(pid))
        return false;
    for (size_t i = 0; i < nr_names; i++) {
        if (strcmp(name, names[i]) == 0)
            return parent <= 1 || (look(parent, above, &grand) && strcmp(above, "script") != 0 &&
                                   strcmp(above, "timeout") != 0);
    }
    return false;
}

static int choose(void)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    unsigned int found = 0;
    int chosen = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        int pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;

        if (pid > 1 && may_stop(pid) && below(++found) == 0)
            chosen = pid;
    }
    if (dir != NULL)
        closedir(dir);
    return chosen;
}

static void rest(unsigned int ms)
{
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

    nanosleep(&t, NULL);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    seed = strtoull(argv[1], NULL, 0);
    if (argc > 2) {
        names = (const char *const *)argv + 2;
        nr_names = (size_t)argc - 2;
    }
    for (;;) {
        int pid = choose();

        if (pid > 0 && kill(pid, SIGSTOP) == 0) {
            rest(1 + below(1u << below(11)));
            kill(pid, SIGCONT);
        }
        rest(1 + below(1u << below(9)));
    }
}
