/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of physical CPUs (or NUMA nodes), their text forms as xl reads and prints them. */
#ifndef HL_CPUMASK_H
#define HL_CPUMASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hl_error;
struct hv_topology;

#define HL_CPUMASK_BITS 4096

struct hl_cpumask {
    uint64_t bits[HL_CPUMASK_BITS / 64];
};

void hl_cpumask_clear_all(struct hl_cpumask *m);
void hl_cpumask_set_all(struct hl_cpumask *m); /* all HL_CPUMASK_BITS */
void hl_cpumask_set(struct hl_cpumask *m, unsigned int cpu);
void hl_cpumask_clear(struct hl_cpumask *m, unsigned int cpu);
bool hl_cpumask_test(const struct hl_cpumask *m, unsigned int cpu);
bool hl_cpumask_empty(const struct hl_cpumask *m);
unsigned int hl_cpumask_count(const struct hl_cpumask *m);

/*
 * xl's grammar: a comma list of N, N-M, "all", "node:N", "nodes:N-M", "^" before an item
 * takes it away. `topo` resolves nodes and bounds the numbers; NULL checks the syntax only (nodes
 * then add nothing). -EINVAL with a record.
 */
int hl_cpumask_parse(const char *text, const struct hv_topology *topo, struct hl_cpumask *m,
                     struct hl_error *e);

/* Takes what is not in `within` away; -EINVAL with a record where nothing is left. */
int hl_cpumask_confine(struct hl_cpumask *m, const struct hl_cpumask *within, struct hl_error *e);

/*
 * "all" when it has every CPU below nr_cpus, "none" for an empty one, else ranges: "0-3,5".
 * A malloc'd string or NULL.
 */
char *hl_cpumask_format(const struct hl_cpumask *m, unsigned int nr_cpus);

#endif
