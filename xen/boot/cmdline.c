/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Boot options: words separated by blanks; quotes protect blanks. Modules put their options into
 * the section .boot_opts. An option given twice: the later one counts. The first word is the
 * hypervisor's own name only if the loader put it there (it starts with '/' or '(').
 */
#include "boot/cmdline.h"
#include "lib/lib.h"

extern const struct boot_opt __boot_opts_start[], __boot_opts_end[];

char saved_cmdline[1024];

/*
 * Options of Xen that ask for nothing that could be missed here: they tune what we do not have, or
 * switch on what we always do. Anything else that is unknown is reported.
 */
static const char *const ignored[] = {
    "placeholder", "dom0",
    "flask",       "iommu",
    "sched",       "ucode",
    "pcid",        "watchdog",
    "cpufreq",     "cpuidle",
    "clocksource", "tsc",
    "vpmu",        "credit2_runqueue",
    "crashkernel", "acpi_skip_timer_override",
};

int parse_bool(const char *s, bool *v)
{
    static const char *const yes[] = {"", "on", "yes", "true", "enable", "1"};
    static const char *const no[] = {"off", "no", "false", "disable", "0"};

    for (unsigned int i = 0; i < ARRAY_SIZE(yes); i++)
        if (!strcmp(s, yes[i])) {
            *v = true;
            return 0;
        }
    for (unsigned int i = 0; i < ARRAY_SIZE(no); i++)
        if (!strcmp(s, no[i])) {
            *v = false;
            return 0;
        }
    return -EINVAL;
}

int parse_size(const char *s, const char **end, uint64_t *bytes)
{
    const char *p;
    uint64_t v = hv_strtoull(s, &p, 0);
    unsigned int shift = 10; /* a bare number counts kibibytes, as in Xen */

    if (p == s)
        return -EINVAL;
    switch (*p | 0x20) {
    case 't': shift = 40; break;
    case 'g': shift = 30; break;
    case 'm': shift = 20; break;
    case 'k': shift = 10; break;
    case 'b': shift = 0; break;
    default: p--;
    }
    if (v > ~0ull >> shift)
        return -EINVAL;
    *bytes = v << shift;
    *end = p + 1;
    return 0;
}

static int set_option(const struct boot_opt *o, const char *value, bool negated)
{
    const char *end = "";
    uint64_t n;
    bool b;

    switch (o->type) {
    case OPT_T_BOOL:
        if (parse_bool(value, &b))
            return -EINVAL;
        *(bool *)o->var = b != negated;
        return 0;
    case OPT_T_UINT:
        n = hv_strtoull(value, &end, 0);
        if (end == value || *end || n > UINT32_MAX)
            return -EINVAL;
        *(unsigned int *)o->var = (unsigned int)n;
        return 0;
    case OPT_T_SIZE:
        if (parse_size(value, &end, &n) || *end)
            return -EINVAL;
        *(uint64_t *)o->var = n;
        return 0;
    case OPT_T_STRING: return hv_strlcpy(o->var, value, o->len) < o->len ? 0 : -ENAMETOOLONG;
    case OPT_T_FN: return o->fn(negated ? "no" : value);
    }
    return -EINVAL;
}

static bool is_ignored(const char *name)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(ignored); i++)
        if (!strcmp(name, ignored[i]))
            return true;
    return false;
}

/* All options of this name (several modules may want one); false if there is none. */
static bool apply(const char *name, const char *value, bool negated)
{
    bool found = false;

    for (const struct boot_opt *o = __boot_opts_start; o < __boot_opts_end; o++) {
        if (strcmp(o->name, name))
            continue;
        if (negated && o->type != OPT_T_BOOL && o->type != OPT_T_FN)
            continue;
        found = true;
        if (set_option(o, value, negated))
            printk(LOG_WARN "Boot option %s: bad value \"%s\"\n", name, value);
    }
    return found;
}

static void handle_word(char *word)
{
    char *value = strchr(word, '=');

    if (value)
        *value++ = 0;
    else
        value = word + strlen(word);
    if (!strcmp(word, "--"))
        return;
    if (apply(word, value, false))
        return;
    if (!strncmp(word, "no-", 3) && apply(word + 3, value, true))
        return;
    if (!is_ignored(word))
        printk(LOG_WARN "Unknown boot option \"%s\"\n", word);
}

/* The next word from *s, unquoted, into buf; false at the end. */
static bool next_word(const char **s, char *buf, size_t size)
{
    const char *p = *s;
    size_t n = 0;
    char quote = 0;

    while (*p == ' ' || *p == '\t' || *p == '\n')
        p++;
    if (!*p)
        return false;
    for (; *p && (quote || (*p != ' ' && *p != '\t' && *p != '\n')); p++) {
        if (*p == '"' || *p == '\'') {
            if (!quote || quote == *p) {
                quote = quote ? 0 : *p;
                continue;
            }
        }
        if (n + 1 < size)
            buf[n++] = *p;
    }
    buf[n] = 0;
    *s = p;
    return true;
}

void cmdline_parse(const char *cmdline)
{
    char word[256];
    bool first = true;

    hv_strlcpy(saved_cmdline, cmdline, sizeof(saved_cmdline));
    while (next_word(&cmdline, word, sizeof(word))) {
        if (!first || (word[0] != '/' && word[0] != '('))
            handle_word(word);
        first = false;
    }
}
