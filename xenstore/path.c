/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks and arithmetic on paths; nothing here knows the tree. */
#include <string.h>

#include "hypercalls/abi/io-xs_wire.h"
#include "xenstore/path.h"

static const bool valid_char[256] = {
    ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true, ['-'] = true,
    ['/'] = true,         ['_'] = true,         ['@'] = true,
};

/* The length of "/local/domain/N/" at the start of path, 0 if it does not start so. */
static size_t home_len(const char *path)
{
    static const char home[] = "/local/domain/";
    size_t len = sizeof(home) - 1, digits;

    if (strncmp(path, home, len)) {
        return 0;
    }
    digits = strspn(path + len, "0123456789");
    if (digits < 1 || digits > 5 || path[len + digits] != '/') {
        return 0;
    }
    return len + digits + 1;
}

bool path_valid(const char *path, bool special, unsigned int rel_max)
{
    size_t len = strlen(path), i;

    if (path[0] == '@' ? !special || len < 2 : path[0] != '/') {
        return false;
    }
    if (len > XENSTORE_ABS_PATH_MAX || len - home_len(path) > rel_max) {
        return false;
    }
    if (len == 1) {
        return true;
    }
    for (i = 0; i < len; i++) {
        if (!valid_char[(unsigned char)path[i]] || (path[i] == '/' && path[i + 1] == '/')) {
            return false;
        }
    }
    return path[len - 1] != '/';
}

size_t path_parent_len(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == path || !slash ? 1 : (size_t)(slash - path);
}

bool path_below(const char *path, const char *ancestor)
{
    size_t len = strlen(ancestor);

    if (len == 1 && ancestor[0] == '/') {
        return path[0] == '/';
    }
    return !strncmp(path, ancestor, len) && (path[len] == '\0' || path[len] == '/');
}
