/* SPDX-License-Identifier: MIT */
/* The part that every frontend does alike. */
#include "drivers/front.h"
#include "kit/console.h"
#include "kit/events.h"
#include "kit/grants.h"
#include "kit/memory.h"
#include "kit/string.h"
#include "kit/time.h"
#include "hypercalls/abi/errno.h"

long front_find(const char *class, unsigned int n)
{
    char path[STORE_PATH_MAX], names[1024];
    const char *at = names;
    long id = 0;

    ksnprintf(path, sizeof(path), "device/%s", class);
    long count = store_list(0, path, names, sizeof(names));
    if (count < 0) {
        return count;
    }
    if (n >= (unsigned long)count) {
        return -XEN_ENOENT;
    }
    while (n-- != 0) {
        at += strlen(at) + 1;
    }
    for (; *at >= '0' && *at <= '9'; at++) {
        id = id * 10 + (*at - '0');
    }
    return id;
}

long front_open(struct front *f, const char *class, unsigned long id)
{
    char path[STORE_PATH_MAX];
    unsigned long backend_id;

    store_init();
    ksnprintf(f->path, sizeof(f->path), "device/%s/%lu", class, id);
    long rc = store_read(0, store_path(path, sizeof(path), f->path, "backend"), f->backend,
                         sizeof(f->backend));
    if (rc < 0) {
        return rc;
    }
    rc = store_read_number(0, store_path(path, sizeof(path), f->path, "backend-id"), &backend_id);
    f->backend_id = (domid_t)backend_id;
    return rc;
}

long front_write(struct front *f, const char *name, const char *format, ...)
{
    char path[STORE_PATH_MAX], value[128];
    va_list args;

    va_start(args, format);
    kvsnprintf(value, sizeof(value), format, args);
    va_end(args);
    return store_write(0, store_path(path, sizeof(path), f->path, name), "%s", value);
}

long front_remove(struct front *f, const char *name)
{
    char path[STORE_PATH_MAX];

    return store_rm(0, store_path(path, sizeof(path), f->path, name));
}

unsigned long front_backend_number(struct front *f, const char *name, unsigned long otherwise)
{
    char path[STORE_PATH_MAX];
    unsigned long value;

    return store_read_number(0, store_path(path, sizeof(path), f->backend, name), &value) < 0
               ? otherwise
               : value;
}

long front_backend_text(struct front *f, const char *name, char *value, size_t size)
{
    char path[STORE_PATH_MAX];

    return store_read(0, store_path(path, sizeof(path), f->backend, name), value, size);
}

long front_set_state(struct front *f, enum xenbus_state state)
{
    return front_write(f, "state", "%d", state);
}

enum xenbus_state front_backend_state(struct front *f)
{
    return (enum xenbus_state)front_backend_number(f, "state", XenbusStateUnknown);
}

bool front_wait_backend(struct front *f, unsigned int states, unsigned int lost)
{
    uint64_t deadline = time_now() + FRONT_WAIT;
    char path[STORE_PATH_MAX], token[64];
    unsigned int state;

    if (store_watch(store_path(path, sizeof(path), f->backend, "state"), f->path) < 0) {
        return false;
    }
    do {
        state = FRONT_STATE(front_backend_state(f));
    } while (!(state & (states | lost)) && store_next_event(token, sizeof(token), deadline));
    store_unwatch(path, f->path);
    return state & states;
}

bool front_begin(struct front *f)
{
    return front_set_state(f, XenbusStateInitialising) == 0 &&
           front_wait_backend(
               f, FRONT_STATE(XenbusStateInitWait) | FRONT_STATE(XenbusStateInitialised), 0);
}

unsigned int front_grant(struct front *f, const void *page)
{
    return grant_alloc(f->backend_id, virt_to_mfn(page), 0);
}

long front_channel(struct front *f)
{
    long port = event_alloc_unbound(DOMID_SELF, f->backend_id);

    if (port >= 0) {
        event_mask((evtchn_port_t)port);
    }
    return port;
}

void front_close(struct front *f)
{
    front_set_state(f, XenbusStateClosing);
    front_wait_backend(f, FRONT_GONE, 0);
    front_set_state(f, XenbusStateClosed);
    front_wait_backend(f, FRONT_STATE(XenbusStateUnknown) | FRONT_STATE(XenbusStateClosed), 0);
}
