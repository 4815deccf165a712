/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See boot_menu.h. */
#include "dom0-toolstack/hl/boot_menu.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "dom0-toolstack/hl/hl.h"
#include "dom0-toolstack/hl/terminal.h"
#include "dom0-toolstack/lib/bootloader.h"
#include "dom0-toolstack/lib/domain_config.h"

#define CONTROL(key) ((key)&0x1f)
#define KEY_ESC      0x1b
#define MAX_TIMEOUT  3600

/* ---- the menu ---- */

static void take_line(struct boot_menu *m, char *line)
{
    if (strncmp(line, "default ", 8) == 0) {
        m->marked = (unsigned int)strtoul(line + 8, NULL, 10);
    } else if (strncmp(line, "timeout ", 8) == 0) {
        long n = strtol(line + 8, NULL, 10);

        m->timeout = n < 0 ? -1 : n > MAX_TIMEOUT ? MAX_TIMEOUT : (int)n;
    } else if (strncmp(line, "entry ", 6) == 0) {
        m->titles[m->count++] = line + 6;
    }
}

int boot_menu_read(struct boot_menu *m, char *text)
{
    size_t lines = 1;

    *m = (struct boot_menu){.text = text, .timeout = BOOT_MENU_SECONDS};
    for (const char *at = text; *at != '\0'; at++)
        lines += *at == '\n';
    m->titles = calloc(lines, sizeof(*m->titles));
    if (m->titles == NULL)
        return -ENOMEM;
    while (*text != '\0') {
        char *end = text + strcspn(text, "\n"), *next = end + (*end == '\n');

        *end = '\0';
        take_line(m, text);
        text = next;
    }
    if (m->marked >= m->count)
        m->marked = 0;
    return 0;
}

void boot_menu_free(struct boot_menu *m)
{
    free(m->titles);
    free(m->text);
    *m = (struct boot_menu){0};
}

/* ---- keys ---- */

static void mark(struct boot_menu *m, char direction)
{
    unsigned int last = m->count - 1;

    switch (direction) {
    case 'A': m->marked -= m->marked > 0; break;
    case 'B': m->marked += m->marked < last; break;
    case 'H': m->marked = 0; break;
    case 'F': m->marked = last; break;
    default: break;
    }
}

/*
 * One byte behind an ESC: '[' or 'O' opens a sequence (ECMA-48's CSI, and SS3 of terminals whose keypad is on), in which
 * numbers may stand before the letter. The key is the letter.
 */
static enum boot_menu_step within_key(struct boot_menu *m, char c)
{
    bool opens = m->pending == KEY_ESC;

    if (c == KEY_ESC) {
        m->pending = c;
        return BOOT_MENU_WAITS;
    }
    if (opens ? c == '[' || c == 'O' : (c >= '0' && c <= '9') || c == ';') {
        m->pending = opens ? c : m->pending;
        return BOOT_MENU_WAITS;
    }
    m->pending = '\0';
    if (opens)
        return BOOT_MENU_WAITS;
    mark(m, c);
    return c == 'C' ? BOOT_MENU_CHOSEN : BOOT_MENU_WAITS;
}

static enum boot_menu_step take_key(struct boot_menu *m, char c)
{
    if (m->pending != '\0')
        return within_key(m, c);
    switch (c) {
    case KEY_ESC: m->pending = c; break;
    case CONTROL('P'):
    case 'k': mark(m, 'A'); break;
    case CONTROL('N'):
    case 'j': mark(m, 'B'); break;
    case '\r':
    case '\n': return BOOT_MENU_CHOSEN;
    case CONTROL('C'):
    case CONSOLE_ESCAPE:
    case 'q': return BOOT_MENU_LEFT;
    default: break;
    }
    return BOOT_MENU_WAITS;
}

enum boot_menu_step boot_menu_type(struct boot_menu *m, const char *keys, size_t n)
{
    enum boot_menu_step step = BOOT_MENU_WAITS;

    for (size_t i = 0; i < n && step == BOOT_MENU_WAITS; i++)
        step = take_key(m, keys[i]);
    return step;
}

/* ---- the picture ---- */

/* As many bytes as surely fit into `columns`: a character of three or four bytes may be two wide. */
static int fitting(const char *text, unsigned int columns)
{
    size_t n = 0;

    while (text[n] != '\0') {
        unsigned char lead = (unsigned char)text[n];
        unsigned int width = lead >= 0xe0 ? 2 : 1;
        size_t next = n + 1;

        while (((unsigned char)text[next] & 0xc0) == 0x80)
            next++;
        if (width > columns)
            break;
        columns -= width;
        n = next;
    }
    return (int)n;
}

/* The line is cleared first; the last column stays free, since terminals differ in what comes after it. */
static void put_line(FILE *f, const char *before, const char *text, const char *after,
                     unsigned int columns)
{
    fprintf(f, "\r\033[K%s%.*s%s", before, fitting(text, columns - 1), text, after);
}

static void put_help(FILE *f, unsigned int columns, int left)
{
    char text[128];

    if (left >= 0)
        snprintf(text, sizeof(text), "It boots in %d s. Up, Down: another; Enter: boot; q: give up",
                 left);
    else
        snprintf(text, sizeof(text), "Up, Down: another; Enter: boot; q: give up");
    put_line(f, "", text, "", columns);
}

char *boot_menu_draw(const struct boot_menu *m, const char *name, unsigned int rows,
                     unsigned int columns, int left, unsigned int *lines)
{
    unsigned int shown, top;
    char *text = NULL, title[128];
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (f == NULL)
        return NULL;
    rows = rows < 4 ? 24 : rows;
    columns = columns < 8 ? 80 : columns;
    shown = m->count < rows - 3 ? m->count : rows - 3;
    /* The marked one in the middle, where there is more on both sides. */
    top = m->marked < shown / 2 ? 0 : m->marked - shown / 2;
    top = top > m->count - shown ? m->count - shown : top;
    if (*lines > 1)
        fprintf(f, "\033[%uA", *lines - 1);
    snprintf(title, sizeof(title), "What shall %.80s boot? (%u of %u)", name, m->marked + 1,
             m->count);
    put_line(f, "", title, "\r\n", columns);
    for (unsigned int i = top; i < top + shown; i++) {
        if (i == m->marked)
            put_line(f, "\033[7m> ", m->titles[i], "\033[0m\r\n", columns - 2);
        else
            put_line(f, "  ", m->titles[i], "\r\n", columns - 2);
    }
    put_help(f, columns, left);
    *lines = shown + 2;
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

/* ---- on the terminal ---- */

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int show(const struct boot_menu *m, const char *name, int left, unsigned int *lines)
{
    struct winsize w = {0};
    char *text;
    int rc;

    (void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &w);
    text = boot_menu_draw(m, name, w.ws_row, w.ws_col, left, lines);
    rc = text == NULL ? -1 : terminal_write(text, strlen(text));
    free(text);
    return rc;
}

/* Waits until the picture changes: a key, or the next second. */
static enum boot_menu_step wait_key(struct boot_menu *m, int64_t *end)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    int64_t left = *end < 0 ? -1 : *end - now_ms();
    char keys[64];
    ssize_t n;

    if (*end >= 0 && left <= 0)
        return BOOT_MENU_CHOSEN;
    n = poll(&p, 1, left < 0 ? -1 : (int)((left - 1) % 1000) + 1);
    if (n == 0 || (n < 0 && errno == EINTR))
        return BOOT_MENU_WAITS;
    n = n < 0 ? n : read(STDIN_FILENO, keys, sizeof(keys));
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return BOOT_MENU_WAITS;
    if (n <= 0)
        return BOOT_MENU_LEFT;
    *end = -1;
    return boot_menu_type(m, keys, (size_t)n);
}

static enum boot_menu_step run(struct boot_menu *m, const char *name)
{
    int64_t end = m->timeout < 0 ? -1 : now_ms() + (int64_t)m->timeout * 1000;
    enum boot_menu_step step = BOOT_MENU_WAITS;
    unsigned int lines = 0;

    while (step == BOOT_MENU_WAITS) {
        int64_t left = end < 0 ? -1 : end - now_ms();

        if (show(m, name, left < 0 ? -1 : (int)((left + 999) / 1000), &lines) < 0)
            step = BOOT_MENU_LEFT;
        else
            step = wait_key(m, &end);
    }
    (void)terminal_write("\r\n", 2);
    return step;
}

/* False: the error was printed. */
static bool choose(struct app *app, struct hl_domain_config *c, struct boot_menu *m)
{
    enum boot_menu_step step = BOOT_MENU_CHOSEN;

    if (m->count < 2 || m->timeout == 0)
        return true;
    fflush(stdout);
    fflush(stderr);
    if (!terminal_raw())
        return true;
    step = run(m, c->name);
    terminal_cook();
    if (step == BOOT_MENU_CHOSEN && asprintf(&c->boot_entry, "%u", m->marked) >= 0)
        return true;
    c->boot_entry = NULL;
    if (step == BOOT_MENU_CHOSEN)
        hl_fail(app->err, ENOMEM, "show the boot menu", c->name, NULL);
    else
        hl_fail(app->err, ECANCELED, "show the boot menu", c->name, "nothing was chosen");
    app_failed(app);
    return false;
}

bool boot_menu_choose(struct app *app, struct hl_domain_config *c)
{
    struct boot_menu m = {0};
    char *text;
    bool going = false;

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return true;
    if (hl_bootloader_menu(c, &text, app->err) < 0) {
        app_failed(app);
        return false;
    }
    if (boot_menu_read(&m, text) < 0) {
        hl_fail(app->err, ENOMEM, "show the boot menu", c->name, NULL);
        app_failed(app);
    } else {
        going = choose(app, c, &m);
    }
    boot_menu_free(&m);
    return going;
}
