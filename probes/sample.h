/* probes/sample.h: what the processes of services use: CPU, memory, threads, descriptors,
 * children; and which process fits a `match`. One look at /proc by libproc2 for all that
 * is due together: only at the processes that are watched, unless a rule asks for children;
 * command lines are read apart. */
#ifndef PROBES_SAMPLE_H
#define PROBES_SAMPLE_H

#include "base/helper.h"
#include "probes/commands.h"
#include "rules/rules.h"

struct samples;

/* NULL: out of memory, or no /proc. rules outlive it. */
struct samples *samples_new(struct helper *h, const struct rules *rules,
			    struct commands *commands);
/* After a reload: services of the same name go on with what was measured. */
void samples_carry(struct samples *to, const struct samples *from);
void samples_free(struct samples **sp);
/* WATCH: this process is the service's from now on; pid 0: none. */
void samples_watch(struct samples *s, const struct msg_watch *w);

#endif
