/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command line of xenstored. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/options.h"

static const char usage[] =
    "Usage: xenstored [options]\n"
    "The daemon of Xen's store: serves the domains' rings and local sockets.\n"
    "\n"
    "  -D, --no-domain-init     without the hypervisor: sockets only\n"
    "  -F, --pid-file FILE      write the process id to FILE\n"
    "  -N, --no-fork            stay in the foreground, log to standard error\n"
    "  -P, --output-pid         print the process id\n"
    "  -T, --trace-file FILE    write the log (and with -V every request) to FILE\n"
    "  -V, --verbose            log every request\n"
    "  -r, --rundir DIR         sockets and state (default: $XENSTORED_RUNDIR or\n"
    "                           /run/xenstored)\n"
    "  -n, --fresh              forget the state that an earlier process left in DIR\n"
    "Limits of each unprivileged domain:\n"
    "  -E, --entry-nb N         nodes\n"
    "  -S, --entry-size N       bytes of a node\n"
    "  -W, --watch-nb N         watches\n"
    "  -t, --transaction N      open transactions\n"
    "  -A, --perm-nb N          permissions of a node\n"
    "  -M, --path-max N         length of a path\n"
    "  -Q, --quota NAME=N       any of: nodes, watches, transactions, outstanding,\n"
    "                           transaction-nodes, memory, node-size, path-max, permissions\n"
    "  -q, --quota-soft memory=N  where to begin to warn\n"
    "Accepted for compatibility and without effect:\n"
    "  -w, --timeout NAME=N; -R, --no-recovery; -I, --internal-db[=on|off]; -K, --keep-orphans\n"
    "  -H, --help               this text\n";

static const struct option longs[] = {
    {"no-domain-init", no_argument, NULL, 'D'},
    {"entry-nb", required_argument, NULL, 'E'},
    {"pid-file", required_argument, NULL, 'F'},
    {"help", no_argument, NULL, 'H'},
    {"no-fork", no_argument, NULL, 'N'},
    {"output-pid", no_argument, NULL, 'P'},
    {"entry-size", required_argument, NULL, 'S'},
    {"trace-file", required_argument, NULL, 'T'},
    {"transaction", required_argument, NULL, 't'},
    {"perm-nb", required_argument, NULL, 'A'},
    {"path-max", required_argument, NULL, 'M'},
    {"quota", required_argument, NULL, 'Q'},
    {"quota-soft", required_argument, NULL, 'q'},
    {"timeout", required_argument, NULL, 'w'},
    {"no-recovery", no_argument, NULL, 'R'},
    {"internal-db", optional_argument, NULL, 'I'},
    {"keep-orphans", no_argument, NULL, 'K'},
    {"verbose", no_argument, NULL, 'V'},
    {"watch-nb", required_argument, NULL, 'W'},
    {"rundir", required_argument, NULL, 'r'},
    {"fresh", no_argument, NULL, 'n'},
    {NULL, 0, NULL, 0},
};

static void die(const char *what, const char *arg)
{
    fprintf(stderr, "xenstored: %s: \"%s\" (see --help)\n", what, arg);
    exit(1);
}

static void set_quota(struct options *o, enum quota q, const char *text)
{
    char *end;
    unsigned long v;

    errno = 0;
    v = strtoul(text, &end, 10);
    if (errno || end == text || *end || text[0] == '-' || v > UINT32_MAX) {
        die("not a number", text);
    }
    o->quota.limit[q] = (uint32_t)v;
    o->quota.own[q] = true;
}

/* NAME=N; for the soft ones NAME's soft twin. */
static void set_named_quota(struct options *o, const char *text, bool soft)
{
    const char *equals = strchr(text, '=');
    char name[64];
    enum quota q;

    if (!equals || (size_t)(equals - text) >= sizeof(name) - 5) {
        die("quotas are given as NAME=N", text);
    }
    snprintf(name, sizeof(name), "%.*s%s", (int)(equals - text), text, soft ? "-soft" : "");
    q = quota_find(name);
    if (q == QUOTA_COUNT) {
        die("no such quota", text);
    }
    set_quota(o, q, equals + 1);
}

static bool parse_limit(struct options *o, int opt)
{
    switch (opt) {
    case 'E': set_quota(o, QUOTA_NODES, optarg); return true;
    case 'S': set_quota(o, QUOTA_NODE_SIZE, optarg); return true;
    case 'W': set_quota(o, QUOTA_WATCHES, optarg); return true;
    case 't': set_quota(o, QUOTA_TRANSACTIONS, optarg); return true;
    case 'A': set_quota(o, QUOTA_PERMISSIONS, optarg); return true;
    case 'M': set_quota(o, QUOTA_PATH_MAX, optarg); return true;
    case 'Q': set_named_quota(o, optarg, false); return true;
    case 'q': set_named_quota(o, optarg, true); return true;
    default: return false;
    }
}

static void parse_option(struct options *o, int opt)
{
    switch (opt) {
    case 'D': o->no_domain_init = true; break;
    case 'F': o->pid_file = optarg; break;
    case 'N': o->no_fork = true; break;
    case 'P': o->output_pid = true; break;
    case 'T': o->trace_file = optarg; break;
    case 'V': o->verbose = true; break;
    case 'n': o->fresh = true; break;
    case 'r':
        free(o->rundir);
        o->rundir = strdup(optarg);
        break;
    case 'H': fputs(usage, stdout); exit(0);
    case 'w':
    case 'R':
    case 'I':
    case 'K': break;
    default: fputs("Try --help.\n", stderr); exit(1);
    }
}

void options_parse(struct options *o, int argc, char **argv)
{
    const char *dir = getenv("XENSTORED_RUNDIR");
    int opt;

    *o = (struct options){.argv = argv, .rundir = strdup(dir ? dir : "/run/xenstored")};
    while ((opt = getopt_long(argc, argv, "DE:F:HNPS:T:t:A:M:Q:q:w:RI::KVW:r:n", longs, NULL)) >=
           0) {
        if (!parse_limit(o, opt)) {
            parse_option(o, opt);
        }
    }
    if (optind < argc) {
        die("no arguments are wanted", argv[optind]);
    }
    if (!o->rundir) {
        die("out of memory", "rundir");
    }
}
