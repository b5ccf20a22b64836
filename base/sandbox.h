/* base/sandbox.h: what a helper gives up before it reads a byte from outside, beside its
 * user's rights: new privileges (no_new_privs), system calls that none of its work needs
 * (seccomp), folders that it has no business in (landlock(7)). A kernel that lacks one of
 * these costs a warning, no more. */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include "base/msg.h"

/* For good, for this process and all that it begins. Files that are open stay so; the
 * current folder is the helper's own. */
void sandbox_enter(enum role role);

/* The landlock version of this kernel; 0: it has none. */
int sandbox_landlock(void);

#endif
