/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domain 0: made of the boot modules. (pv/dom0.c) */
#ifndef XEN_PV_DOM0_H
#define XEN_PV_DOM0_H

/* Build Domain 0 from the first module (kernel) and the second (initial RAM disk, optional) and let
 * it run. Panics with the reason if that cannot be. Boot CPU, everything else is up. */
void dom0_build(void);

#endif
