/* probes/probes.h: monitord-probes runs twice: `net` measures what peers answer, `local`
 * what this host says of its processes. */
#ifndef PROBES_PROBES_H
#define PROBES_PROBES_H

#include "probes/results.h"
#include "rules/rules.h"

/* The main functions; they return when the loop cannot be made. */
int net_main(void);
int local_main(void);

/* RULES came: parses the bundle; ends the program when it cannot (monitord begins it
 * anew). */
struct rules *probes_load(int fd);
void probes_out_of_memory(void) __attribute__((noreturn));

#endif
