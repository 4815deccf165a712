/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The devices of a domain: what a configuration says of them, and giving them to a domain, taking
 * them away and listing them.
 *
 * A class of devices (vbd: disks, vif: network, console: channels, 9pfs: shared folders, vfb and vkb: screens and
 * keyboards) is one file of the library, which fills one row of the table in device.c; see device_class.h for what a row
 * has. Everything else is shared: the configuration's copies and JSON, the nodes in xenstore, waiting for back ends, undoing.
 */
#ifndef HL_DEVICE_H
#define HL_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hl_ctx;
struct hl_error;

enum hl_device_kind {
    HL_DEVICE_VBD,
    HL_DEVICE_VIF,
    HL_DEVICE_CONSOLE, /* beyond the first, which every domain has */
    HL_DEVICE_P9,      /* a shared folder */
    HL_DEVICE_VFB,
    HL_DEVICE_VKB,
    HL_DEVICE_KINDS,
};

#define HL_NO_DEVID UINT32_MAX

enum hl_disk_format {
    HL_DISK_RAW,
    HL_DISK_QCOW,
    HL_DISK_QCOW2,
    HL_DISK_VHD,
    HL_DISK_QED,
    HL_DISK_EMPTY, /* a CD-ROM drive without a medium */
};

/* Who serves a disk; the names are those of backendtype=. */
enum hl_disk_backend {
    HL_DISK_AUTO,
    HL_DISK_PHY,   /* the kernel's xen-blkback, over a block device or a loop device */
    HL_DISK_QDISK, /* a program */
    HL_DISK_STANDALONE,
};

struct hl_disk {
    char *target; /* NULL: none */
    char *vdev;   /* "xvda" */
    char *script; /* NULL: none */
    char *backend_domain;
    int format, backend; /* the two enums */
    bool readwrite, cdrom, direct_io_safe, discard, trusted;
    bool shared; /* "w!": others may use the target, too */
};

enum hl_nic_mode {
    HL_NIC_BRIDGE, /* a port of a bridge that the administrator made */
    HL_NIC_NAT, /* a port of a bridge that is made when it is needed, behind address translation */
    HL_NIC_ROUTE,  /* an interface with a route to the guest's address */
    HL_NIC_SCRIPT, /* whatever the script does */
    HL_NIC_USER,   /* a network that exists in the back end's process alone */
};

struct hl_nic {
    char *mac;    /* "00:16:3e:01:02:03"; NULL: made from the domain's name */
    char *bridge; /* NULL: the default of xl.conf */
    char *ip, *script, *vifname, *gatewaydev, *model, *backend_domain;
    int mode; /* enum hl_nic_mode */
    bool tap; /* by our program, over a TAP interface, in place of the kernel's netback */
    int mtu;  /* 0: the bridge's */
    bool trusted;
    /* The guest may send `rate_bytes` in each `rate_us`; 0: as much as it likes. */
    long long rate_bytes;
    int rate_us;
};

enum hl_channel_connection {
    HL_CHANNEL_PTY,
    HL_CHANNEL_SOCKET, /* a Unix socket that hospesd listens on */
};

struct hl_channel {
    char *name; /* by which programs in the guest find it */
    char *path; /* of the socket */
    char *backend_domain;
    int connection; /* enum hl_channel_connection */
};

struct hl_p9 {
    char *tag;            /* by which the guest mounts it */
    char *path;           /* the folder */
    char *security_model; /* "none": files belong to the numbers that the guest says */
    char *backend_domain;
};

/* A screen, shown by VNC. */
struct hl_vfb {
    char *listen; /* an address; NULL: 127.0.0.1 */
    char *passwd; /* NULL or "": none is asked for */
    char *keymap, *backend_domain;
    int display; /* port 5900 + display */
    bool vnc;
    bool unused; /* the first free display from there on */
};

/* Keyboard and pointer; they belong to the screen of the same number. */
struct hl_vkb {
    char *unique_id, *backend_domain;
    bool no_keyboard, no_pointer, absolute;
    int width, height; /* of the pointer's field; 0: not said */
};

struct hl_device {
    enum hl_device_kind kind;
    uint32_t devid; /* HL_NO_DEVID: the lowest free one */
    union {
        struct hl_disk disk;
        struct hl_nic nic;
        struct hl_channel channel;
        struct hl_p9 p9;
        struct hl_vfb vfb;
        struct hl_vkb vkb;
    };
};

struct hl_device_list {
    struct hl_device *items;
    size_t count;
};

/* ---- configurations ---------------------------------------------------------------------- */

/* "disk", "vif", "channel", "p9": the key of a .cfg file. NULL past the last kind. */
const char *hl_device_key(enum hl_device_kind kind);

/*
 * Reads one string of the key's list into an uninitialised `d`; undone by hl_device_free().
 * -EINVAL (or -ENOMEM), with what is wrong in `why`; then there is nothing to undo.
 */
int hl_device_parse(enum hl_device_kind kind, const char *spec, struct hl_device *d, char *why,
                    size_t size);
/*
 * The same of a text that comes in parts, as a command's arguments: as if joined by commas, but a disk's target= takes the
 * rest of its own part alone.
 */
int hl_device_parse_parts(enum hl_device_kind kind, const char *const *parts, size_t count,
                          struct hl_device *d, char *why, size_t size);
void hl_device_free(struct hl_device *d);
int hl_device_copy(struct hl_device *to, const struct hl_device *from);

/* Takes what `d` owns, whatever the outcome. -ENOMEM or 0. */
int hl_device_list_add(struct hl_device_list *list, struct hl_device *d);
void hl_device_list_free(struct hl_device_list *list);
int hl_device_list_copy(struct hl_device_list *to, const struct hl_device_list *from);

/* Takes one device out of the list. */
void hl_device_list_remove(struct hl_device_list *list, enum hl_device_kind kind, uint32_t devid);

/*
 * Numbers for the devices that have none, defaults, and what concerns several devices (a vdev that
 * is given twice). `name`: the domain's, from which MAC addresses are made.
 */
int hl_device_list_finish(struct hl_device_list *list, const char *name, struct hl_error *e);

struct yajl_gen_t;
struct yajl_val_s;
/* As libxl's JSON: "disks": [...], "nics": [...], within an open map. */
void hl_device_list_gen(const struct hl_device_list *list, struct yajl_gen_t *g);
/* 0, -ENOMEM, or -EINVAL with *bad naming the member. */
int hl_device_list_read(struct hl_device_list *list, struct yajl_val_s *root, const char **bad);

/* "xvda", "hdc", "sda1", "d0p1" or a number to the number of xen-vbd-interface(7); -EINVAL. */
int hl_vdev_number(const char *vdev, uint32_t *number);
/* The way back, for listings: "xvda1"; at most 32 bytes. */
void hl_vdev_name(uint32_t number, char out[32]);

/* ---- devices of domains -------------------------------------------------------------------- */

/* The states that the two ends of a device write, by name: "Connected". */
const char *hl_device_state_name(int state);

/*
 * Gives a domain all devices of a list, each back end ready, or none. The domain may be running. A
 * device that the domain has already: -EEXIST.
 */
int hl_devices_add(struct hl_ctx *ctx, uint32_t domid, const struct hl_device_list *list,
                   struct hl_error *e);

/*
 * The same for one more device of a domain that lives; gives it a number and defaults, and enters it
 * in the domain's record (record.h). hl_device_remove() takes it out there. One of a number that the guest had before is
 * waited for: -ETIMEDOUT, and it is gone again, where the guest does not take it up.
 */
int hl_device_attach(struct hl_ctx *ctx, uint32_t domid, struct hl_device *d, struct hl_error *e);

/*
 * Asks the guest to let go and waits for it; -EBUSY where it does not (it may still do so later).
 * `force`: then the device is taken away all the same.
 */
int hl_device_remove(struct hl_ctx *ctx, uint32_t domid, enum hl_device_kind kind, uint32_t devid,
                     bool force, struct hl_error *e);

/*
 * Releases what the host holds for the devices of a domain that is dead: loop devices, bridge
 * ports, what scripts did. Whatever is not there is fine, so it may be called again after it was
 * interrupted. Called with LOCK_DOMAIN of the domain (lock.h).
 */
void hl_devices_release(struct hl_ctx *ctx, uint32_t domid);

/* A medium for a CD-ROM drive; `target` NULL ejects. */
int hl_cdrom_change(struct hl_ctx *ctx, uint32_t domid, const char *vdev, const char *target,
                    struct hl_error *e);

struct hl_device_info {
    uint32_t devid, backend_domid;
    int state;             /* the front end's */
    int event_channel;     /* -1: none */
    long long ring_ref[2]; /* vif: tx and rx; others: the first. -1: none */
    bool cdrom;
    char *backend;  /* path */
    char *frontend; /* path */
    char *mac;      /* vif, else NULL */
    char *target;   /* vbd: params, "" for an empty drive; channels: the pty or socket; else NULL */
    char *name;     /* channels; vkb: its unique id, if it has one; else NULL */
    char *connection; /* channels: "pty", "socket", else NULL */
};
/* Sorted by number. malloc'd; undone by hl_device_info_free(). */
int hl_device_infos(struct hl_ctx *ctx, uint32_t domid, enum hl_device_kind kind,
                    struct hl_device_info **list, size_t *count, struct hl_error *e);
void hl_device_info_free(struct hl_device_info *list, size_t count);

#endif
