/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What viewers call a key (X11's keysyms, X11/keysymdef.h) to what Linux calls it (linux/input-event-codes.h). */
#ifndef PVB_KEYS_H
#define PVB_KEYS_H

#include <stdint.h>

/* The key of a US keyboard that has the symbol, with or without shift; 0: none has. */
uint32_t key_from_symbol(uint32_t symbol);

#endif
