/* monitord/nursery.h: where a child stands that shares our memory until its exec or its
 * end: no page table is copied for it, and no page of ours is write-protected. */
#ifndef MONITORD_NURSERY_H
#define MONITORD_NURSERY_H

#include "monitord/born.h"

#include <linux/sched.h>
#include <sys/types.h>

struct nursery;

/* Whether children may share our memory; before that, none does. */
void nursery_begin(void);
/* One that no child uses; NULL: none, or the kernel cannot. */
struct nursery *nursery_take(void);
struct born *nursery_born(struct nursery *n); /* what its child reads */
/* Clones with args, completed. Until its exec the child can be signalled: it must have
 * none of our handlers. -1: errno; before Linux 5.5 none is given out any more. */
pid_t nursery_clone(struct nursery *n, struct clone_args *args);
/* From its clone to nursery_forget it is not given out. */
void nursery_keep(struct nursery *n);
/* False: its child has our memory still. failure->error: 0, or why it never became the
 * program. */
bool nursery_ask(const struct nursery *n, struct spawn_failure *failure);
void nursery_forget(struct nursery *n);
/* Nothing happens: most of what stands ready is given back. */
void nursery_rest(void);

#endif
