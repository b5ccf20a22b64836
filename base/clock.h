/* base/clock.h: the clocks. Durations are CLOCK_MONOTONIC; wall-clock time is for people. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_ns(void);	     /* CLOCK_MONOTONIC */
int64_t clock_ms(void);	     /* the same in milliseconds */
int64_t clock_real_ms(void); /* CLOCK_REALTIME since 1970 */

/* RFC 3339 in UTC with milliseconds, "2026-11-24T12:00:00.123Z"; cap >= 32. Returns out. */
char *clock_rfc3339(int64_t real_ms, char *out, size_t cap);

/* Local time less UTC at that moment, in seconds. */
int32_t clock_zone_s(int64_t real_ms);

/* The kernel's boot id, 36 characters and NUL; "" if it can't be read. */
const char *clock_boot_id(void);

#endif
