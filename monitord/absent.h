/* monitord/absent.h: what rule files name and this host has not: users, groups, programs, folders;
 * and, asked as root, programs that root is to run and others may change. For `monitord -t`, as it
 * asks the user database and looks at paths in this process: warnings, as the files may be meant
 * for another host. */
#ifndef MONITORD_ABSENT_H
#define MONITORD_ABSENT_H

#include "rules/parse.h"

void absent_find(const struct rules *r, const struct sources *s, struct problems *p);

#endif
