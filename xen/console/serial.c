/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 16550 serial ports (National PC16550D data sheet).
 *
 *   com1=<baud>[/<base baud>][,[<DPS>][,[<I/O base>][,[<irq>]]]]     e.g. com1=115200,8n1,0x3f8,4
 *
 * <baud> may be "auto": keep what the firmware set. <DPS>: data bits 5-8, parity n o e m s, stop
 * bits 1-2. <irq> 0: input is polled by a timer. com1 is on before options are known, because a
 * console that starts later explains no early failure.
 *
 * Output is written at once, a FIFO-ful at a time: the line status is awaited only when the FIFO
 * has been filled. Input comes by interrupt.
 */
#include "console/console.h"
#include "console/console_internal.h"
#include "boot/cmdline.h"
#include "lib/lib.h"
#include "sched/timer.h"
#include "x86/cpu.h"
#include "x86/irq.h"
#include "x86/time.h"

/* Registers; DLL and DLM while LCR.DLAB is set */
#define UART_RBR         0
#define UART_THR         0
#define UART_DLL         0
#define UART_IER         1
#define UART_DLM         1
#define UART_IIR         2
#define UART_FCR         2
#define UART_LCR         3
#define UART_MCR         4
#define UART_LSR         5
#define UART_SCR         7

#define UART_IER_RDA     0x01
#define UART_FCR_ENABLE  0x01
#define UART_FCR_CLEAR   0x06
#define UART_FCR_TRIG14  0xc0
#define UART_IIR_FIFO    0xc0
#define UART_LCR_DLAB    0x80
#define UART_MCR_DTR_RTS 0x03
#define UART_MCR_OUT2    0x08 /* lets the interrupt out of a PC's card */
#define UART_LSR_DR      0x01
#define UART_LSR_THRE    0x20
#define UART_LSR_TEMT    0x40

#define POLL_NS          20000000
#define WAIT_LIMIT       100000 /* status reads (about 1 us each) before a dead line is given up */

struct uart {
    uint16_t base;
    unsigned int irq;
    unsigned int baud, clock; /* baud 0: as the firmware left it */
    uint8_t lcr;
    bool present, enabled, dead;
    char last;               /* character sent */
    unsigned int fifo, room; /* bytes that fit; that still fit, as far as known */
    struct timer poll;
};

static struct uart com1 = {.base = 0x3f8, .irq = 4, .baud = 115200, .clock = 115200, .lcr = 3};
static struct uart com2 = {.base = 0x2f8, .irq = 3, .baud = 115200, .clock = 115200, .lcr = 3};
static struct uart *const uarts[] = {&com1, &com2};

static int parse_format(struct uart *u, const char *s)
{
    static const char parity[] = "noems";
    const char *p;

    if (s[0] < '5' || s[0] > '8')
        return -EINVAL;
    p = s[1] ? strchr(parity, s[1]) : NULL;
    if (!p || s[2] < '1' || s[2] > '2')
        return -EINVAL;
    u->lcr = (uint8_t)((s[0] - '5') | (s[2] == '2') << 2);
    if (p != parity)
        u->lcr |= (uint8_t)(((p - parity) * 2 - 1) << 3); /* n -, o 001, e 011, m 101, s 111 */
    return 0;
}

/* The fields of com1=, each may be empty. */
static int parse_uart(struct uart *u, const char *s)
{
    const char *end;

    if (!strncmp(s, "auto", 4)) {
        u->baud = 0;
        s += 4;
    } else if (*s && *s != ',') {
        u->baud = (unsigned int)hv_strtoull(s, &end, 0);
        if (end == s || !u->baud)
            return -EINVAL;
        s = end;
    }
    if (*s == '/') {
        u->clock = (unsigned int)hv_strtoull(s + 1, &end, 0);
        s = end;
    }
    if (*s == ',' && *++s && *s != ',') {
        if (strnlen(s, 3) < 3 || parse_format(u, s))
            return -EINVAL;
        s += 3;
    }
    if (*s == ',' && *++s && *s != ',') {
        uint64_t base = hv_strtoull(s, &end, 0);
        if (end == s || base > 0xfff8)
            return -EINVAL;
        u->base = (uint16_t)base;
        s = end;
    }
    if (*s == ',' && *++s && *s != ',') {
        uint64_t irq = hv_strtoull(s, &end, 0);
        if (end == s || irq > 1023)
            return -EINVAL;
        u->irq = (unsigned int)irq;
        s = end;
    }
    return *s ? -EINVAL : 0;
}

static int parse_com1(const char *v)
{
    return parse_uart(&com1, v);
}
OPT_FN("com1", parse_com1);

static int parse_com2(const char *v)
{
    return parse_uart(&com2, v);
}
OPT_FN("com2", parse_com2);

static uint8_t uart_in(const struct uart *u, unsigned int reg)
{
    return inb((uint16_t)(u->base + reg));
}

static void uart_out(const struct uart *u, unsigned int reg, uint8_t v)
{
    outb((uint16_t)(u->base + reg), v);
}

/* A port that keeps its scratch register is there. */
static bool uart_probe(const struct uart *u)
{
    uart_out(u, UART_SCR, 0x5a);
    return uart_in(u, UART_SCR) == 0x5a && uart_in(u, UART_LSR) != 0xff;
}

static void uart_flush(const struct uart *u)
{
    for (unsigned int i = 0; i < WAIT_LIMIT && !(uart_in(u, UART_LSR) & UART_LSR_TEMT); i++)
        cpu_relax();
}

static void uart_setup(struct uart *u)
{
    u->present = uart_probe(u);
    if (!u->present)
        return;
    uart_flush(u); /* what the firmware, or we, wrote before is to get out */
    uart_out(u, UART_IER, 0);
    if (u->baud) {
        unsigned int divisor = MAX(u->clock / u->baud, 1u);
        uart_out(u, UART_LCR, u->lcr | UART_LCR_DLAB);
        uart_out(u, UART_DLL, (uint8_t)divisor);
        uart_out(u, UART_DLM, (uint8_t)(divisor >> 8));
    }
    uart_out(u, UART_LCR, u->lcr);
    uart_out(u, UART_FCR, UART_FCR_ENABLE | UART_FCR_CLEAR | UART_FCR_TRIG14);
    u->fifo = (uart_in(u, UART_IIR) & UART_IIR_FIFO) == UART_IIR_FIFO ? 16 : 1;
    u->room = 0;
    uart_out(u, UART_MCR, UART_MCR_DTR_RTS);
    u->enabled = true;
}

static void uart_putc(struct uart *u, char c)
{
    if (!u->room) {
        for (unsigned int i = 0; !(uart_in(u, UART_LSR) & UART_LSR_THRE); i++) {
            if (i == WAIT_LIMIT) {
                u->dead = true;
                return;
            }
            cpu_relax();
        }
        u->room = u->fifo;
    }
    uart_out(u, UART_THR, (uint8_t)c);
    u->room--;
}

static void uart_write(struct uart *u, const char *s, size_t len)
{
    if (!u->enabled || u->dead)
        return;
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '\n' && u->last != '\r')
            uart_putc(u, '\r');
        uart_putc(u, s[i]);
        u->last = s[i];
    }
}

void serial_write(const char *s, size_t len)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(uarts); i++)
        uart_write(uarts[i], s, len);
}

void console_flush(void)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(uarts); i++)
        if (uarts[i]->enabled && !uarts[i]->dead)
            uart_flush(uarts[i]);
}

void serial_init_early(void)
{
    uart_setup(&com1);
}

void serial_init_options(bool use_com1, bool use_com2)
{
    com1.enabled = com2.enabled = false;
    if (use_com1)
        uart_setup(&com1);
    if (use_com2)
        uart_setup(&com2);
}

static void uart_drain_input(void *data)
{
    struct uart *u = data;

    /* Bounded: a stuck status bit must not hold the CPU. */
    for (unsigned int i = 0; i < 64 && (uart_in(u, UART_LSR) & UART_LSR_DR); i++)
        console_rx((char)uart_in(u, UART_RBR));
}

static void uart_poll(void *data)
{
    struct uart *u = data;
    uart_drain_input(u);
    timer_set(&u->poll, now() + POLL_NS);
}

static void uart_init_irq(struct uart *u)
{
    if (!u->enabled)
        return;
    if (u->irq && irq_request_own(u->irq, uart_drain_input, u) == 0) {
        uart_out(u, UART_MCR, UART_MCR_DTR_RTS | UART_MCR_OUT2);
        uart_out(u, UART_IER, UART_IER_RDA);
        return;
    }
    timer_init(&u->poll, uart_poll, u, 0);
    timer_set(&u->poll, now() + POLL_NS);
}

void serial_init_irq(void)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(uarts); i++)
        uart_init_irq(uarts[i]);
}
