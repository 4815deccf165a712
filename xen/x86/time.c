/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time (Intel SDM vol. 3 ch. 18.17; IA-PC HPET 1.0a; ACPI 6.4 ch. 4.8.3.3; 8254 data sheet).
 *
 * System time is (TSC - TSC at boot) scaled by one constant, the same on all CPUs: TSCs of a
 * machine with an invariant TSC start together. The scale is measured twice against a platform timer,
 * unless CPUID tells the frequency. The reading of the platform timer is bracketed by two reads of the
 * TSC, and the closest of some tries is taken: over a millisecond or two that leaves about 100 ppm,
 * good enough to start with. The second measurement is taken when Domain 0 has been built and nobody
 * has been told the time yet (time_refine()): over the hundreds of milliseconds in between the same
 * readings leave less than crystals differ, and it costs no waiting.
 */
#include "x86/time.h"
#include "domain/domain.h"
#include "lib/lib.h"
#include "lib/spinlock.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/page.h"

/* HPET registers and bits */
#define HPET_CAP           0x00
#define HPET_CONFIG        0x10
#define HPET_COUNTER       0xf0
#define HPET_CONFIG_ENABLE 1ull
#define HPET_MAX_PERIOD    100000000u /* femtoseconds */

#define PM_TIMER_HZ        3579545u

/* 8254 */
#define PIT_CHANNEL2      0x42
#define PIT_COMMAND       0x43
#define PIT_CMD_CH2_MODE0 0xb0 /* channel 2, low then high byte, mode 0 */
#define PIT_CMD_LATCH_CH2 0x80
#define PIT_HZ            1193182u
#define PORT_B            0x61
#define PORT_B_GATE2      0x01
#define PORT_B_SPEAKER    0x02

/* CMOS clock (MC146818A) */
#define RTC_INDEX      0x70
#define RTC_DATA       0x71
#define RTC_SECONDS    0x00
#define RTC_MINUTES    0x02
#define RTC_HOURS      0x04
#define RTC_DAY        0x07
#define RTC_MONTH      0x08
#define RTC_YEAR       0x09
#define RTC_STATUS_A   0x0a
#define RTC_STATUS_B   0x0b
#define RTC_A_UPDATING 0x80
#define RTC_B_24H      0x02
#define RTC_B_BINARY   0x04
#define RTC_HOURS_PM   0x80

#define CALIBRATION_NS 1000000 /* HPET; the coarser PM timer and PIT take twice that */

uint32_t tsc_khz;
uint32_t tsc_to_ns_mul;
int8_t tsc_to_ns_shift;
static uint64_t tsc_base;
static uint64_t ns_to_tsc_mul; /* TSC ticks per ns, 32.32 */

/* Wallclock at system time zero. */
static struct spinlock time_lock = SPINLOCK_INIT(LOCK_TIME);
static uint64_t wc_sec;
static uint32_t wc_nsec;

struct clock_source {
    const char *name;
    uint64_t hz, mask;
    uint64_t (*read)(void);
    unsigned int window_ns;
};
/* What measured the TSC, and when it began; no name: the frequency is known, or cannot be refined. */
static struct clock_source source;
static char *hpet;
static bool pit_loaded;

s_time_t tsc_to_ns(uint64_t tsc)
{
    uint64_t delta = tsc - tsc_base;

    if ((int64_t)delta < 0) /* read before the base was, on another CPU */
        return 0;
    if (tsc_to_ns_shift >= 0)
        delta <<= tsc_to_ns_shift;
    else
        delta >>= -tsc_to_ns_shift;
    return (s_time_t)(uint64_t)(((unsigned __int128)delta * tsc_to_ns_mul) >> 32);
}

uint64_t ns_to_tsc(s_time_t ns)
{
    return tsc_base + (uint64_t)(((unsigned __int128)(uint64_t)ns * ns_to_tsc_mul) >> 32);
}

s_time_t now(void)
{
    return tsc_to_ns(rdtsc());
}

void udelay(unsigned int us)
{
    if (!tsc_khz) {
        while (us--)
            outb(0x80, 0); /* about 1 us on every PC */
        return;
    }
    uint64_t end = rdtsc() + (uint64_t)us * tsc_khz / 1000;
    while ((int64_t)(rdtsc() - end) < 0)
        cpu_relax();
}

/* --- Platform timers --- */

static uint64_t hpet_read(void)
{
    return READ_ONCE(*(uint32_t *)(hpet + HPET_COUNTER));
}

static bool hpet_probe(struct clock_source *s)
{
    if (!acpi.hpet_address)
        return false;
    hpet = ioremap(acpi.hpet_address, PAGE_SIZE);
    if (!hpet)
        return false;
    uint32_t period = (uint32_t)(READ_ONCE(*(uint64_t *)(hpet + HPET_CAP)) >> 32);
    if (!period || period > HPET_MAX_PERIOD)
        return false;
    uint64_t *config = (uint64_t *)(hpet + HPET_CONFIG);
    WRITE_ONCE(*config, READ_ONCE(*config) | HPET_CONFIG_ENABLE);
    *s = (struct clock_source){"HPET", 1000000000000000ull / period, UINT32_MAX, hpet_read,
                               CALIBRATION_NS};
    return true;
}

static uint64_t pm_timer_read(void)
{
    return inl((uint16_t)acpi.pm_timer.address);
}

static bool pm_timer_probe(struct clock_source *s)
{
    if (!acpi.pm_timer.address || acpi.pm_timer.space != ACPI_SPACE_IO)
        return false;
    *s = (struct clock_source){"ACPI PM timer", PM_TIMER_HZ, 0xffffff, pm_timer_read,
                               2 * CALIBRATION_NS};
    /* Some chips' timer is not wired: it must move within some microseconds. */
    uint64_t first = pm_timer_read();
    for (unsigned int i = 0; i < 100; i++)
        if (pm_timer_read() != first)
            return true;
    return false;
}

/* Counts down from 0xffff once; the window is shorter than its 55 ms. */
static uint64_t pit_read(void)
{
    if (!pit_loaded) {
        outb(PORT_B, (uint8_t)((inb(PORT_B) & ~PORT_B_SPEAKER) | PORT_B_GATE2));
        outb(PIT_COMMAND, PIT_CMD_CH2_MODE0);
        outb(PIT_CHANNEL2, 0xff);
        outb(PIT_CHANNEL2, 0xff);
        pit_loaded = true;
    }
    outb(PIT_COMMAND, PIT_CMD_LATCH_CH2);
    uint8_t low = inb(PIT_CHANNEL2);
    return 0xffff - ((uint64_t)inb(PIT_CHANNEL2) << 8 | low);
}

static struct clock_source find_source(void)
{
    struct clock_source s;
    if (hpet_probe(&s) || pm_timer_probe(&s))
        return s;
    return (struct clock_source){"PIT", PIT_HZ, 0xffff, pit_read, 2 * CALIBRATION_NS};
}

/* --- Calibration --- */

struct sample {
    uint64_t tsc, ref;
    uint32_t lapic;
};

/* A reading of all clocks at (nearly) one moment: the closest of some tries. */
static struct sample take_sample(const struct clock_source *s)
{
    struct sample best = {0};
    uint64_t best_width = ~0ull;

    for (unsigned int i = 0; i < 5; i++) {
        uint64_t before = rdtsc_ordered();
        uint64_t ref = s->read();
        uint32_t lapic = apic_timer_count();
        uint64_t width = rdtsc_ordered() - before;
        if (width < best_width) {
            best_width = width;
            best = (struct sample){before + width / 2, ref, lapic};
        }
    }
    return best;
}

static struct sample first_sample;

static void measure(const struct clock_source *s, uint64_t *tsc_hz, uint64_t *lapic_hz)
{
    uint64_t ticks = s->hz * s->window_ns / 1000000000;
    struct sample a, b;

    apic_timer_start_counting();
    s->read();
    a = take_sample(s);
    while (((s->read() - a.ref) & s->mask) < ticks)
        cpu_relax();
    b = take_sample(s);
    first_sample = a;

    uint64_t elapsed = (b.ref - a.ref) & s->mask;
    *tsc_hz = (b.tsc - a.tsc) * s->hz / elapsed;
    *lapic_hz = (uint64_t)(a.lapic - b.lapic) * s->hz / elapsed;
}

/* CPUID leaf 0x15: TSC over crystal as a fraction, and the crystal's frequency (0: not told). */
static uint64_t tsc_hz_by_cpuid(void)
{
    if (cpuid(0).a < 0x15)
        return 0;
    struct cpuid_regs r = cpuid(0x15);
    return r.a ? (uint64_t)r.c * r.b / r.a : 0;
}

/* Everything that follows from the frequency but the shift, which is to fit. */
static void set_frequency(uint64_t hz)
{
    uint64_t scaled = tsc_to_ns_shift < 0 ? hz >> -tsc_to_ns_shift : hz << tsc_to_ns_shift;

    tsc_khz = (uint32_t)((hz + 500) / 1000);
    ns_to_tsc_mul = (hz / 1000000000 << 32) + (hz % 1000000000 << 32) / 1000000000;
    WRITE_ONCE(tsc_to_ns_mul, (uint32_t)((1000000000ull << 32) / scaled));
}

static void set_scale(uint64_t hz)
{
    uint64_t scaled = hz;

    tsc_to_ns_shift = 0;
    while (scaled > 2020000000ull) {
        scaled >>= 1;
        tsc_to_ns_shift--;
    }
    /* A per cent more than 10^9, below which the multiplier has no room: for time_refine(). */
    while (scaled <= 1010000000ull) {
        scaled <<= 1;
        tsc_to_ns_shift++;
    }
    set_frequency(hz);
}

/* --- The date --- */

static uint8_t cmos_read(uint8_t reg)
{
    outb(RTC_INDEX, reg);
    return inb(RTC_DATA);
}

static unsigned int from_bcd(unsigned int v, bool bcd)
{
    return bcd ? (v >> 4) * 10 + (v & 15) : v;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar, counting years from March. */
static uint64_t days_since_1970(unsigned int year, unsigned int month, unsigned int day)
{
    unsigned int y = month > 2 ? year : year - 1;
    unsigned int m = month > 2 ? month - 3 : month + 9;
    uint64_t days = 365ull * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;
    return days - 719468;
}

/*
 * Seconds since 1970 by the CMOS clock. One reading: if an update is under way its end is awaited
 * (2 ms at most); for 244 us after that the registers stand still.
 */
static uint64_t cmos_time(void)
{
    for (unsigned int i = 0; i < 3000 && (cmos_read(RTC_STATUS_A) & RTC_A_UPDATING); i++)
        udelay(1);
    unsigned int sec = cmos_read(RTC_SECONDS), min = cmos_read(RTC_MINUTES);
    unsigned int hour = cmos_read(RTC_HOURS), day = cmos_read(RTC_DAY);
    unsigned int month = cmos_read(RTC_MONTH), year = cmos_read(RTC_YEAR);
    uint8_t mode = cmos_read(RTC_STATUS_B);
    bool bcd = !(mode & RTC_B_BINARY);
    bool pm = !(mode & RTC_B_24H) && (hour & RTC_HOURS_PM);

    if (!(mode & RTC_B_24H))
        hour = from_bcd(hour & ~RTC_HOURS_PM, bcd) % 12 + (pm ? 12 : 0);
    else
        hour = from_bcd(hour, bcd);
    month = from_bcd(month, bcd);
    if (month < 1 || month > 12)
        return 0;
    year = from_bcd(year, bcd) + 2000;
    return ((days_since_1970(year, month, from_bcd(day, bcd)) * 24 + hour) * 60 +
            from_bcd(min, bcd)) *
               60 +
           from_bcd(sec, bcd);
}

void time_init(void)
{
    struct clock_source s = find_source();
    uint64_t tsc_hz, lapic_hz;

    measure(&s, &tsc_hz, &lapic_hz);
    uint64_t told = tsc_hz_by_cpuid();
    /* CPUID is exact, but only if it is meant for this machine: hypervisors below may invent. */
    if (told && told - told / 100 < tsc_hz && tsc_hz < told + told / 100)
        tsc_hz = told;
    else if (s.read != pit_read)
        source = s;
    tsc_base = rdtsc();
    set_scale(tsc_hz);
    apic_timer_set_khz((uint32_t)(lapic_hz / 1000));
    wc_sec = cmos_time();
    printk(LOG_INFO "Time: TSC %u.%03u MHz by %s, APIC timer %s\n", tsc_khz / 1000, tsc_khz % 1000,
           s.name, apic_timer_uses_deadline() ? "with TSC deadline" : "counting");
    time_init_cpu();
}

/*
 * The frequency over all the time since time_init(). Other CPUs are up, idle, and may be reading the time:
 * the shift stays, so that one who takes half of the old scale and half of the new is wrong by the
 * millionth parts that they differ.
 */
void time_refine(void)
{
    if (!source.name)
        return;
    struct sample b = take_sample(&source);
    uint64_t tsc = b.tsc - first_sample.tsc, wrap = source.mask + 1;
    uint64_t ticks = (b.ref - first_sample.ref) & source.mask;
    if (tsc >> 36 || source.hz >> 28) /* their product would not fit; at 5 GHz after 14 s */
        return;
    /* How often did the timer wrap? The frequency as we know it tells. */
    uint64_t about = tsc * source.hz / ((uint64_t)tsc_khz * 1000);
    if (about > ticks)
        ticks += (about - ticks + wrap / 2) / wrap * wrap;
    if (!ticks || ticks - ticks / 100 > about || ticks + ticks / 100 < about) {
        printk(LOG_WARN "Time: TSC and %s do not agree; the TSC is taken for right\n", source.name);
        return;
    }
    uint64_t hz = tsc * source.hz / ticks;
    uint64_t at = rdtsc(), ns = (uint64_t)tsc_to_ns(at);
    set_frequency(hz);
    /* Time goes on from where it is. */
    WRITE_ONCE(tsc_base, at - (uint64_t)(((unsigned __int128)ns * ns_to_tsc_mul) >> 32));
    printk(LOG_INFO "Time: TSC %u.%03u MHz, measured over %lu ms\n", tsc_khz / 1000, tsc_khz % 1000,
           (unsigned long)(tsc / tsc_khz));
}

void time_init_cpu(void)
{
    apic_timer_init_cpu();
}

/* --- Wallclock --- */

void wallclock_update(struct domain *d)
{
    struct shared_info *si = d->shared_info;

    if (!si)
        return;
    spin_lock(&time_lock);
    uint64_t sec = wc_sec + (uint64_t)d->time_offset_seconds;
    uint32_t version = READ_ONCE(si->wc_version) | 1;
    WRITE_ONCE(si->wc_version, version);
    smp_wmb();
    WRITE_ONCE(si->wc_sec, (uint32_t)sec);
    WRITE_ONCE(si->wc_sec_hi, (uint32_t)(sec >> 32));
    WRITE_ONCE(si->wc_nsec, wc_nsec);
    smp_wmb();
    WRITE_ONCE(si->wc_version, version + 1);
    spin_unlock(&time_lock);
}

void wallclock_set(uint64_t sec, uint32_t nsec, uint64_t system_time_base)
{
    uint64_t ns = sec * 1000000000 + nsec; /* fits until the year 2554 */
    ns = ns > system_time_base ? ns - system_time_base : 0;

    spin_lock(&time_lock);
    wc_sec = ns / 1000000000;
    wc_nsec = (uint32_t)(ns % 1000000000);
    spin_unlock(&time_lock);

    struct domain *d;
    for (unsigned int id = 0; (d = domain_get_from(id)) != NULL;) {
        id = d->id + 1u;
        wallclock_update(d);
        domain_put(d);
    }
}

uint64_t wallclock_seconds(uint32_t *nsec)
{
    spin_lock(&time_lock);
    uint64_t ns = wc_sec * 1000000000 + wc_nsec + (uint64_t)now();
    spin_unlock(&time_lock);
    if (nsec)
        *nsec = (uint32_t)(ns % 1000000000);
    return ns / 1000000000;
}
