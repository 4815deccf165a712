/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All keys that xl.cfg knows, with their types and how far we are with each. A key that is not
 * supported yet is refused, unless its value asks for nothing (0, "", [], or xl's own default).
 */
#ifndef HL_CFG_KEYS_H
#define HL_CFG_KEYS_H

#include "dom0-toolstack/lib/cfg.h"

enum cfg_key_kind {
    KEY_STRING,
    KEY_NUMBER,
    KEY_BOOL,
    KEY_LIST,
    KEY_STRING_OR_LIST,
    KEY_STRING_OR_NUMBER,
    KEY_ANY,
};

enum cfg_key_state {
    KEY_SUPPORTED,
    KEY_NOT_YET,
    KEY_IGNORED, /* xl reads it, warns and does nothing */
    KEY_ARM,     /* has no meaning on x86 */
};

struct cfg_key {
    const char *name;
    enum cfg_key_kind kind;
    enum cfg_key_state state;
    const char *neutral; /* NOT_YET: values besides 0, "" and [] that change nothing; "|" between */
};

/* NULL: no such key. */
const struct cfg_key *cfg_key_find(const char *name);

/* The known key with the smallest edit distance. */
const struct cfg_key *cfg_key_nearest(const char *name);

/* The whole table, for documents and tests. */
const struct cfg_key *cfg_key_table(size_t *count);

/* Whether a value asks for nothing, for a key that is not supported yet. */
bool cfg_key_neutral(const struct cfg_key *key, const struct cfg_value *v);

/* Whether the value has the key's type; where not, `wanted` names what it should be. */
bool cfg_key_type_ok(const struct cfg_key *key, const struct cfg_value *v, const char **wanted);

#endif
