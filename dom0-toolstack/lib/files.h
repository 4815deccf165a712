/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole-file reading and crash-safe writing. All return 0 or a negative errno. */
#ifndef HL_FILES_H
#define HL_FILES_H

#include <stddef.h>
#include <sys/types.h>

/* Makes a folder and its missing parents. */
int file_make_dirs(const char *path, mode_t mode);

/* The path as it is from any folder, seen from the current one: `*path`, malloc'd, is replaced where it was relative. */
int file_make_absolute(char **path);

/* Reads a regular file of at most `max` bytes (-EFBIG) into malloc'd memory with a NUL after it. */
int file_read_all(const char *path, size_t max, void **data, size_t *size);

/*
 * A file that is written in parts and has its name only once it is complete; what was there under
 * that name is replaced then. Until then it has no name at all, so that nothing stays of it whatever
 * ends its writer; or, where the file system cannot do that, the name PATH.XXXXXX. A path that is
 * there and is no regular file is refused (-EEXIST). Mode 0600.
 */
struct new_file {
    int fd;
    char *path, *temporary;
};
int new_file_open(struct new_file *f, const char *path);
/* Gives it its name. The file is let go of, also on failure. */
int new_file_keep(struct new_file *f);
/* Lets go of an incomplete one, which vanishes. */
void new_file_drop(struct new_file *f);

/* One that is written at once: after a failure, or a crash, PATH is what it was. */
int file_write_atomic(const char *path, const void *data, size_t size, mode_t mode);

/* The pieces of the above for a caller that writes in parts: write all or fail. */
int file_write_fd(int fd, const void *data, size_t size);

#endif
