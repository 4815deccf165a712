/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log: levels, rate limit of what guests can cause, the ring, and the fan-out to the devices.
 *
 * One lock, the last in the order, taken with interrupts off. A CPU that holds it already (an NMI
 * or a fault inside the console) writes without it; lines may then interleave, but nothing hangs.
 */
#include "console/console.h"
#include "console/console_internal.h"
#include "boot/cmdline.h"
#include "lib/lib.h"
#include "lib/spinlock.h"
#include "domain/event_channel.h"
#include "sched/softirq.h"
#include "x86/time.h"

#define RING_SIZE   65536u /* a power of two */
#define LOG_PREFIX  "(hospes) "
#define NO_CPU      (~0u)
#define BURST_LINES 10          /* guest lines that may come at once ... */
#define REFILL_NS   500000000ll /* ... and one more each half second */

static struct spinlock console_lock = SPINLOCK_INIT(LOCK_CONSOLE);
static unsigned int lock_cpu = NO_CPU; /* who holds console_lock */
static bool forced;                    /* panic: no locks any more */

/* Everything below: console_lock. */
static char ring[RING_SIZE];
static uint32_t ring_end;   /* count of all bytes ever written */
static uint32_t ring_start; /* what `clear` has forgotten before it */
static bool at_line_start = true;
static bool line_dropped; /* the line under way is not printed */
static unsigned int tokens = BURST_LINES;
static s_time_t last_refill;
static unsigned int suppressed;
static bool use_vga;
static struct tasklet ring_tasklet; /* tells Dom0 of new text: no lock may be held for that */
static bool ring_announced;         /* ring_tasklet is set up */

/*
 * Levels. Host lines below host_upper are printed. Guest lines: those below guest_lower always,
 * those below guest_upper at a limited rate, the rest never. Each value is a count of levels: 1
 * prints errors alone, 4 everything.
 */
static unsigned int host_upper = 3, host_lower = 3;
static unsigned int guest_upper = 2, guest_lower = 0;
static bool opt_console_to_ring, opt_sync_console, opt_timestamps;
static char opt_console[64] = "com1,vga";

OPT_BOOL("console_to_ring", opt_console_to_ring);
OPT_BOOL("sync_console", opt_sync_console);
OPT_STRING("console", opt_console);

static int parse_timestamps(const char *v)
{
    opt_timestamps = *v && strcmp(v, "none") && strcmp(v, "no") && strcmp(v, "0");
    return 0;
}
OPT_FN("console_timestamps", parse_timestamps);

/* One name of a level; *s is set past it. */
static int parse_level(const char **s, unsigned int *level)
{
    static const struct {
        const char *name;
        unsigned int count;
    } names[] = {{"none", 0}, {"error", 1}, {"warning", 2}, {"info", 3}, {"debug", 4}, {"all", 4}};

    for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
        size_t n = strlen(names[i].name);
        if (!strncmp(*s, names[i].name, n)) {
            *s += n;
            *level = names[i].count;
            return 0;
        }
    }
    return -EINVAL;
}

static int parse_levels(const char *s, unsigned int *lower, unsigned int *upper)
{
    unsigned int lo, up;

    if (parse_level(&s, &lo))
        return -EINVAL;
    up = lo;
    if (*s == '/') {
        s++;
        if (parse_level(&s, &up))
            return -EINVAL;
    }
    if (*s)
        return -EINVAL;
    *lower = MIN(lo, up);
    *upper = up;
    return 0;
}

static int parse_loglvl(const char *v)
{
    return parse_levels(v, &host_lower, &host_upper);
}
OPT_FN("loglvl", parse_loglvl);

static int parse_guest_loglvl(const char *v)
{
    return parse_levels(v, &guest_lower, &guest_upper);
}
OPT_FN("guest_loglvl", parse_guest_loglvl);

bool console_guest_debug(void)
{
    return guest_upper >= 4;
}

/* False: this CPU holds the lock already, or it is to be ignored. */
static bool take_lock(unsigned long *flags)
{
    if (READ_ONCE(forced) || READ_ONCE(lock_cpu) == cpu_id())
        return false;
    *flags = spin_lock_irqsave(&console_lock);
    WRITE_ONCE(lock_cpu, cpu_id());
    return true;
}

static void give_lock(bool taken, unsigned long flags)
{
    if (!taken)
        return;
    WRITE_ONCE(lock_cpu, NO_CPU);
    spin_unlock_irqrestore(&console_lock, flags);
}

static void to_ring(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ring[ring_end++ % RING_SIZE] = s[i];
    if (ring_end - ring_start > RING_SIZE)
        ring_start = ring_end - RING_SIZE;
}

static void to_devices(const char *s, size_t len)
{
    serial_write(s, len);
    if (use_vga)
        vga_write(s, len);
}

static void emit(const char *s, size_t len)
{
    to_ring(s, len);
    to_devices(s, len);
}

static void emit_text(const char *s)
{
    emit(s, strlen(s));
}

static void emit_prefix(void)
{
    emit_text(LOG_PREFIX);
    if (opt_timestamps) {
        char stamp[32];
        s_time_t t = now();
        snprintf(stamp, sizeof(stamp), "[%5lld.%06lld] ", (long long)(t / 1000000000),
                 (long long)(t % 1000000000 / 1000));
        emit_text(stamp);
    }
}

/* Whether the rate allows one more guest line; tells how many were dropped before. */
static bool rate_allows(void)
{
    s_time_t t = now();
    int64_t fresh = (t - last_refill) / REFILL_NS;

    if (fresh > 0) {
        tokens = (unsigned int)MIN(fresh + tokens, (int64_t)BURST_LINES);
        last_refill = t;
    }
    if (!tokens) {
        suppressed++;
        return false;
    }
    tokens--;
    if (suppressed) {
        char note[80];
        snprintf(note, sizeof(note), "%u messages about guests were suppressed\n", suppressed);
        suppressed = 0;
        emit_prefix();
        emit_text(note);
    }
    return true;
}

static bool level_printed(unsigned int level, bool guest)
{
    if (level == LEVEL_NONE)
        level = 1;
    if (!guest)
        return level < host_upper;
    if (level < guest_lower)
        return true;
    return level < guest_upper && rate_allows();
}

/* One line or a piece of it, with its newline if it ends there. */
static void log_piece(const char *s, size_t len, unsigned int level, bool guest)
{
    if (at_line_start) {
        line_dropped = !level_printed(level, guest);
        if (!line_dropped)
            emit_prefix();
    }
    at_line_start = s[len - 1] == '\n';
    if (!line_dropped)
        emit(s, len);
}

void console_log(const char *text, unsigned int level, bool guest)
{
    unsigned long flags = 0;
    bool taken = take_lock(&flags);

    while (*text) {
        const char *nl = strchr(text, '\n');
        size_t len = nl ? (size_t)(nl - text) + 1 : strlen(text);
        log_piece(text, len, level, guest);
        text += len;
    }
    give_lock(taken, flags);
    if (READ_ONCE(ring_announced))
        tasklet_schedule(&ring_tasklet);
}

void console_write(const char *s, size_t len)
{
    unsigned long flags = 0;
    bool taken = take_lock(&flags);

    if (opt_console_to_ring)
        to_ring(s, len);
    to_devices(s, len);
    give_lock(taken, flags);
}

size_t console_ring_read(char *buf, size_t len, uint32_t *index, bool clear, bool incremental)
{
    unsigned long flags = 0;
    bool taken = take_lock(&flags);
    uint32_t from = ring_start;
    size_t n = 0;

    /* The reader's index counts bytes modulo 2^32; what lies outside the ring starts afresh. */
    if (incremental && (int32_t)(*index - ring_start) > 0)
        from = (int32_t)(*index - ring_end) > 0 ? ring_end : *index;
    while (n < len && from != ring_end)
        buf[n++] = ring[from++ % RING_SIZE];
    if (clear)
        ring_start = from;
    *index = from;
    give_lock(taken, flags);
    return n;
}

void console_init_early(void)
{
    serial_init_early();
}

void console_init_options(void)
{
    use_vga = strstr(opt_console, "vga");
    serial_init_options(strstr(opt_console, "com1"), strstr(opt_console, "com2"));
    if (use_vga)
        vga_init();
}

static void announce_ring(void *data __unused)
{
    send_global_virq(VIRQ_CON_RING);
}

void console_init_irq(void)
{
    tasklet_init(&ring_tasklet, announce_ring, NULL);
    WRITE_ONCE(ring_announced, true);
    input_init();
    serial_init_irq();
}

void console_vga_release(void)
{
    unsigned long flags = 0;
    bool taken = take_lock(&flags);
    vga_release();
    give_lock(taken, flags);
}

void console_force(void)
{
    WRITE_ONCE(forced, true);
    WRITE_ONCE(ring_announced, false);
    at_line_start = true;
    host_upper = 4;
}
