/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line, with the names that Xen's C xenstored has. */
#ifndef HOSPES_XENSTORE_OPTIONS_H
#define HOSPES_XENSTORE_OPTIONS_H

#include <stdbool.h>

#include "xenstore/quota.h"

struct options {
    bool no_domain_init, no_fork, output_pid, verbose, fresh;
    const char *pid_file, *trace_file;
    char *rundir;
    struct quota_set quota; /* own[]: given on the command line */
    char **argv;            /* to start ourselves again */
};

/* Reads the command line and the environment. Ends the process for --help and for errors. */
void options_parse(struct options *o, int argc, char **argv);

#endif
