/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Permission lists in their text form, and what they let a connection do. */
#ifndef HOSPES_XENSTORE_PERM_H
#define HOSPES_XENSTORE_PERM_H

#include "xenstore/store.h"

#define PERM_READ  1u
#define PERM_WRITE 2u
#define PERM_OWNER 4u /* may change permissions; never stored, only asked for */

/* Domain ids end here; above are the reserved ones, which own nothing. */
#define DOMID_LIMIT 0x7ff0u

struct conn;

/* What the connection may do with a node that has these permissions. */
unsigned int perm_granted(const struct conn *c, const struct acl *acl);

/* Reads "r5" and the like. */
bool perm_parse(const char *text, struct acl_entry *e);

/* Writes the text form; at most 12 bytes with the NUL. */
void perm_format(const struct acl_entry *e, char out[12]);

#endif
