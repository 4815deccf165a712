/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The texts of disks, network interfaces, channels and screens in all forms that xl takes, each kind of mistake, the
 * numbers of virtual devices, defaults, JSON, and what a running script says.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dom0-toolstack/lib/cfg.h"
#include "dom0-toolstack/lib/cfg_domain.h"
#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/device.h"
#include "dom0-toolstack/lib/domain.h"
#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/files.h"
#include "dom0-toolstack/lib/host_memory.h"
#include "dom0-toolstack/lib/script.h"
#include "dom0-toolstack/lib/xl_conf.h"
#include "tests/unit/toolstack_test.h"

static char why[512];

/* One line of everything that a disk's text set; "!WHY" where it was refused. */
static const char *disk_of_parts(const char *const *parts, size_t count)
{
    static const char *const formats[] = {"raw", "qcow", "qcow2", "vhd", "qed", "empty"};
    static const char *const backends[] = {"", " phy", " qdisk", " standalone"};
    static char text[1024];
    struct hl_device d;

    if (hl_device_parse_parts(HL_DEVICE_VBD, parts, count, &d, why, sizeof(why)) < 0) {
        snprintf(text, sizeof(text), "!%s", why);
        return text;
    }
    snprintf(text, sizeof(text), "%s|%s|%s|%s%s%s%s%s%s%s%s%s%s%s",
             d.disk.target ? d.disk.target : "-", formats[d.disk.format], d.disk.vdev,
             d.disk.readwrite ? "w" : "r", d.disk.shared ? "!" : "", d.disk.cdrom ? " cdrom" : "",
             backends[d.disk.backend], d.disk.script ? " script=" : "",
             d.disk.script ? d.disk.script : "", d.disk.discard ? "" : " no-discard",
             d.disk.trusted ? "" : " untrusted", d.disk.direct_io_safe ? " direct-io-safe" : "",
             d.disk.backend_domain ? " backend=" : "",
             d.disk.backend_domain ? d.disk.backend_domain : "");
    hl_device_free(&d);
    return text;
}

static const char *disk(const char *spec)
{
    return disk_of_parts(&spec, 1);
}

static void disks_by_place(void)
{
    CHECK_STR(disk("/dev/vg/guest,raw,xvda,rw"), "/dev/vg/guest|raw|xvda|w");
    CHECK_STR(disk("/dev/vg/guest,,hda,"), "/dev/vg/guest|raw|hda|w");
    CHECK_STR(disk("/dev/vg/guest,raw,hda"), "/dev/vg/guest|raw|hda|w");
    CHECK_STR(disk("/root/img.qcow2,qcow2,xvdb"), "/root/img.qcow2|qcow2|xvdb|w");
    CHECK_STR(disk("/x,  raw,   xvda,  r"), "/x|raw|xvda|r");
    CHECK_STR(disk("/x,raw,xvda,w!"), "/x|raw|xvda|w!");
    CHECK_STR(disk("/x,vhd,xvda,!"), "/x|vhd|xvda|w!");
    CHECK_STR(disk("/iso,raw,hdc,ro,cdrom"), "/iso|raw|hdc|r cdrom");
    CHECK_STR(disk("/iso,,hdc,,devtype=cdrom"), "/iso|raw|hdc|r cdrom");
    CHECK_STR(disk(",,hdc,,cdrom"), "-|empty|hdc|r cdrom");
    /* The rest as libxlutil has it, too. */
    CHECK_STR(disk("/x,raw,xvda,rw,"), "/x|raw|xvda|w");
    CHECK_STR(disk("/iso,raw,hdc,w,cdrom"), "/iso|raw|hdc|r cdrom");
    CHECK_STR(disk(",qcow2,hdc,,cdrom"), "-|empty|hdc|r cdrom");
    CHECK_STR(disk("vdev=xvda,/x,raw,ro"), "/x|raw|xvda|r");
    CHECK_STR(disk("vdev=xvda,/x,,ro"), "/x|raw|xvda|r");
    CHECK_STR(disk("format=qcow2,/x,xvda,ro"), "/x|qcow2|xvda|r");
    CHECK_STR(disk("access=ro,vdev=xvda,/x"), "/x|raw|xvda|r");
}

static void disks_by_name(void)
{
    CHECK_STR(disk("format=raw, vdev=hda, access=rw, target=/dev/vg/guest"),
              "/dev/vg/guest|raw|hda|w");
    CHECK_STR(disk("vdev=xvda,target=/a,b=c,d "), "/a,b=c,d |raw|xvda|w");
    CHECK_STR(disk("raw:/dev/vg/guest,hda,w"), "/dev/vg/guest|raw|hda|w");
    CHECK_STR(disk("format=raw, vdev=hdc, access=ro, devtype=cdrom, target=/root/image.iso"),
              "/root/image.iso|raw|hdc|r cdrom");
    CHECK_STR(disk("vdev=hdc,access=r,devtype=cdrom,target="), "-|empty|hdc|r cdrom");
    CHECK_STR(disk("/x,vdev=xvda,backendtype=phy,no-discard,untrusted,direct-io-safe"),
              "/x|raw|xvda|w phy no-discard untrusted direct-io-safe");
    CHECK_STR(disk("/x,raw,xvda,rw,backend=storage"), "/x|raw|xvda|w backend=storage");
    CHECK_STR(disk("vdev=xvda,script=block-iscsi,target=iqn.2000:x"),
              "iqn.2000:x|raw|xvda|w script=block-iscsi");
    CHECK_STR(disk("VDEV=xvda,FORMAT=RAW,ACCESS=RO,TARGET=/x"), "/x|raw|xvda|r");
    CHECK_STR(disk("format=,vdev=xvda,access=,target=/x"), "/x|raw|xvda|w");
    CHECK_STR(disk("/x,discard,specification=xen,vdev=xvda,trusted"), "/x|raw|xvda|w");
}

static void disks_of_old(void)
{
    CHECK_STR(disk("phy:/dev/sdb1,xvda1,w"), "/dev/sdb1|raw|xvda1|w");
    CHECK_STR(disk("file:/root/x.img,sda,r"), "/root/x.img|raw|sda|r");
    CHECK_STR(disk("tap:aio:/x,hda,w"), "/x|raw|hda|w");
    CHECK_STR(disk("tap2:tapdisk:aio:/x,hda,w"), "/x|raw|hda|w");
    CHECK_STR(disk("tap:qcow2:/x,hda,w"), "/x|qcow2|hda|w");
    CHECK_STR(disk("nbd://host/name,raw,xvda,w"), "nbd://host/name|raw|xvda|w");
    CHECK_STR(disk("vdev=xvda,target=nbd+unix:///x?socket=/s"),
              "nbd+unix:///x?socket=/s|raw|xvda|w");
    CHECK_STR(disk("vhd:/x,xvda,w"), "/x|vhd|xvda|w");
    CHECK_STR(disk("file:/iso,hdc:cdrom,r"), "/iso|raw|hdc|r cdrom");
    CHECK_STR(disk("file:/iso,ioemu:hdc:cdrom,r"), "/iso|raw|hdc|r cdrom");
    CHECK_STR(disk(",hdc:cdrom,r"), "-|empty|hdc|r cdrom");
    CHECK_STR(disk("phy:,hdc:cdrom,r"), "-|empty|hdc|r cdrom");
    CHECK_STR(disk("drbd:res0,xvda,w"), "res0|raw|xvda|w script=block-drbd");
    CHECK_STR(disk("nbd:host:phy:1,xvda,w"), "host:phy:1|raw|xvda|w script=block-nbd");
    CHECK_STR(disk("phy:vg/root,0xca01,w"), "vg/root|raw|0xca01|w");
}

#define PARTS(...) \
    (const char *const[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)

static void disks_in_parts(void)
{
    struct hl_device d;

    CHECK_STR(disk_of_parts(PARTS("target=/x", "vdev=xvda")), "/x|raw|xvda|w");
    CHECK_STR(disk_of_parts(PARTS("target=/x,y z", "vdev=xvda,access=ro")), "/x,y z|raw|xvda|r");
    CHECK_STR(disk_of_parts(PARTS("/x,raw", "xvda,rw")), "/x|raw|xvda|w");
    CHECK_STR(disk_of_parts(PARTS("phy:/x", "xvda", "r")), "/x|raw|xvda|r");
    CHECK_STR(disk_of_parts(PARTS("/x", "", "xvda", "r")), "/x|raw|xvda|r");
    CHECK(hl_device_parse_parts(HL_DEVICE_VIF, PARTS("mac=00:16:3e:00:00:01", "bridge=b"), &d, why,
                                sizeof(why)) == 0);
    CHECK_STR(d.nic.bridge, "b");
    hl_device_free(&d);
    CHECK(hl_device_parse_parts(HL_DEVICE_VIF, NULL, 0, &d, why, sizeof(why)) == 0);
    hl_device_free(&d);
}

#define REFUSED(text, words)                                             \
    do {                                                                 \
        const char *r_ = (text);                                         \
        if (r_[0] != '!' || strstr(r_, words) == NULL) {                 \
            fprintf(stderr, "%s\n", r_);                                 \
            test_fail(__FILE__, __LINE__, "refused with \"" words "\""); \
            return;                                                      \
        }                                                                \
    } while (0)

static void bad_disks(void)
{
    REFUSED(disk(""), "vdev is missing");
    REFUSED(disk("/x,raw"), "vdev is missing");
    REFUSED(disk("/x,rawx,xvda,w"), "format must be");
    REFUSED(disk("/x,raw,xvda,x"), "access must be");
    REFUSED(disk("/x,raw,zda,w"), "vdev must be like");
    REFUSED(disk("/x,raw,xvd,w"), "vdev must be like");
    REFUSED(disk("/x,raw,hde,w"), "vdev must be like");
    REFUSED(disk("/x,raw,xvda256,w"), "vdev must be like");
    REFUSED(disk("/x,raw,xvda,w,more"), "one parameter too many");
    REFUSED(disk(",raw,xvda,w"), "target is missing");
    REFUSED(disk("/x,raw,xvda,w,,"), "one parameter too many");
    REFUSED(disk("vdev=xvda,/x,,,rw"), "one parameter too many");
    REFUSED(disk("/x,raw,xvda,w,vdev=xvdb"), "vdev is given twice");
    REFUSED(disk("/x,raw,xvda,w,format=raw"), "format is given twice");
    REFUSED(disk("/x,raw,xvda,target=/y"), "target is given twice");
    REFUSED(disk("/x,raw,xvda,discard,no-discard"), "discard is given twice");
    REFUSED(disk("/x,raw,xvda,colour=red"), "'colour' is not known");
    REFUSED(disk("/x,raw,xvda,colo-host=h"), "COLO");
    REFUSED(disk("/x,raw,xvda,devtype=tape"), "devtype must be");
    REFUSED(disk("/x,raw,xvda,backendtype=tap"), "backendtype must be");
    REFUSED(disk("/x,raw,xvda,specification=virtio"), "specification=virtio");
    REFUSED(disk("file:/iso,hdc:tape,r"), "devtype must be");
}

static void vdevs(void)
{
    static const struct {
        const char *name;
        uint32_t number;
        const char *shown; /* NULL: as the name */
    } t[] = {
        {"xvda", 51712, NULL},
        {"xvda1", 51713, NULL},
        {"xvda15", 51727, NULL},
        {"xvdb", 51728, NULL},
        {"xvdp", 51952, NULL},
        {"xvdq", 1u << 28 | 16 << 8, NULL},
        {"xvda16", 1u << 28 | 16, NULL},
        {"xvdaa", 1u << 28 | 26 << 8, NULL},
        {"xvdab12", 1u << 28 | 27 << 8 | 12, NULL},
        {"hda", 768, NULL},
        {"hdb", 832, NULL},
        {"hdc", 5632, NULL},
        {"hdd1", 5697, NULL},
        {"sda", 2048, NULL},
        {"sda1", 2049, NULL},
        {"sdp15", 2303, NULL},
        {"d0", 51712, "xvda"},
        {"d0p1", 51713, "xvda1"},
        {"d16p300", 0, ""},
        {"51712", 51712, "xvda"},
        {"0xca10", 51728, "xvdb"},
        {"xvda0", 0, ""},
        {"xvda01", 0, ""},
        {"xvdA", 0, ""},
        {"sdq", 0, ""},
        {"sda16", 0, ""},
        {"hda64", 0, ""},
        {"", 0, ""},
        {"d", 0, ""},
        {"xvdzzzzzz", 0, ""},
        {"99999999999", 0, ""},
        {"xvda1x", 0, ""},
        {"d1p", 0, ""},
    };

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        char name[32];
        uint32_t n = 1;
        int rc = hl_vdev_number(t[i].name, &n);

        if (rc != (t[i].number ? 0 : -EINVAL) || (rc == 0 && n != t[i].number))
            fprintf(stderr, "%s: %d, %u\n", t[i].name, rc, n);
        CHECK(rc == (t[i].number ? 0 : -EINVAL));
        if (rc < 0)
            continue;
        CHECK(n == t[i].number);
        hl_vdev_name(n, name);
        CHECK_STR(name, t[i].shown ? t[i].shown : t[i].name);
    }
}

/* ---- network ------------------------------------------------------------------------------ */

static const char *nic(const char *spec)
{
    static char text[1024];
    struct hl_device d;

    if (hl_device_parse(HL_DEVICE_VIF, spec, &d, why, sizeof(why)) < 0) {
        snprintf(text, sizeof(text), "!%s", why);
        return text;
    }
#define SHOWN(member) d.nic.member ? " " #member "=" : "", d.nic.member ? d.nic.member : ""
    snprintf(text, sizeof(text), "mode=%d%s%s%s%s%s%s%s%s%s%s%s%s%s%s mtu=%d rate=%lld,%d%s%s",
             d.nic.mode, SHOWN(mac), SHOWN(bridge), SHOWN(ip), SHOWN(script), SHOWN(vifname),
             SHOWN(gatewaydev), SHOWN(model), d.nic.mtu, d.nic.rate_bytes, d.nic.rate_us,
             d.nic.trusted ? "" : " untrusted", d.nic.tap ? " tap" : "");
    hl_device_free(&d);
    return text;
}

static void nics(void)
{
    CHECK_STR(nic(""), "mode=0 mtu=0 rate=0,0");
    CHECK_STR(nic("mac=00:16:3E:74:3d:76,model=rtl8139,bridge=xenbr0"),
              "mode=0 mac=00:16:3e:74:3d:76 bridge=xenbr0 model=rtl8139 mtu=0 rate=0,0");
    CHECK_STR(nic(" ip = 10.0.0.2 , script=vif-route, vifname=web, mtu=9000, gatewaydev=eth0"),
              "mode=0 ip=10.0.0.2 script=vif-route vifname=web gatewaydev=eth0 mtu=9000 rate=0,0");
    CHECK_STR(nic("mode=nat,untrusted"), "mode=1 mtu=0 rate=0,0 untrusted");
    CHECK_STR(nic("mode=user,backendtype=kernel"), "mode=4 mtu=0 rate=0,0");
    CHECK_STR(nic("mode=route,ip=10.0.0.2,backendtype=tap"),
              "mode=2 ip=10.0.0.2 mtu=0 rate=0,0 tap");
    CHECK_STR(nic("type=ioemu,accel=0,netdev=eth1,bridge="),
              "mode=0 gatewaydev=eth1 mtu=0 rate=0,0");
    CHECK_STR(nic("rate=10Mb/s"), "mode=0 mtu=0 rate=62500,50000");
    CHECK_STR(nic("rate=250KB/s"), "mode=0 mtu=0 rate=12500,50000");
    CHECK_STR(nic("rate=1MB/s@20ms"), "mode=0 mtu=0 rate=20000,20000");
    CHECK_STR(nic("rate=1GB/s@1s"), "mode=0 mtu=0 rate=1000000000,1000000");
    CHECK_STR(nic("rate=8b/s@1s"), "mode=0 mtu=0 rate=1,1000000");
}

/* ---- shared folders ----------------------------------------------------------------------- */

static const char *p9(const char *spec)
{
    static char text[1024];
    struct hl_device d;

    if (hl_device_parse(HL_DEVICE_P9, spec, &d, why, sizeof(why)) < 0) {
        snprintf(text, sizeof(text), "!%s", why);
        return text;
    }
    snprintf(text, sizeof(text), "%s|%s|%s|%s", d.p9.tag, d.p9.path, d.p9.security_model,
             d.p9.backend_domain ? d.p9.backend_domain : "-");
    hl_device_free(&d);
    return text;
}

static void shared_folders(void)
{
    CHECK_STR(p9("tag=share,path=/srv/a b,security_model=none"), "share|/srv/a b|none|-");
    CHECK_STR(p9(" security_model = none , backend=0,tag = x , path=/"), "x|/|none|0");
    CHECK_STR(p9(""), "!tag= is missing");
    CHECK_STR(p9("tag=,path=/,security_model=none"), "!tag= is missing");
    CHECK_STR(p9("tag=x,security_model=none"), "!path= is missing");
    CHECK_STR(p9("tag=x,path=/"), "!security_model= is missing: none");
    CHECK_STR(p9("tag=x,path=srv,security_model=none"),
              "!path must begin with a slash, found 'srv'");
    CHECK_STR(p9("tag=x,path=/,security_model=mapped"),
              "!security_model must be none, found 'mapped'");
    CHECK_STR(p9("tag=x,path=/,readonly=1"), "!the parameter 'readonly' is not known");
}

/* ---- channels ----------------------------------------------------------------------------- */

static const char *channel(const char *spec)
{
    static char text[1024];
    struct hl_device d;

    if (hl_device_parse(HL_DEVICE_CONSOLE, spec, &d, why, sizeof(why)) < 0) {
        snprintf(text, sizeof(text), "!%s", why);
        return text;
    }
    snprintf(text, sizeof(text), "%s|%d|%s|%s", d.channel.name, d.channel.connection,
             d.channel.path ? d.channel.path : "-",
             d.channel.backend_domain ? d.channel.backend_domain : "-");
    hl_device_free(&d);
    return text;
}

static void channels(void)
{
    char path[300] = "name=x,connection=socket,path=/";

    CHECK_STR(channel("name=org.example.agent,connection=pty"), "org.example.agent|0|-|-");
    CHECK_STR(channel(" connection = Socket , path = /run/a b.sock, name = x , backend=0"),
              "x|1|/run/a b.sock|0");
    CHECK_STR(channel("NAME=a,name=b,,connection=pty,"), "b|0|-|-");
    CHECK_STR(channel(""), "!name= is missing");
    CHECK_STR(channel("name=,connection=pty"), "!name= is missing");
    CHECK_STR(channel("name=x"), "!connection= is missing: pty or socket");
    CHECK_STR(channel("name=x,connection=tcp"), "!connection must be pty or socket, found 'tcp'");
    CHECK_STR(channel("name=x,connection=socket"), "!connection=socket needs path=");
    CHECK_STR(channel("name=x,connection=pty,path=/x"), "!path= is for connection=socket");
    CHECK_STR(channel("name=x,connection=socket,path=x"),
              "!path must begin with a slash, found 'x'");
    CHECK_STR(channel("name=x,pty"), "!expected key=value, found 'pty'");
    CHECK_STR(channel("name=x,speed=9600"), "!the parameter 'speed' is not known");
    memset(path + strlen(path), 'p', 106);
    CHECK(channel(path)[0] == 'x');
    memset(path + strlen(path), 'p', 1);
    CHECK_STR(channel(path), "!path is longer than a socket's may be (107)");
}

/* ---- screens and keyboards ---------------------------------------------------------------- */

static const char *screen(const char *spec)
{
    static char text[1024];
    struct hl_device d;

    if (hl_device_parse(HL_DEVICE_VFB, spec, &d, why, sizeof(why)) < 0) {
        snprintf(text, sizeof(text), "!%s", why);
        return text;
    }
    snprintf(text, sizeof(text), "%d|%s|%d|%d|%s", d.vfb.vnc, d.vfb.listen ? d.vfb.listen : "-",
             d.vfb.display, d.vfb.unused, d.vfb.passwd ? d.vfb.passwd : "-");
    hl_device_free(&d);
    return text;
}

static void screens(void)
{
    CHECK_STR(screen(""), "1|-|0|1|-");
    CHECK_STR(screen("vnc=1,vnclisten=0.0.0.0,vncdisplay=3,vncunused=0,vncpasswd=a b"),
              "1|0.0.0.0|3|0|a b");
    CHECK_STR(screen("vnclisten=127.0.0.1:7"), "1|127.0.0.1|7|1|-");
    CHECK_STR(screen("vnclisten=::1"), "1|::1|0|1|-");
    CHECK_STR(screen("vnclisten=[::1]:9"), "1|::1|9|1|-");
    CHECK_STR(screen("vnclisten=[fe80::1%eth0]"), "1|fe80::1%eth0|0|1|-");
    CHECK_STR(screen("vnc=0,sdl=0,opengl=no,keymap=en-us,display=:0,vncpasswd="), "0|-|0|1|");
    CHECK_STR(screen("type=vnc,vncunused=1"), "1|-|0|1|-");
    CHECK_STR(screen("type=sdl"), "!type sdl is not supported; use vnc=1");
    CHECK_STR(screen("sdl=1"), "!sdl and opengl are not supported; use vnc=1");
    CHECK_STR(screen("keymap=de"), "!keymap de is not supported: only en-us is");
    CHECK_STR(screen("vncdisplay=59636"),
              "!vncdisplay must be a number from 0 to 59635, found '59636'");
    CHECK_STR(screen("vncdisplay=-1"), "!vncdisplay must be a number from 0 to 59635, found '-1'");
    CHECK_STR(screen("vnclisten=1.2.3.4:x"),
              "!vncdisplay must be a number from 0 to 59635, found 'x'");
    CHECK_STR(screen("vnclisten=/run/x"), "!vnclisten must be an address, found '/run/x'");
    CHECK_STR(screen("vnclisten=:1"), "1||1|1|-");
    CHECK_STR(screen("vnc=maybe"), "!vnc must be 0 or 1, found 'maybe'");
}

static void keyboards(void)
{
    struct hl_device d;

    CHECK(hl_device_parse(HL_DEVICE_VKB, "", &d, why, sizeof(why)) == 0 && d.vkb.absolute);
    hl_device_free(&d);
    CHECK(hl_device_parse(HL_DEVICE_VKB,
                          "feature-disable-keyboard=1,feature-abs-pointer=0,width=1024,"
                          "height=768,unique-id=k,backend-type=qemu",
                          &d, why, sizeof(why)) == 0);
    CHECK(d.vkb.no_keyboard && !d.vkb.no_pointer && !d.vkb.absolute && d.vkb.width == 1024 &&
          d.vkb.height == 768);
    CHECK_STR(d.vkb.unique_id, "k");
    hl_device_free(&d);
    CHECK(hl_device_parse(HL_DEVICE_VKB, "width=0", &d, why, sizeof(why)) < 0);
    CHECK(hl_device_parse(HL_DEVICE_VKB, "backend-type=linux", &d, why, sizeof(why)) < 0);
    CHECK(hl_device_parse(HL_DEVICE_VKB, "multi-touch-width=3", &d, why, sizeof(why)) < 0);
}

static void bad_nics(void)
{
    REFUSED(nic("mac=00:16:3e:74:3d"), "mac must be");
    REFUSED(nic("mac=00:16:3e:74:3d:7g"), "mac must be");
    REFUSED(nic("mac=01:16:3e:74:3d:76"), "multicast");
    REFUSED(nic("bridge=averylongbridgename"), "longer than");
    REFUSED(nic("vifname=a b"), "no interface's name");
    REFUSED(nic("mtu=10"), "mtu must be");
    REFUSED(nic("mode=script"), "mode must be");
    REFUSED(nic("backendtype=qemu"), "backendtype must be");
    REFUSED(nic("mtu=99999"), "mtu must be");
    REFUSED(nic("mtu=1500x"), "mtu must be");
    REFUSED(nic("devid=-1"), "devid must be");
    REFUSED(nic("ip=somewhere"), "ip must be");
    REFUSED(nic("type=wifi"), "type must be");
    REFUSED(nic("mode=magic"), "mode must be");
    REFUSED(nic("colour=red"), "'colour' is not known");
    REFUSED(nic("fast"), "expected key=value");
    REFUSED(nic("rate=10"), "rate must be");
    REFUSED(nic("rate=Mb/s"), "rate must be");
    REFUSED(nic("rate=10Mx/s"), "rate must be");
    REFUSED(nic("rate=10Mb/s@"), "rate must be");
    REFUSED(nic("rate=10Mb/s@20"), "rate must be");
    REFUSED(nic("rate=0b/s"), "too small");
    REFUSED(nic("rate=99999999999999999999Gb/s"), "rate must be");
    REFUSED(nic("rate=1000GB/s@100s"), "too big");
}

/* ---- configurations ----------------------------------------------------------------------- */

/* Reads and completes a configuration; the messages go to `why`. */
static int config(struct hl_domain_config *c, const char *devices)
{
    struct cfg *cfg = cfg_new();
    struct cfg_error err = {0};
    struct hl_error *e = hl_error_new();
    char text[1024], *said;
    int rc;

    snprintf(text, sizeof(text), "name='web'\nkernel='/k'\nmemory=64\n%s", devices);
    hl_domain_config_init(c);
    rc = cfg_parse(cfg, "t.cfg", text, strlen(text), &err);
    if (rc == 0)
        rc = cfg_to_domain(cfg, "t.cfg", c, NULL, NULL, &err);
    if (rc < 0) {
        snprintf(why, sizeof(why), "%u:%u: %s", err.place.line, err.place.column, err.text);
    } else {
        rc = hl_domain_config_finish(c, e);
        said = hl_error_sentence(e);
        snprintf(why, sizeof(why), "%s", said ? said : "");
        free(said);
    }
    cfg_free(cfg);
    hl_error_free(e);
    return rc;
}

#define WRONG(devices, words)                                  \
    do {                                                       \
        struct hl_domain_config c_;                            \
        int rc_ = config(&c_, devices);                        \
        hl_domain_config_free(&c_);                            \
        if (rc_ == 0 || strstr(why, words) == NULL) {          \
            fprintf(stderr, "%d %s\n", rc_, why);              \
            test_fail(__FILE__, __LINE__, "no \"" words "\""); \
            return;                                            \
        }                                                      \
    } while (0)

static void places_of_errors(void)
{
    WRONG("disk = [ '/x,raw,xvda,w', '/y,raw,xvdb,q' ]", "4:27: disk: access must be");
    WRONG("vif = [ '',\n 'mac=x' ]", "5:2: vif: mac must be");
    WRONG("vif = [ 3 ]", "4:9: vif must be a list of strings");
    WRONG("disk = '/x,raw,xvda,w'", "disk must be a list");
    WRONG("disk = [ '/x,raw,xvda,w', '/y,raw,d0,w' ]", "two disks have the same number");
    WRONG("vif = [ 'devid=1', 'devid=1' ]", "two interfaces have the same number");
    WRONG("p9 = [ 'tag=a,path=/x,security_model=none', 'tag=a,path=/y,security_model=none' ]",
          "two shared folders have the same tag: a");
    WRONG("channel = [ 'name=a,connection=socket,path=/x', 'name=b,connection=pty', "
          "'name=c,connection=socket,path=/x' ]",
          "two channels have the same path: /x");
    WRONG("vif = [ 'mode=route' ]", "needs the guest's address");
    WRONG("vif = [ 'mode=nat,ip=::1' ]", "no IPv4 address");
    WRONG("vif = [ 'mode=nat,ip=10.0.0.1 10.0.0.2' ]", "gives a guest one address");
    WRONG("vif = [ 'mode=route,ip=10.0.0.1 10.0.0.256' ]", "'10.0.0.256' is no IPv4 address");
    WRONG("vif = [ 'mode=route,ip=10.0.0.1/33' ]", "'10.0.0.1/33' is no IPv4 address");
    WRONG("vif = [ 'mode=route,ip=10.0.0.1/' ]", "'10.0.0.1/' is no IPv4 address");
    WRONG("vif = [ 'mode=route,ip= ' ]", "needs the guest's address");
    WRONG("vif = [ 'mode=nat,script=/bin/true' ]", "exclude each other");
    WRONG("vif = [ 'script=/x\xd9' ]", "the interface's script is not UTF-8");
    WRONG("disk = [ '/x\\x80,raw,xvda,w' ]", "is not UTF-8");
    WRONG("channel = [ 'name=a,connection=pty,backend=other' ]", "by Domain 0 alone");
}

/* Served by another domain: nothing of ours is looked at, and what names the domain stays for reboots. */
/* hospesd makes a domain again from another folder than the one that it was created from. */
static void relative_paths(void)
{
    struct hl_domain_config c;
    char here[512], *was = getcwd(NULL, 0);

    CHECK(was != NULL && chdir("/proc/self") == 0 && getcwd(here, sizeof(here)) != NULL);
    CHECK(config(&c, "kernel='vm'\nramdisk='../rd'\n"
                     "disk=['web.img,,xvda,w', 'phy:null,xvdb,r', '/x,,xvdc', ',,xvdd,cdrom', "
                     "'vdev=xvde,script=b,target=name', 'vdev=xvdf,target=nbd://h/n', "
                     "'a,,xvdg,backend=other', 'a,,xvdh,backend=Domain-0']") == 0);
    CHECK(chdir(was) == 0);
    free(was);
    CHECK(strncmp(c.kernel, here, strlen(here)) == 0);
    CHECK_STR(c.kernel + strlen(here), "/vm");
    CHECK_STR(c.ramdisk + strlen(here), "/../rd");
    CHECK_STR(c.devices.items[0].disk.target + strlen(here), "/web.img");
    CHECK_STR(c.devices.items[1].disk.target, "/dev/null");
    CHECK_STR(c.devices.items[2].disk.target, "/x");
    CHECK(c.devices.items[3].disk.target == NULL);
    CHECK_STR(c.devices.items[4].disk.target, "name");
    CHECK_STR(c.devices.items[5].disk.target, "nbd://h/n");
    CHECK_STR(c.devices.items[6].disk.target, "a");
    CHECK_STR(c.devices.items[7].disk.target + strlen(here), "/a");
    hl_domain_config_free(&c);
    CHECK(config(&c, "kernel='vm'\nbootloader='pygrub'\ndisk=['/x,,xvda']") == 0);
    CHECK_STR(c.kernel, "vm");
    hl_domain_config_free(&c);
}

static void served_elsewhere(void)
{
    struct hl_domain_config c, back;
    char *text, *again;

    setenv("HOSPES_XL_CONF", "/nothere/xl.conf", 1);
    CHECK(config(&c, "driver_domain = 1\ndisk = [ '/x,raw,xvda,w,backend=st' ]\n"
                     "vif = [ 'backend=net', 'backend=3,script=vif-nat', "
                     "'backend=Domain-0,script=vif-nat' ]\n"
                     "p9 = [ 'tag=t,path=/p,security_model=none,backend=st' ]") == 0);
    CHECK(c.driver_domain);
    CHECK_STR(c.devices.items[0].disk.backend_domain, "st");
    CHECK_STR(c.devices.items[1].nic.backend_domain, "net");
    CHECK(c.devices.items[1].nic.mode == HL_NIC_BRIDGE);
    CHECK(c.devices.items[2].nic.mode == HL_NIC_SCRIPT);
    CHECK(c.devices.items[3].nic.mode == HL_NIC_NAT);
    text = hl_domain_config_to_json(&c, false);
    CHECK(strstr(text, "\"driver_domain\":\"True\"") != NULL);
    CHECK(strstr(text, "{\"backend_domname\":\"st\",\"pdev_path\":\"/x\"") != NULL);
    CHECK(hl_domain_config_from_json(&back, text, strlen(text), NULL) == 0 && back.driver_domain);
    again = hl_domain_config_to_json(&back, false);
    CHECK_STR(again, text);
    free(text);
    free(again);
    hl_domain_config_free(&back);
    hl_domain_config_free(&c);
    CHECK(config(&c, "driver_domain = 0") == 0 && !c.driver_domain);
    hl_domain_config_free(&c);
    WRONG("driver_domain = 'x'", "driver_domain");
}

static void defaults(void)
{
    struct hl_domain_config c, d;

    setenv("HOSPES_XL_CONF", "/nothere/xl.conf", 1);
    /* Numbers that were asked for come first. */
    CHECK(config(&c, "vif = [ '', 'devid=0' ]") == 0 && c.devices.items[0].devid == 1);
    hl_domain_config_free(&c);
    CHECK(config(&c, "vif = [ '', 'mode=nat', 'script=/nothere/vif-nat', 'devid=5',\n"
                     " 'script=/bin/true' ]") == 0);
    CHECK(c.devices.count == 5);
    CHECK_STR(c.devices.items[0].nic.bridge, "xenbr0");
    CHECK_STR(c.devices.items[1].nic.bridge, "hlnat0");
    CHECK(c.devices.items[2].nic.mode == HL_NIC_NAT && c.devices.items[2].nic.script == NULL);
    CHECK(c.devices.items[4].nic.mode == HL_NIC_SCRIPT);
    CHECK(c.devices.items[0].devid == 0 && c.devices.items[1].devid == 1);
    CHECK(c.devices.items[2].devid == 2 && c.devices.items[3].devid == 5);
    CHECK(c.devices.items[4].devid == 3);
    CHECK(config(&d, "disk = [ 'vdev=xvda,script=block,target=/dev/null', "
                     "'vdev=xvdb,script=/etc/xen/scripts/block,target=relative', "
                     "'vdev=xvdc,script=/bin/block,target=x' ]") == 0);
    CHECK(d.devices.items[0].disk.script == NULL && d.devices.items[1].disk.script == NULL);
    CHECK(d.devices.items[1].disk.target[0] == '/');
    CHECK_STR(d.devices.items[2].disk.script, "/bin/block");
    hl_domain_config_free(&d);
    CHECK(strncmp(c.devices.items[0].nic.mac, "00:16:3e:", 9) == 0);
    CHECK(strcmp(c.devices.items[0].nic.mac, c.devices.items[1].nic.mac) != 0);
    /* The same guest gets the same addresses. */
    CHECK(config(&d, "vif = [ '' ]") == 0);
    CHECK_STR(d.devices.items[0].nic.mac, c.devices.items[0].nic.mac);
    hl_domain_config_free(&c);
    hl_domain_config_free(&d);
}

static void defaults_of_the_host(void)
{
    static const char conf[] = "# the host's\nautoballoon=\"off\"\nvif.default.bridge=\"br1\"\n"
                               "vif.default.gatewaydev='eth3'\nvif.nat.bridge=\"priv\"\n";
    char path[] = "/tmp/xl.conf.XXXXXX";
    struct hl_domain_config c;
    int fd = mkstemp(path);

    CHECK(fd >= 0 && write(fd, conf, strlen(conf)) == (ssize_t)strlen(conf));
    setenv("HOSPES_XL_CONF", path, 1);
    CHECK(config(&c, "vif = [ '', 'bridge=mine', 'mode=nat' ]") == 0);
    CHECK_STR(c.devices.items[0].nic.bridge, "br1");
    CHECK_STR(c.devices.items[0].nic.gatewaydev, "eth3");
    CHECK_STR(c.devices.items[1].nic.bridge, "mine");
    CHECK_STR(c.devices.items[2].nic.bridge, "priv");
    hl_domain_config_free(&c);
    CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, "vif.default.bridge=\n", 20, 0) == 20);
    WRONG("vif = [ '' ]", "xl.conf");
    close(fd);
    unlink(path);
    unsetenv("HOSPES_XL_CONF");
}

static void screens_of_domains(void)
{
    struct hl_domain_config c;

    /* Each screen has its keyboard, of the same number. */
    CHECK(config(&c, "vfb = [ 'vncdisplay=1', '' ]") == 0 && c.devices.count == 4);
    for (size_t i = 0; i < 4; i++) {
        CHECK(c.devices.items[i].kind == (i < 2 ? HL_DEVICE_VFB : HL_DEVICE_VKB));
        CHECK(c.devices.items[i].devid == i % 2);
    }
    hl_domain_config_free(&c);
    CHECK(config(&c, "vnc = 1\nvnclisten = '0.0.0.0'\nvncdisplay = 5\nvncpasswd = 'x'") == 0);
    CHECK(c.devices.count == 2 && c.devices.items[0].vfb.display == 5);
    CHECK_STR(c.devices.items[0].vfb.listen, "0.0.0.0");
    CHECK_STR(c.devices.items[0].vfb.passwd, "x");
    hl_domain_config_free(&c);
    CHECK(config(&c, "vnc = 0\nvncdisplay = 5\nkeymap = 'de'") == 0 && c.devices.count == 0);
    hl_domain_config_free(&c);
    WRONG("vnc = 1\nkeymap = 'de'", "keymap de");
    WRONG("vnc = 1\nvncpasswd = 'a,b'", "comma");
    WRONG("vfb = [ 'backend=other' ]", "by Domain 0 alone");
}

static void json(void)
{
    struct hl_domain_config c, back, copy;
    char *text, *again;

    setenv("HOSPES_XL_CONF", "/nothere/xl.conf", 1);
    CHECK(
        config(&c,
               "disk = [ '/x,raw,xvda,w!', '/iso,,hdc,,cdrom,no-discard', ',,hdd,,cdrom' ]\n"
               "vif = [ 'mac=00:16:3e:00:00:01,rate=1MB/s,mtu=9000', 'mode=nat,untrusted' ]\n"
               "channel = [ 'name=a,connection=pty', 'name=b,connection=socket,path=/b' ]\n"
               "vfb = [ 'vncpasswd=p,vncunused=0' ]\nvkb = [ 'width=5,feature-abs-pointer=0' ]") ==
        0);
    text = hl_domain_config_to_json(&c, false);
    CHECK(strstr(text, "\"disks\":[{\"pdev_path\":\"/x\",\"vdev\":\"xvda\",\"format\":\"raw\","
                       "\"readwrite\":1,\"shared\":1}"));
    CHECK(strstr(text, "{\"vdev\":\"hdd\",\"format\":\"empty\",\"removable\":1,\"is_cdrom\":1}"));
    CHECK(strstr(text, "\"nics\":[{\"devid\":0,\"mtu\":9000,\"mac\":\"00:16:3e:00:00:01\","
                       "\"bridge\":\"xenbr0\",\"rate_bytes_per_interval\":50000,"
                       "\"rate_interval_usecs\":50000}"));
    CHECK(strstr(text, "\"channels\":[{\"devid\":0,\"name\":\"a\",\"connection.pty\":{}},"
                       "{\"devid\":1,\"name\":\"b\",\"connection.socket\":{\"path\":\"/b\"}}]"));
    CHECK(strstr(text,
                 "\"vfbs\":[{\"devid\":0,\"vnc\":{\"passwd\":\"p\",\"findunused\":\"False\"}}]"));
    CHECK(strstr(text, "\"vkbs\":[{\"devid\":0},{\"devid\":1,\"feature_abs_pointer\":\"False\","
                       "\"width\":5}]"));
    CHECK(hl_domain_config_from_json(&back, text, strlen(text), NULL) == 0);
    again = hl_domain_config_to_json(&back, false);
    CHECK_STR(again, text);
    CHECK(back.devices.items[0].devid == 51712 && back.devices.items[2].devid == 5696);
    free(again);
    CHECK(hl_domain_config_copy(&copy, &back) == 0);
    hl_domain_config_free(&back);
    again = hl_domain_config_to_json(&copy, false);
    CHECK_STR(again, text);
    hl_device_list_remove(&copy.devices, HL_DEVICE_VBD, 51712);
    CHECK(copy.devices.count == 9 && copy.devices.items[0].devid == 5632);
    hl_domain_config_free(&copy);
    /* Damaged in each place, it is read or refused, and nothing else. */
    for (size_t i = 0; text[i] != '\0'; i++) {
        char was = text[i];

        text[i] = (char)('0' + test_random() % 10);
        if (hl_domain_config_from_json(&back, text, strlen(text), NULL) == 0)
            hl_domain_config_free(&back);
        text[i] = was;
    }
    free(again);
    free(text);
    hl_domain_config_free(&c);
}

/* Random pieces of the grammar in random order: a result or an error, never a step too far. */
static void random_texts(void)
{
    static const char *const pieces[] = {
        ",",
        "=",
        ":",
        "/x",
        "xvda",
        "hdc",
        "cdrom",
        "raw",
        "vdev=",
        "target=",
        "phy:",
        "tap:",
        "file:",
        "access",
        "w!",
        " ",
        "format=",
        "drbd:",
        "mac=",
        "00:16",
        "rate=",
        "10Mb/s",
        "@20ms",
        "mtu=",
        "99999999999999999999",
        "devid=",
        "ip=",
        "script=",
        "1",
        "ioemu:",
        "\t",
        "mode=nat",
        "untrusted",
        "name=",
        "connection=pty",
        "connection=socket",
        "path=",
        "/",
    };
    struct hl_device d;

    for (int i = 0; i < 40000; i++) {
        char text[256] = "";
        unsigned int n = test_random() % 10;

        while (n--)
            strcat(text, pieces[test_random() % (sizeof(pieces) / sizeof(pieces[0]))]);
        for (int k = 0; k < HL_DEVICE_KINDS; k++) {
            char *exact = strdup(text);

            if (hl_device_parse((enum hl_device_kind)k, exact, &d, why, sizeof(why)) == 0)
                hl_device_free(&d);
            else
                CHECK(why[0] != '\0');
            free(exact);
        }
    }
}

/* ---- scripts ------------------------------------------------------------------------------ */

#define SCRIPT_LOG "/tmp/device_test.scripts/xen/hotplug.log"

static int sh(const char *text, unsigned int seconds, char **said)
{
    const char *argv[] = {"/bin/sh", "-c", text, NULL};
    const char *env[] = {"XENBUS_PATH=/a/b", NULL};
    const struct script run = {"run a script", argv, env, seconds, SCRIPT_LOG};
    struct hl_error *e = hl_error_new();
    int rc = script_run(&run, e);

    if (rc != 0)
        script_blames(e, "the object", strstr(text, "blame") != NULL ? "the cable is cut" : "");
    *said = hl_error_sentence(e);
    hl_error_free(e);
    return rc;
}

static void scripts(void)
{
    char *said;

    CHECK(sh("[ \"$XENBUS_PATH\" = /a/b ] && [ -n \"$PATH\" ] && ! read x", 20, &said) == 0);
    free(said);
    CHECK(sh("echo the bridge is not there >&2; exit 3", 20, &said) == -EIO);
    CHECK(strstr(said, "exit status 3: the bridge is not there") != NULL);
    free(said);
    CHECK(sh("yes | head -c 100000 >&2; echo last words >&2; exit 1", 20, &said) == -EIO);
    CHECK(strstr(said, "last words") != NULL && strlen(said) < 2000);
    free(said);
    CHECK(sh("kill -9 $$", 20, &said) == -EIO);
    CHECK(strstr(said, "signal 9") != NULL);
    free(said);
    CHECK(sh("sleep 60 & sleep 60", 1, &said) == -ETIMEDOUT);
    CHECK(strstr(said, "did not end within 1 s") != NULL);
    free(said);
    /* Xen's scripts say in a log why they failed, and in the store what is wrong, or one of both. */
    CHECK(sh("exec 2>>" SCRIPT_LOG "; echo earlier >&2", 20, &said) == 0);
    free(said);
    CHECK(sh("exec 2>>" SCRIPT_LOG "; echo no eth0 >&2; false", 20, &said) == -EIO);
    CHECK(strstr(said, "exit status 1: no eth0") != NULL && strstr(said, "earlier") == NULL);
    free(said);
    CHECK(sh("echo no eth0 >&2; exit 3 # blame", 20, &said) == -EIO);
    CHECK(strstr(said, "(the object): the cable is cut (no eth0)") != NULL);
    free(said);
    CHECK(sh("exit 3 # blame", 20, &said) == -EIO);
    CHECK(strstr(said, "(the object): the cable is cut") != NULL && strstr(said, "status") == NULL);
    free(said);
    CHECK(sh("yes | head -c 100000 >>" SCRIPT_LOG "; echo last words >>" SCRIPT_LOG "; exit 1", 20,
             &said) == -EIO);
    CHECK(strstr(said, "last words") != NULL && strlen(said) < 2000);
    free(said);
    CHECK(unlink(SCRIPT_LOG) == 0 && rmdir("/tmp/device_test.scripts/xen") == 0 &&
          rmdir("/tmp/device_test.scripts") == 0);
    /* What it leaves running does not hold us up. */
    CHECK(sh("sleep 30 & exit 0", 20, &said) == 0);
    free(said);
}

/* Limits: the guest's own, else the host's, else the hypervisor's. */
static void limits_of_the_host(void)
{
    static const char path[] = "/tmp/device_test.xl.conf";
    static const char conf[] = "max_grant_frames=64\nmax_maptrack_frames=\"0\"\n"
                               "max_grant_version = 1\n";
    static const char wrong[] = "max_grant_frames=0\n";
    struct hl_domain_config c;

    setenv("HOSPES_XL_CONF", path, 1);
    CHECK(file_write_atomic(path, conf, strlen(conf), 0600) == 0);
    CHECK(config(&c, "") == 0 && c.max_grant_frames == 64 && c.max_maptrack_frames == 0 &&
          c.max_grant_version == 1);
    hl_domain_config_free(&c);
    CHECK(config(&c, "max_grant_frames = 9\nmax_grant_version = 2") == 0);
    CHECK(c.max_grant_frames == 9 && c.max_grant_version == 2);
    hl_domain_config_free(&c);
    CHECK(file_write_atomic(path, wrong, strlen(wrong), 0600) == 0);
    WRONG("", "max_grant_frames is '0', not a number from 1");
    CHECK(config(&c, "max_grant_frames = 9") == 0); /* then nobody asks */
    hl_domain_config_free(&c);
    unlink(path);
    unsetenv("HOSPES_XL_CONF");
    CHECK(config(&c, "") == 0 && c.max_grant_frames == HL_UNSET_INT);
    hl_domain_config_free(&c);
}

/* What xl.conf and the hypervisor's command line say of Domain 0's memory. */
static int ask_autoballoon(void)
{
    enum xl_autoballoon mode = XL_AUTOBALLOON_AUTO;
    int rc = xl_conf_autoballoon(&mode, NULL);

    return rc != 0 ? rc : (int)mode;
}

static int ask_claim_mode(void)
{
    bool claim = false;
    int rc = xl_conf_claim_mode(&claim, NULL);

    return rc != 0 ? rc : claim;
}

static int ask_random_domid(void)
{
    bool random = false;
    int rc = xl_conf_random_domid(&random, NULL);

    return rc != 0 ? rc : random;
}

/* The answer where xl.conf has this text. */
static int with_xl_conf(const char *text, int (*ask)(void))
{
    static const char path[] = "/tmp/device_test.xl.conf";
    int rc;

    if (file_write_atomic(path, text, strlen(text), 0600) != 0)
        return -EIO;
    setenv("HOSPES_XL_CONF", path, 1);
    rc = ask();
    unlink(path);
    unsetenv("HOSPES_XL_CONF");
    return rc;
}

static int autoballoon(const char *text)
{
    return with_xl_conf(text, ask_autoballoon);
}

static int claim_mode(const char *text)
{
    return with_xl_conf(text, ask_claim_mode);
}

static int random_domid(const char *text)
{
    return with_xl_conf(text, ask_random_domid);
}

static void memory_defaults(void)
{
    CHECK(autoballoon("") == XL_AUTOBALLOON_AUTO);
    CHECK(autoballoon("autoballoon=\"auto\"\n") == XL_AUTOBALLOON_AUTO);
    CHECK(autoballoon("autoballoon=\"on\"\n") == XL_AUTOBALLOON_ON);
    CHECK(autoballoon("autoballoon=1\n") == XL_AUTOBALLOON_ON);
    CHECK(autoballoon("autoballoon=\"1\"\n") == XL_AUTOBALLOON_ON);
    CHECK(autoballoon("autoballoon=\"off\"\n") == XL_AUTOBALLOON_OFF);
    CHECK(autoballoon("autoballoon=0\n") == XL_AUTOBALLOON_OFF);
    CHECK(autoballoon("autoballoon=\"perhaps\"\n") == -EINVAL);
    CHECK(autoballoon("autoballoon=2\n") == -EINVAL);
    CHECK(autoballoon("autoballoon=\n") == -EINVAL);
    CHECK(claim_mode("") == 1 && claim_mode("claim_mode=1\n") == 1);
    CHECK(claim_mode("claim_mode=0\n") == 0 && claim_mode("claim_mode=7\n") == -EINVAL);

    CHECK(random_domid("") == 0 && random_domid("domid_policy=\"xen\"\n") == 0);
    CHECK(random_domid("domid_policy=\"random\"\n") == 1);
    CHECK(random_domid("domid_policy=\"any\"\n") == -EINVAL);

    CHECK(hl_dom0_mem_given("dom0_mem=512M"));
    CHECK(hl_dom0_mem_given("loglvl=all dom0_mem=512M,max:1G com1=115200"));
    CHECK(hl_dom0_mem_given("dom0_mem=min:1,max:2G,3k"));
    CHECK(!hl_dom0_mem_given(""));
    CHECK(!hl_dom0_mem_given("dom0_mem= dom0_mem"));
    CHECK(!hl_dom0_mem_given("xdom0_mem=512M"));
    CHECK(!hl_dom0_mem_given("dom0_mem=half"));
    CHECK(!hl_dom0_mem_given("dom0_mem=512MM dom0_mem=min: dom0_mem=max:k"));
}

/* Before anybody is asked. */
static void least_memory(void)
{
    struct hl_ctx ctx = {NULL, NULL, 0};
    struct hl_error *e = hl_error_new();
    char *said;

    CHECK(hl_domain_mem_set(&ctx, 0, HL_DOM0_MIN_KIB - 4, e) == -EINVAL);
    said = hl_error_sentence(e);
    CHECK(said != NULL && strstr(said, "keeps at least 128 MiB") != NULL);
    free(said);
    hl_error_free(e);
}

int main(void)
{
    static const struct test tests[] = {
        {"memory_defaults", memory_defaults},
        {"least_memory", least_memory},
        {"disks_by_place", disks_by_place},
        {"disks_by_name", disks_by_name},
        {"disks_of_old", disks_of_old},
        {"disks_in_parts", disks_in_parts},
        {"bad_disks", bad_disks},
        {"vdevs", vdevs},
        {"nics", nics},
        {"bad_nics", bad_nics},
        {"places_of_errors", places_of_errors},
        {"relative_paths", relative_paths},
        {"served_elsewhere", served_elsewhere},
        {"defaults", defaults},
        {"defaults_of_the_host", defaults_of_the_host},
        {"limits_of_the_host", limits_of_the_host},
        {"json", json},
        {"shared_folders", shared_folders},
        {"channels", channels},
        {"screens", screens},
        {"keyboards", keyboards},
        {"screens_of_domains", screens_of_domains},
        {"random_texts", random_texts},
        {"scripts", scripts},
    };

    return test_run("device", tests, sizeof(tests) / sizeof(tests[0]));
}
