/* SPDX-License-Identifier: GPL-2.0-or-later */
/* watch: prints the path of each event. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/cmd/cmd.h"

static int run_watch(struct hs *h, hs_tx_t tx, const struct cmd_options *o, char **args, FILE *out)
{
    int left = o->number;

    (void)tx;
    for (; *args; args++) {
        if (hs_watch(h, *args, *args)) {
            return cmd_fail(true, "Unable to add watch on %s", *args);
        }
    }
    while (left < 0 || left-- > 0) {
        struct hs_event *e = hs_event(h, -1);

        if (!e) {
            return cmd_fail(true, "connection to xenstored lost");
        }
        fprintf(out, "%s\n", e->path);
        free(e);
        if (fflush(out)) {
            return -1;
        }
    }
    return 0;
}

const struct command command_watch = {"watch", "[-h] [-n NR] key", 1, false, run_watch};
