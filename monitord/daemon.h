/* monitord/daemon.h: the beginning and the end of the daemon. */
#ifndef MONITORD_DAEMON_H
#define MONITORD_DAEMON_H

#include "monitord/core.h"

/* c: zeroed but for path, privileged, dry_run, rules and bundle, which it owns from now
 * on. Takes the lock on the state directory, recalls an earlier life from the journal, adopts
 * what runs, and starts helpers and services. False: why says the reason, and nothing was
 * started; daemon_end gives back what was taken in both cases. */
bool daemon_begin(struct core *c, char why[MSG_TEXT]);
/* The helpers end; services go on, unless all were stopped before. */
void daemon_end(struct core *c);

#endif
