/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A real xenstored without a hypervisor, in a folder of its own: for tests of what the toolstack does with devices. */
#ifndef DEVICE_RIG_H
#define DEVICE_RIG_H

#include <stdbool.h>
#include <sys/types.h>

#include "dom0-toolstack/lib/device.h"
#include "tests/unit/toolstack_test.h"
#include "xenstore/client/xs_client.h"

struct hl_error;

/* The folder, which is the toolstack's HOSPES_RUN_DIR, too; the connection, with Domain 0's rights. */
extern char rig_dir[];
extern struct hs *rig_xs;

/* false: see the file "log" in the folder. */
bool rig_start(const char *xenstored);
/* Kills it, and starts one that finds what it left. */
bool rig_restart(const char *xenstored);
/* Its end, and the folder's. */
void rig_stop(void);

/*
 * What the hypervisor says of each domain, in a test that is linked with --wrap=hv_domain_info. There is no record of any:
 * those of devices that come and go are not looked for.
 */
extern bool rig_dying, rig_paused;

bool there(const char *path);
/* "(none)" where there is none; until the next call. */
const char *value(const char *path);
void put(const char *path, const char *text);

/* Asks again and again, for minutes at most. */
bool soon(bool (*is)(void));
void rest_ms(unsigned int ms);

/* The end of a process: its answer is 0, or 1 with the sentence for said(). */
void finish(int rc, struct hl_error *e) __attribute__((noreturn));
/* The process's answer, -1 if it was killed. */
int answer(pid_t pid);
const char *said(void);

/* Processes that give a domain a device, and that release all it has. */
pid_t rig_add(uint32_t domid, enum hl_device_kind kind, const char *spec);
pid_t rig_release(uint32_t domid);

#endif
