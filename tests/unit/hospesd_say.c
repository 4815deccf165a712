/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What hospesd's parts say goes to stderr, in tests without its main.c. */
#include <stdarg.h>
#include <stdio.h>

#include "dom0-toolstack/hospesd/daemon.h"

void say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}
