/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What hospes-fb may still ask of the kernel while it serves; see pv-backends/lib/sandbox.h. */
#ifndef PVB_FB_SANDBOX_H
#define PVB_FB_SANDBOX_H

struct hl_error;

/* After it began to listen. 0 or a negative errno. */
int fb_sandbox(struct hl_error *e);

#endif
