/* probes/hand.h: `monitord-probes check FILE NAME`, for people who write rules. */
#ifndef PROBES_HAND_H
#define PROBES_HAND_H

#include "base/msg.h"
#include "probes/kind.h"
#include "rules/parse.h"

#include <pwd.h>

/* Exit codes, as monitorctl's. */
enum { HAND_UP = 0, HAND_NOT_DONE = 1, HAND_WRONG_USE = 2, HAND_DOWN = 3, HAND_NO_NAME = 4 };

int hand_main(const char *path, const char *name);

/* Prints a verdict and its values. */
void hand_report(const struct msg_result *m);
/* Prints what each test of the check says. */
void hand_tests(const struct plan *p, const struct answer *a);
/* Called by root: becomes that user, or the probes' own (NULL). */
bool hand_become(uint32_t uid_base, const struct passwd *user);
/* Opens what monitord would, then becomes the probes' user and enters the sandbox. */
bool hand_drop_rights(const struct rules *rules, const struct check *c);
/* What was opened; -1: errno. */
int hand_opened(const struct check *c, enum open_what what);
#define HAND_SECRET 1024 /* bytes */
/* The check's password or token, of what was opened: its size, 0: it has none, or a longer one. */
size_t hand_secret(char out[HAND_SECRET]);
/* Does it by a helper of our own, whose monitord we play. */
int hand_helper(const struct sources *sources, const struct rules *rules, uint32_t check);

#endif
