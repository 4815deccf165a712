/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPU sets and their text forms; see cpumask.h. */
#include "dom0-toolstack/lib/cpumask.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv_system.h"

void hl_cpumask_clear_all(struct hl_cpumask *m)
{
    memset(m, 0, sizeof(*m));
}

void hl_cpumask_set_all(struct hl_cpumask *m)
{
    memset(m, 0xff, sizeof(*m));
}

void hl_cpumask_set(struct hl_cpumask *m, unsigned int cpu)
{
    if (cpu < HL_CPUMASK_BITS)
        m->bits[cpu / 64] |= 1ull << (cpu % 64);
}

void hl_cpumask_clear(struct hl_cpumask *m, unsigned int cpu)
{
    if (cpu < HL_CPUMASK_BITS)
        m->bits[cpu / 64] &= ~(1ull << (cpu % 64));
}

bool hl_cpumask_test(const struct hl_cpumask *m, unsigned int cpu)
{
    return cpu < HL_CPUMASK_BITS && (m->bits[cpu / 64] >> (cpu % 64) & 1) != 0;
}

unsigned int hl_cpumask_count(const struct hl_cpumask *m)
{
    unsigned int n = 0;

    for (size_t i = 0; i < HL_CPUMASK_BITS / 64; i++)
        n += (unsigned int)__builtin_popcountll(m->bits[i]);
    return n;
}

bool hl_cpumask_empty(const struct hl_cpumask *m)
{
    return hl_cpumask_count(m) == 0;
}

int hl_cpumask_confine(struct hl_cpumask *m, const struct hl_cpumask *within, struct hl_error *e)
{
    for (size_t i = 0; i < HL_CPUMASK_BITS / 64; i++)
        m->bits[i] &= within->bits[i];
    if (!hl_cpumask_empty(m))
        return 0;
    return hl_fail(e, EINVAL, "choose CPUs", NULL, "of those that are allowed, none is wanted");
}

/* ---- reading ---- */

struct item {
    bool minus, nodes, all;
    unsigned int from, to;
};

static bool read_number(const char **p, unsigned int *n)
{
    unsigned long v;
    char *end;

    if (!isdigit((unsigned char)**p))
        return false;
    errno = 0;
    v = strtoul(*p, &end, 10);
    if (errno != 0 || v >= HL_CPUMASK_BITS)
        return false;
    *p = end;
    *n = (unsigned int)v;
    return true;
}

static void skip_spaces(const char **p)
{
    while (isspace((unsigned char)**p))
        (*p)++;
}

/* One of N, N-M, all, node:N, nodes:N-M, each with an optional ^. */
static bool read_item(const char **p, struct item *it)
{
    *it = (struct item){false, false, false, 0, 0};
    skip_spaces(p);
    if (**p == '^') {
        it->minus = true;
        (*p)++;
        skip_spaces(p);
    }
    if (strncmp(*p, "nodes:", 6) == 0) {
        it->nodes = true;
        *p += 6;
    } else if (strncmp(*p, "node:", 5) == 0) {
        it->nodes = true;
        *p += 5;
    }
    if (strncmp(*p, "all", 3) == 0) {
        it->all = true;
        *p += 3;
        skip_spaces(p);
        return true;
    }
    if (**p == '^' && it->nodes && !it->minus) { /* xl also takes node:^1 */
        it->minus = true;
        (*p)++;
    }
    if (!read_number(p, &it->from))
        return false;
    it->to = it->from;
    skip_spaces(p);
    if (**p == '-') {
        (*p)++;
        skip_spaces(p);
        if (!read_number(p, &it->to))
            return false;
        skip_spaces(p);
    }
    return it->from <= it->to;
}

static void apply(struct hl_cpumask *m, unsigned int cpu, bool minus)
{
    if (minus)
        hl_cpumask_clear(m, cpu);
    else
        hl_cpumask_set(m, cpu);
}

static int apply_item(const char *text, const struct item *it, const struct hv_topology *topo,
                      struct hl_cpumask *m, struct hl_error *e)
{
    size_t nr = topo == NULL ? HL_CPUMASK_BITS : topo->nr_cpus;
    size_t limit = topo == NULL ? HL_CPUMASK_BITS : it->nodes ? topo->nr_nodes : topo->nr_cpus;

    if (it->all) {
        for (unsigned int cpu = 0; cpu < nr; cpu++)
            apply(m, cpu, it->minus);
        return 0;
    }
    if (it->from >= limit) {
        hl_fail(e, EINVAL, "read a set of CPUs", text, "%s %u does not exist on this host",
                it->nodes ? "node" : "CPU", it->from);
        hl_error_advise(e, "they are numbered 0 to %zu", limit - 1);
        return -EINVAL;
    }
    if (!it->nodes) {
        for (unsigned int cpu = it->from; cpu <= it->to && cpu < nr; cpu++)
            apply(m, cpu, it->minus);
        return 0;
    }
    for (unsigned int cpu = 0; topo != NULL && cpu < topo->nr_cpus; cpu++) {
        uint32_t node = topo->cpus[cpu].node;

        if (node >= it->from && node <= it->to)
            apply(m, cpu, it->minus);
    }
    return 0;
}

int hl_cpumask_parse(const char *text, const struct hv_topology *topo, struct hl_cpumask *m,
                     struct hl_error *e)
{
    const char *p = text;
    struct item it;
    int rc;

    hl_cpumask_clear_all(m);
    for (;;) {
        if (!read_item(&p, &it)) {
            hl_fail(e, EINVAL, "read a set of CPUs", text, "syntax error at \"%s\"", p);
            hl_error_advise(e, "write it like 0-3,^2 or node:1 or all");
            return -EINVAL;
        }
        rc = apply_item(text, &it, topo, m, e);
        if (rc != 0)
            return rc;
        if (*p == '\0')
            return 0;
        if (*p++ != ',') {
            hl_fail(e, EINVAL, "read a set of CPUs", text, "syntax error at \"%s\"", p - 1);
            hl_error_advise(e, "write it like 0-3,^2 or node:1 or all");
            return -EINVAL;
        }
    }
}

/* ---- writing ---- */

char *hl_cpumask_format(const struct hl_cpumask *m, unsigned int nr_cpus)
{
    char *text = NULL;
    const char *comma = "";
    bool all = nr_cpus > 0;
    size_t len;
    FILE *f;

    for (unsigned int cpu = 0; all && cpu < nr_cpus; cpu++)
        all = hl_cpumask_test(m, cpu);
    if (all)
        return strdup("all");
    if (hl_cpumask_empty(m))
        return strdup("none");
    f = open_memstream(&text, &len);
    if (f == NULL)
        return NULL;
    for (unsigned int cpu = 0; cpu < HL_CPUMASK_BITS; cpu++) {
        unsigned int end = cpu;

        if (!hl_cpumask_test(m, cpu))
            continue;
        while (hl_cpumask_test(m, end + 1))
            end++;
        if (end == cpu)
            fprintf(f, "%s%u", comma, cpu);
        else
            fprintf(f, "%s%u-%u", comma, cpu, end);
        comma = ",";
        cpu = end;
    }
    if (fclose(f) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
