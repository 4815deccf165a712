/* SPDX-License-Identifier: MIT */
/* Requests and watch events over the store ring. */
#include "drivers/store.h"
#include "kit/console.h"
#include "kit/events.h"
#include "kit/io.h"
#include "kit/memory.h"
#include "kit/start.h"
#include "kit/string.h"
#include "hypercalls/abi/errno.h"

#define MAX_EVENTS 32
#define TOKEN_MAX  64

static struct xenstore_domain_interface *ring;
static evtchn_port_t port;
static uint32_t next_id = 1;

/* Watch events not fetched yet, oldest first. */
static char events[MAX_EVENTS][TOKEN_MAX];
static unsigned int first_event, nr_events;

void store_init(void)
{
    if (ring != NULL) {
        return;
    }
    ring = mfn_to_virt(kit_start_info->store_mfn);
    port = kit_start_info->store_evtchn;
    event_mask(port);
}

/* Waits until the daemon has moved an index. */
static void wait_for_daemon(void)
{
    event_wait(&port, 1, 0);
    event_clear(port);
}

static void put_bytes(const void *from, size_t length)
{
    const char *text = from;

    while (length != 0) {
        XENSTORE_RING_IDX prod = ring->req_prod;
        XENSTORE_RING_IDX cons = *(volatile XENSTORE_RING_IDX *)&ring->req_cons;

        if (prod - cons >= XENSTORE_RING_SIZE) {
            wait_for_daemon();
            continue;
        }
        while (length != 0 && prod - cons < XENSTORE_RING_SIZE) {
            ring->req[MASK_XENSTORE_IDX(prod++)] = *text++;
            length--;
        }
        barrier(); /* the bytes before the index that covers them */
        *(volatile XENSTORE_RING_IDX *)&ring->req_prod = prod;
        event_send(port);
    }
}

static bool bytes_waiting(void)
{
    return *(volatile XENSTORE_RING_IDX *)&ring->rsp_prod != ring->rsp_cons;
}

static void get_bytes(void *to, size_t length)
{
    char *text = to;

    while (length != 0) {
        XENSTORE_RING_IDX cons = ring->rsp_cons;
        XENSTORE_RING_IDX prod = *(volatile XENSTORE_RING_IDX *)&ring->rsp_prod;

        if (prod == cons) {
            wait_for_daemon();
            continue;
        }
        barrier(); /* the index before the bytes */
        while (length != 0 && cons != prod) {
            *text++ = ring->rsp[MASK_XENSTORE_IDX(cons++)];
            length--;
        }
        barrier(); /* the bytes are read before their room is given back */
        *(volatile XENSTORE_RING_IDX *)&ring->rsp_cons = cons;
        event_send(port);
    }
}

/* The event's body: path, NUL, token, NUL. More than fit are a program that forgot to fetch them. */
static void queue_event(const char *body, size_t length)
{
    size_t path = strlen(body) + 1;

    if (nr_events == MAX_EVENTS || path >= length) {
        kit_panic("a watch event too many, or of a strange form");
    }
    char *slot = events[(first_event + nr_events++) % MAX_EVENTS];
    ksnprintf(slot, TOKEN_MAX, "%s", body + path);
}

/* One whole message; its body is cut at what fits, and NUL-terminated. */
static struct xsd_sockmsg get_message(char *body, size_t size)
{
    struct xsd_sockmsg header;
    char rest;

    get_bytes(&header, sizeof(header));
    size_t fits = header.len < size ? header.len : size - 1;
    get_bytes(body, fits);
    body[fits] = '\0';
    for (size_t i = fits; i < header.len; i++) {
        get_bytes(&rest, 1);
    }
    return header;
}

static long error_number(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } errors[] = {
#define ERROR_ENTRY(text, value) {#text, value},
        XEN_ERRNO_LIST(ERROR_ENTRY)};

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (strcmp(errors[i].name, name) == 0) {
            return -errors[i].number;
        }
    }
    return -XEN_EIO;
}

long store_request(uint32_t type, uint32_t tx, const void *body, size_t length, char *reply,
                   size_t size)
{
    static char answer[XENSTORE_PAYLOAD_MAX + 1];
    struct xsd_sockmsg header = {
        .type = type, .req_id = next_id++, .tx_id = tx, .len = (uint32_t)length};

    put_bytes(&header, sizeof(header));
    put_bytes(body, length);
    for (;;) {
        struct xsd_sockmsg got = get_message(answer, sizeof(answer));

        if (got.type == XS_WATCH_EVENT) {
            queue_event(answer, got.len);
            continue;
        }
        if (got.type == XS_ERROR) {
            return error_number(answer);
        }
        if (got.type != type || got.req_id != header.req_id || got.len > XENSTORE_PAYLOAD_MAX) {
            return -XEN_EIO;
        }
        if (size != 0) {
            size_t fits = got.len < size ? got.len : size - 1;

            memcpy(reply, answer, fits);
            reply[fits] = '\0';
        }
        return (long)got.len;
    }
}

/* Requests whose body is one path. */
static long request_path(uint32_t type, uint32_t tx, const char *path, char *reply, size_t size)
{
    return store_request(type, tx, path, strlen(path) + 1, reply, size);
}

/* As of the answers that only say "OK". */
static long done(long rc)
{
    return rc < 0 ? rc : 0;
}

long store_read(uint32_t tx, const char *path, char *value, size_t size)
{
    return request_path(XS_READ, tx, path, value, size);
}

static long parse_number(const char *text, unsigned long *value)
{
    unsigned int base = text[0] == '0' && text[1] == 'x' ? 16 : 10;
    unsigned long n = 0;

    for (text += base == 16 ? 2 : 0; *text != '\0'; text++) {
        unsigned int digit = *text >= '0' && *text <= '9'   ? (unsigned int)(*text - '0')
                             : *text >= 'a' && *text <= 'f' ? (unsigned int)(*text - 'a' + 10)
                                                            : 99;
        if (digit >= base) {
            return -XEN_EINVAL;
        }
        n = n * base + digit;
    }
    *value = n;
    return 0;
}

long store_read_number(uint32_t tx, const char *path, unsigned long *value)
{
    char text[32];
    long rc = store_read(tx, path, text, sizeof(text));

    return rc < 0 ? rc : parse_number(text, value);
}

long store_write(uint32_t tx, const char *path, const char *format, ...)
{
    char body[STORE_PATH_MAX + 256];
    size_t used = strlen(path) + 1;
    va_list args;

    if (used > STORE_PATH_MAX) {
        return -XEN_EINVAL;
    }
    memcpy(body, path, used);
    va_start(args, format);
    int n = kvsnprintf(body + used, sizeof(body) - used, format, args);
    va_end(args);
    if ((size_t)n >= sizeof(body) - used) {
        return -XEN_EINVAL;
    }
    return done(store_request(XS_WRITE, tx, body, used + (size_t)n, NULL, 0));
}

long store_rm(uint32_t tx, const char *path)
{
    return done(request_path(XS_RM, tx, path, NULL, 0));
}

long store_mkdir(uint32_t tx, const char *path)
{
    return done(request_path(XS_MKDIR, tx, path, NULL, 0));
}

long store_list(uint32_t tx, const char *path, char *names, size_t size)
{
    long rc = request_path(XS_DIRECTORY, tx, path, names, size - 1), count = 0;

    if (rc < 0) {
        return rc;
    }
    if ((size_t)rc >= size - 1) {
        return -XEN_E2BIG;
    }
    names[rc] = '\0';
    names[rc + 1] = '\0';
    for (const char *at = names; at < names + rc; at += strlen(at) + 1) {
        count++;
    }
    return count;
}

long store_begin(uint32_t *tx)
{
    char text[16];
    unsigned long number;
    long rc = request_path(XS_TRANSACTION_START, 0, "", text, sizeof(text));

    if (rc >= 0) {
        rc = parse_number(text, &number);
    }
    if (rc == 0) {
        *tx = (uint32_t)number;
    }
    return rc;
}

long store_end(uint32_t tx, bool commit)
{
    return done(request_path(XS_TRANSACTION_END, tx, commit ? "T" : "F", NULL, 0));
}

static long watch_request(uint32_t type, const char *path, const char *token)
{
    char body[STORE_PATH_MAX + TOKEN_MAX];
    size_t a = strlen(path) + 1, b = strlen(token) + 1;

    if (a > STORE_PATH_MAX || b > TOKEN_MAX) {
        return -XEN_EINVAL;
    }
    memcpy(body, path, a);
    memcpy(body + a, token, b);
    return done(store_request(type, 0, body, a + b, NULL, 0));
}

long store_watch(const char *path, const char *token)
{
    return watch_request(XS_WATCH, path, token);
}

long store_unwatch(const char *path, const char *token)
{
    return watch_request(XS_UNWATCH, path, token);
}

bool store_next_event(char *token, size_t size, uint64_t deadline)
{
    static char body[XENSTORE_PAYLOAD_MAX + 1];

    while (nr_events == 0) {
        event_clear(port);
        if (!bytes_waiting()) {
            if (!event_wait(&port, 1, deadline)) {
                return false;
            }
            continue;
        }
        struct xsd_sockmsg got = get_message(body, sizeof(body));
        if (got.type == XS_WATCH_EVENT) {
            queue_event(body, got.len);
        }
    }
    ksnprintf(token, size, "%s", events[first_event]);
    first_event = (first_event + 1) % MAX_EVENTS;
    nr_events--;
    return true;
}

const char *store_path(char *out, size_t size, const char *directory, const char *name)
{
    ksnprintf(out, size, "%s/%s", directory, name);
    return out;
}
