/* monitord/age.h: the wall clock of this boot, to compare processes with files. */
#ifndef MONITORD_AGE_H
#define MONITORD_AGE_H

#include <stdbool.h>
#include <stdint.h>

/* Wall clock less time since boot, in milliseconds: now, and the least that was seen since the
 * boot, which a clock that is set forward does not change. It is kept in run_dir, which may lose
 * it. */
int64_t age_now_ms(void);
int64_t age_boot_ms(const char *run_dir);

/* Whether a process that began so many ticks after the boot began after that moment, by more
 * than clocks and file systems may err. */
bool age_after(uint64_t ticks, int64_t boot_ms, int64_t real_ms);

#endif
