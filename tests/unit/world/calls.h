/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hypercalls out of bytes: which call comes from hypercalls/table.h; what its arguments are made of
 * comes from here, family by family, so that most get past the first checks. Numbers are what a
 * guest has (its frames, its tables, ports, references), what others have, and the edges.
 */
#ifndef HOSPES_TESTS_WORLD_CALLS_H
#define HOSPES_TESTS_WORLD_CALLS_H
#include "domain/domain.h"
#include "lib/lib.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/whole/whole.h"

/* Domains as their guests see them; their ids are their places: the first one is Domain 0. */
#define WORLD_GUESTS 3
#define GUEST_TABLES 4
struct world {
    struct whole_guest guest[WORLD_GUESTS];
};

/* Who calls: one of them, and the part of the arena that holds its arguments. */
#define AREA_SIZE 0x2000u
struct caller {
    const struct whole_guest *guest;
    domid_t id;
    unsigned int area;
    int vcpu; /* of that domain; -1: none of its own */
};

struct call {
    unsigned int nr;
    unsigned long arg[5];
};

/* The next call; its structures are written to the caller's area. */
void call_make(struct input *in, const struct world *w, const struct caller *me, struct call *c);
/* A word of a caller's area is changed, by a vCPU that runs meanwhile. */
void call_disturb(struct input *in, const struct world *w, const struct caller *me);
/* What a guest does without a call: entries of its grant table, words of its shared_info. */
void guest_writes(struct input *in, const struct world *w, const struct caller *me);
const char *call_name(unsigned int nr);

#endif
