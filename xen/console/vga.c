/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VGA text mode: 80x25 cells of character and attribute at 0xb8000; the cursor is set through the
 * CRT controller. Where the firmware left a graphics framebuffer nothing is shown.
 */
#include "console/console_internal.h"
#include "boot/boot.h"
#include "lib/lib.h"
#include "x86/cpu.h"
#include "x86/page.h"

#define VGA_TEXT         0xb8000
#define COLUMNS          80
#define ROWS             25
#define ATTRIBUTE        0x0700 /* light grey on black */
#define CRTC_INDEX       0x3d4
#define CRTC_DATA        0x3d5
#define CRTC_CURSOR_HIGH 0x0e
#define CRTC_CURSOR_LOW  0x0f
#define FB_TYPE_EGA_TEXT 2

static uint16_t *cells; /* NULL: not in use */
static unsigned int row, column;

static uint16_t crtc_read(uint8_t reg)
{
    outb(CRTC_INDEX, reg);
    return inb(CRTC_DATA);
}

static void crtc_write(uint8_t reg, uint8_t v)
{
    outb(CRTC_INDEX, reg);
    outb(CRTC_DATA, v);
}

void vga_init(void)
{
    if (cells || boot_info.efi || (boot_info.fb.addr && boot_info.fb.type != FB_TYPE_EGA_TEXT))
        return;
    cells = maddr_to_virt(VGA_TEXT);
    unsigned int pos = crtc_read(CRTC_CURSOR_HIGH) << 8 | crtc_read(CRTC_CURSOR_LOW);
    row = MIN(pos / COLUMNS, ROWS - 1u);
    column = 0;
}

static void new_line(void)
{
    column = 0;
    if (++row < ROWS)
        return;
    row = ROWS - 1;
    memmove(cells, cells + COLUMNS, (ROWS - 1) * COLUMNS * sizeof(*cells));
    for (unsigned int i = 0; i < COLUMNS; i++)
        cells[row * COLUMNS + i] = ATTRIBUTE | ' ';
}

static void put(char c)
{
    switch (c) {
    case '\n': new_line(); return;
    case '\r': column = 0; return;
    case '\t': column = ROUND_DOWN(column + 8, 8u); break;
    case '\b': column -= column > 0; return;
    default: WRITE_ONCE(cells[row * COLUMNS + column++], (uint16_t)(ATTRIBUTE | (uint8_t)c));
    }
    if (column >= COLUMNS)
        new_line();
}

void vga_write(const char *s, size_t len)
{
    if (!cells || !len)
        return;
    for (size_t i = 0; i < len; i++)
        put(s[i]);
    unsigned int pos = row * COLUMNS + column;
    crtc_write(CRTC_CURSOR_HIGH, (uint8_t)(pos >> 8));
    crtc_write(CRTC_CURSOR_LOW, (uint8_t)pos);
}

void vga_release(void)
{
    cells = NULL;
}
