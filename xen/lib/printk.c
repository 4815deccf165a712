/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * printk: formats a text, finds the level marks at the start of its lines and hands the lines to
 * the console. The buffer is on the stack: printk runs in any context, NMI included, and lines of
 * two CPUs must not mix.
 */
#include "lib/format.h"
#include "lib/lib.h"
#include "console/console_internal.h"

#define PRINTK_MAX 512

/* "<1>" or "<G1>" at s: level and guest flag; returns its length, 0 if there is none. */
static unsigned int parse_level(const char *s, unsigned int *level, bool *guest)
{
    unsigned int n = 1;

    if (s[0] != '<')
        return 0;
    *guest = s[1] == 'G';
    n += *guest;
    if (s[n] < '0' || s[n] > '3' || s[n + 1] != '>')
        return 0;
    *level = (unsigned int)(s[n] - '0');
    return n + 2;
}

void printk(const char *fmt, ...)
{
    char buf[PRINTK_MAX];
    va_list ap;

    va_start(ap, fmt);
    hv_vsnprintf(buf, sizeof(buf), fmt, ap);
    va_end(ap);

    unsigned int level = LEVEL_NONE;
    bool guest = false;
    const char *s = buf + parse_level(buf, &level, &guest);
    console_log(s, level, guest);
}
