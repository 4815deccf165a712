/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What hospes-block writes down of a connected disk: the requests that it has taken, in a file for each queue, from which the
 * next one goes on if it is killed. It removes them when the connection ends; where it was killed and the disk goes before
 * the next one starts, hospesd does.
 */
#ifndef HL_DISK_RECORD_H
#define HL_DISK_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_RECORD_QUEUES 4u

/* The file's name; -ENAMETOOLONG. The folder is made where it is missing. */
int disk_record_path(char *out, size_t size, uint32_t domid, const char *devid, unsigned int queue);
/* Removes those of a disk. */
void disk_records_remove(uint32_t domid, const char *devid);
/* Removes those of all disks that are not. */
void disk_records_sweep(bool (*lives)(void *opaque, uint32_t domid, const char *devid),
                        void *opaque);

#endif
