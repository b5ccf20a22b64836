/* base/owner.h: who decides what is read at a path. */
#ifndef BASE_OWNER_H
#define BASE_OWNER_H

#include <limits.h>

/* NULL: only root, as each folder and link on the way there, and what is there, is his alone.
 * Else what must be of `at`. Of what cannot be found, opening it tells why. */
const char *owner_doubt(const char *path, char at[PATH_MAX]);

#endif
