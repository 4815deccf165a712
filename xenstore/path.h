/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a path may look like, and how paths nest. */
#ifndef HOSPES_XENSTORE_PATH_H
#define HOSPES_XENSTORE_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An absolute path, its length and characters in order, no empty component, no slash at the end.
 * rel_max bounds what follows the "/local/domain/N/" of a domain's own nodes. With special, names
 * such as "@releaseDomain" and "@releaseDomain/5" are paths as well. */
bool path_valid(const char *path, bool special, unsigned int rel_max);

static inline bool path_is_special(const char *path)
{
    return path[0] == '@';
}

/* Length of the parent's path: of "/" for "/a", and of "/" for "/" itself. */
size_t path_parent_len(const char *path);

/* True if path is below (or is) the ancestor. */
bool path_below(const char *path, const char *ancestor);

#endif
