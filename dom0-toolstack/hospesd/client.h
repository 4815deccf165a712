/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How programs speak to hospesd. Two Unix sockets in HOSPESD_RUN_DIR (environment HOSPES_RUN_DIR
 * moves it); on each a request is one JSON object on one line, and so is the answer:
 *
 *   hospesd   {"cmd":"ping"}                    {"ok":true,"pid":N}
 *             {"cmd":"adopt","domid":N}         takes the domain's console and policies over
 *             {"cmd":"state","uuid":"…"}        {"ok":true,"state":"running"|"dumping"|"shutdown"|"restarting"|
 *                                               "destroying"|"gone"}
 *             {"cmd":"state","name":"…"}        the same of one that is restarted, and has no domain
 *             {"cmd":"give-up","name":"…"}      {"ok":true,"uuid":"…"}: it is not restarted any more
 *             {"cmd":"list"}                    {"ok":true,"guests":[…]}
 *   console   {"domid":N,"number":N,"follow":bool,"again":bool}
 *                                               {"ok":true}, then raw bytes both ways: first what
 *                                               was printed lately, "again" only to this daemon;
 *                                               "follow" stays over reboots
 *
 * A failure is {"ok":false,"errno":N,"error":"…"}.
 */
#ifndef HL_HOSPESD_CLIENT_H
#define HL_HOSPESD_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct hl_error;

#define HOSPESD_RUN_DIR "/run/hospes"
#define HOSPESD_CONTROL "hospesd"
#define HOSPESD_CONSOLE "console"

/* Longest line of either direction but for answers to "list". */
#define HOSPESD_MAX_LINE 4096

/* The directory of the sockets. */
const char *hospesd_run_dir(void);

/* Connects to one of the two sockets; a file descriptor, or a negative errno with a record that says
 * how to start the daemon. */
int hospesd_connect(const char *socket_name, struct hl_error *e);

/*
 * Sends one line (without its newline) and reads the answer, which must say "ok":true. *answer
 * (may be NULL) gets its text, malloc'd. 0 or a negative errno.
 */
int hospesd_request(int fd, const char *line, char **answer, struct hl_error *e);

/* connect, request, close. */
int hospesd_command(const char *line, char **answer, struct hl_error *e);

/* {"cmd":"adopt"} */
int hospesd_adopt(uint32_t domid, struct hl_error *e);

/*
 * {"cmd":"give-up"}: the restart of the guest of this name, whose uuid is answered; what it has of a
 * domain is to be destroyed by the caller. -ENOENT: none is restarted.
 */
int hospesd_give_up(const char *name, uint8_t uuid[16], struct hl_error *e);

/* {"cmd":"state"}: has the guest of this name, which has no domain, one soon? */
bool hospesd_restarts(const char *name);

/* The same by its uuid: has it gone for good? 0 and *gone, or a negative errno. */
int hospesd_gone(const uint8_t uuid[16], bool *gone, struct hl_error *e);

/*
 * Opens a domain's console `number` (0: the first): a descriptor of raw bytes, or a negative errno. *daemon is set to the
 * daemon's process. Where it was that of one with which the same console was open before (else 0), only what has been
 * printed since there is another one comes, and -EALREADY says that there is none.
 */
int hospesd_console(uint32_t domid, unsigned int number, bool follow, pid_t *daemon,
                    struct hl_error *e);

#endif
