/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the compression libraries, which were built for user space, need in order to run at boot.
 * The unit tests have a stand-in for these four functions.
 */
#ifndef XEN_BOOT_LIBC_SHIM_H
#define XEN_BOOT_LIBC_SHIM_H
#include "lib/types.h"

/*
 * Call fn(arg) in an environment in which user-space code can run: SSE usable, a stack canary
 * behind FS, the stack aligned, interrupts off (such code keeps data below its stack pointer). fn
 * should come back soon; long work is done in several calls. Boot CPU, no guest exists yet.
 */
void lib_call(void (*fn)(void *arg), void *arg);
/* Free what the libraries have allocated and not freed. */
void lib_heap_clear(void);

/* Memory of any size out of whole frames, not zeroed. NULL: none. boot_buf_free() undoes it. */
void *boot_buf_alloc(size_t size);
void boot_buf_free(void *p, size_t size);

#endif
