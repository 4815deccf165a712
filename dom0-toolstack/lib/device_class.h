/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a class of devices is to the shared code. Internal to the library.
 *
 * Adding a device (device_life.c):
 *
 *   prepare   the host's half that must be there first: files opened and checked, loop devices
 *   nodes     what is special in xenstore; the shared nodes are written by device_life.c
 *   (wait)    until the back end answers with InitWait, or reports an error
 *   plug      the host's half that needs the back end: bridge ports, scripts
 *   release   closes what `prepare` keeps open; always, also after failures
 *
 * Where another domain serves the device, that domain does prepare, plug, release and unplug (hotplug.c), and we wait for
 * its word in "hotplug-status".
 *
 * Removing one: the ends are asked to close (or the front end is taken away), then
 *
 *   unplug    the host's half that does not go with the back end: scripts, address translation.
 *             Must work from the nodes in xenstore alone, also for the second time: whoever added
 *             the device may be dead
 */
#ifndef HL_DEVICE_CLASS_H
#define HL_DEVICE_CLASS_H

#include <stddef.h>

#include "dom0-toolstack/lib/device.h"
#include "dom0-toolstack/lib/store_writer.h"

enum device_field_type {
    FIELD_TEXT, /* char * */
    FIELD_INT,  /* int */
    FIELD_LONG, /* long long */
    FIELD_FLAG, /* bool as 0 or 1 */
    FIELD_BOOL, /* bool as "True" or "False", as libxl writes it */
    FIELD_WORD, /* int, one of `words` */
    FIELD_UNION, /* the same; the JSON has a map called "NAME.WORD", for the fields that are called "NAME/..." */
};

/*
 * One member of a class's configuration. Copies, JSON and freeing follow this table. Neighbours called "MAP/..." are in a map
 * of their own. The layout is libxl's.
 */
struct device_field {
    const char *json;
    enum device_field_type type;
    size_t offset; /* in struct hl_device */
    const char *const *words;
    long long unset; /* the value that is not written */
};

#define DEVICE_FIELD(json, type, member, ...)                       \
    {                                                               \
        json, type, offsetof(struct hl_device, member), __VA_ARGS__ \
    }

/* Who serves devices of a kind: a row of the table in device_life.c. */
struct device_backend {
    enum hl_device_kind kind;
    const char *name;      /* in the node "type" */
    const char *directory; /* below /local/domain/B/backend */
    const char *driver;    /* below /sys/bus/xen-backend/drivers; NULL: a program */
    const char *module;
};

/* One device that is being added or removed. */
struct device_job {
    struct hl_ctx *ctx;
    uint32_t domid, devid;
    const struct device_class *class;
    const struct device_backend *backend;
    const struct hl_device *dev;       /* NULL when removing */
    const struct hl_device_list *with; /* all that is added together; NULL when removing */
    uint32_t backend_domid;
    bool
        elsewhere; /* another domain than ours serves it: it does the host's half, we wait for its word */
    char front[128], back[128];
    char copy
        [128]; /* /libxl/N/device/KIND/D; a driver domain's own is below /local/domain/B/libxl */
    char error[128]; /* where the kernel's back end complains */
    /*
     * The kernel's device, "" for programs. Its own folder, not its name on the bus: Linux takes that away before the driver
     * lets go of what it has (bus_remove_device() in drivers/base/bus.c), and this after it.
     */
    char sysfs[128];
    int fd; /* for the class; -1 */
    uint32_t major, minor;
    char name[32]; /* vif: the interface */
    bool hidden;   /* the guest is not to see it yet: it is in our copy alone */
    bool added;    /* the nodes are written */
    bool used;     /* removing: a driver in the guest had it */
    bool lingers;  /* removing: who serves it has not let go in the time that we wait */
};

struct device_class {
    const char *name; /* below /local/domain/N/device */
    const char *key;  /* of the .cfg file */
    const char *json;
    const char *noun;
    uint32_t first;                    /* the lowest number of a device */
    const struct device_field *fields; /* ends with json NULL */

    void (*init)(struct hl_device *d);
    int (*parse)(struct hl_device *d, const char *spec, char *why, size_t size);
    /* Where the parts of a text in several are more than one text with commas between them; else NULL. */
    int (*parse_parts)(struct hl_device *d, const char *const *parts, size_t count, char *why,
                       size_t size);
    int (*finish)(struct hl_device *d, const char *domain, struct hl_error *e);
    /* What no two of a guest's devices of this class may have alike, or NULL; the hook is NULL where there is nothing. */
    const char *(*own)(const struct hl_device *d);

    /* Has it nothing to show to a guest, as an empty drive? Linux would wait for it to connect, for minutes, when it boots. */
    bool (*hidden)(const struct hl_device *d); /* NULL: never */
    const struct device_backend *(*backend)(const struct hl_device *d, struct hl_error *e);
    int (*prepare)(struct device_job *j, struct hl_error *e);
    void (*nodes)(struct device_job *j, struct store_writer *w);
    void (*host_nodes)(struct device_job *j, struct store_writer *w); /* what `prepare` found */
    const char *(*hotplug)(const struct device_job *j);               /* for DEVICE_HOTPLUG */
    bool (*ready)(struct device_job *j); /* beyond the state InitWait; NULL: nothing */
    int (*plug)(struct device_job *j, struct hl_error *e);
    void (*release)(struct device_job *j);
    void (*unplug)(struct device_job *j);
    void (*info)(struct hl_ctx *ctx, struct hl_device_info *info);
    /*
     * The way back from the back end's nodes to what `prepare` and `plug` need, into what `init` made: for a
     * driver domain, which is told by them alone. -errno with a record. NULL: only Domain 0 serves this class.
     */
    int (*from_nodes)(struct device_job *j, struct hl_device *d, struct hl_error *e);
};

extern const struct device_class vbd_class, vif_class, console_class, p9_class, vfb_class,
    vkb_class;

const struct device_class *device_class(enum hl_device_kind kind);
const struct device_backend *device_backend_find(enum hl_device_kind kind, const char *name);
/* By the path of a back end's directory, /local/domain/B/backend/DIRECTORY/...; `domid` gets B. NULL: none of ours. */
const struct device_backend *device_backend_of_path(enum hl_device_kind kind, const char *path,
                                                    uint32_t *domid);

/* An empty configuration of a class. */
void device_init(struct hl_device *d, enum hl_device_kind kind);
/* Its member backend_domname; NULL where nobody is named. */
const char *device_backend_domain(const struct hl_device *d);

/* Fills the paths; nothing to undo. `backend_domid` serves the device. */
void device_job_init(struct device_job *j, struct hl_ctx *ctx, uint32_t domid,
                     const struct device_class *class, const struct device_backend *backend,
                     uint32_t backend_domid, uint32_t devid);
/* For messages: whose disk or interface it is about. */
void device_job_name(const struct device_job *j, struct hl_error *e);
/* The kernel's driver for it is there; loads it where not. */
int device_job_need_driver(const struct device_job *j, struct hl_error *e);
/* From the nodes to "the back end waits for the guest", with the host's half in between. */
int device_job_bring_up(struct device_job *j, struct hl_error *e);

/* A node of the back end, where there is one, and in our copy of it. */
void device_put(struct device_job *j, struct store_writer *w, const char *name, const char *fmt,
                ...) __attribute__((format(printf, 4, 5)));

/* Records what `unplug` has to undo: "script", "nat" ...; in /libxl/N/device/KIND/D/hotplug. */
#define DEVICE_HOTPLUG "hotplug"

/* The parsers, one file each. */
int disk_spec_parse(struct hl_device *d, const char *const *parts, size_t count, char *why,
                    size_t size);
int nic_spec_parse(struct hl_device *d, const char *spec, char *why, size_t size);

/*
 * A text of key=value pairs, separated by commas, with blanks around each part. Keys are compared
 * without case, the last is NULL. -EINVAL or -ENOMEM with `why`.
 */
struct spec_key {
    const char *name;
    int (*set)(struct hl_device *d, const char *value, char *why, size_t size);
};
int spec_parse(struct hl_device *d, const char *text, const struct spec_key *keys, char *why,
               size_t size);
/* For setters: a copy of the value into the member; `why` and -EINVAL; yes or no in xl's words. */
int spec_text(char **field, const char *value, char *why, size_t size);
int spec_bad(char *why, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int spec_bool(bool *field, const char *key, const char *value, char *why, size_t size);
int spec_number(int *field, const char *key, const char *value, int low, int high, char *why,
                size_t size);

/* For classes that Domain 0 alone serves: -EOPNOTSUPP if somebody else is named. `name` NULL: nobody is. */
int device_own_backend(const char *name, const struct device_class *c, struct hl_error *e);

/* Sets a text member from the first `len` bytes; -ENOMEM with `why`. */
int device_set_text(char **field, const char *text, size_t len, char *why, size_t size);

#endif
