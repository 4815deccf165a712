/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See disk_record.h. */
#include "dom0-toolstack/lib/disk_record.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "dom0-toolstack/lib/files.h"
#include "dom0-toolstack/lib/lock.h"

static int folder(char *out, size_t size)
{
    return run_path(out, size, "block");
}

static int name_in(char *out, size_t size, const char *dir, uint32_t domid, const char *devid,
                   unsigned int queue)
{
    int n = snprintf(out, size, "%s/%" PRIu32 "-%s.%u", dir, domid, devid, queue);

    return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

int disk_record_path(char *out, size_t size, uint32_t domid, const char *devid, unsigned int queue)
{
    char dir[PATH_MAX];
    int rc = folder(dir, sizeof(dir));

    if (rc == 0)
        rc = file_make_dirs(dir, 0700);
    return rc < 0 ? rc : name_in(out, size, dir, domid, devid, queue);
}

void disk_records_remove(uint32_t domid, const char *devid)
{
    char dir[PATH_MAX], path[PATH_MAX];

    if (folder(dir, sizeof(dir)) < 0)
        return;
    for (unsigned int q = 0; q < DISK_RECORD_QUEUES; q++)
        if (name_in(path, sizeof(path), dir, domid, devid, q) == 0)
            unlink(path);
}

void disk_records_sweep(bool (*lives)(void *opaque, uint32_t domid, const char *devid),
                        void *opaque)
{
    char path[PATH_MAX], devid[16];
    struct dirent *entry;
    uint32_t domid;
    DIR *dir = folder(path, sizeof(path)) == 0 ? opendir(path) : NULL;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (sscanf(entry->d_name, "%" SCNu32 "-%15[0-9].", &domid, devid) == 2 &&
            !lives(opaque, domid, devid))
            disk_records_remove(domid, devid);
    if (dir != NULL)
        closedir(dir);
}
