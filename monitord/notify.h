/* monitord/notify.h: what the service manager hears, by sd_notify(3); without one, nothing. */
#ifndef MONITORD_NOTIFY_H
#define MONITORD_NOTIFY_H

#include "monitord/core.h"

/* "READY=1", "STOPPING=1", ...: one datagram; what cannot be sent is lost. */
void notify_send(const char *state);
/* One line for `systemctl status`: how much is watched, and what is wrong. */
void notify_status(const struct core *c);
/* It learns that the loop turns, three times in each WATCHDOG_USEC that it gives us. */
void notify_watchdog(struct core *c);

#endif
