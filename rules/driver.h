/* rules/driver.h: what the driver of a route needs from its section. */
#ifndef RULES_DRIVER_H
#define RULES_DRIVER_H

#include "rules/rules.h"

#define DRIVER_LINE_MAX 1024

/* nginx, squid: the active backends stand in a file, a line each. */
bool driver_has_lines(const struct route *r);
/* Such a line, without its end. False: it does not fit, or the name is no HOST:PORT. */
bool driver_line(const struct route *r, uint32_t backend, char *out, size_t cap);
/* Which backends a file's text names, by exactly such lines or by the front's own word for
 * them (server NAME; cache_peer HOST parent PORT). */
uint64_t driver_read_lines(const struct route *r, const char *text, size_t size);

/* Its own test and reload, or those of a usual installation. */
const struct command *driver_test(const struct route *r);
const struct command *driver_reload(const struct route *r);

#endif
