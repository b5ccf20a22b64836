/* probes/script.h: script checks: monitord runs the monitoring plugin, we read what it
 * says (Monitoring Plugins Development Guidelines: exit codes 0 ok, 1 warning, 2
 * critical, 3 unknown; the first line of output is for people). */
#ifndef PROBES_SCRIPT_H
#define PROBES_SCRIPT_H

#include "probes/kind.h"
#include "probes/results.h"
#include "probes/schedule.h"

#define SCRIPT_OUTPUT 4096 /* bytes of output that are kept */

struct scripts { /* what all share */
	struct helper *helper;
	struct results *results;
	const struct rules *rules;
	struct script *running; /* list of those that monitord was asked to run */
	uint64_t token;
	struct timetable timetable;
};

struct script {
	struct scripts *all;
	uint32_t check;
	struct plan plan;
	struct schedule schedule;
	struct loop_io io;
	struct loop_timer deadline;
	struct script *next_running;
	uint64_t token; /* 0: not running */
	int64_t began_ns;
	int fd; /* its output, -1: none (yet) */
	size_t size;
	char output[SCRIPT_OUTPUT];
};

/* Zero-filled before; stays where it is. False: out of memory. */
bool script_begin(struct script *s, struct scripts *all, uint32_t check);
bool script_carry(struct script *s, uint32_t check);
void script_stop(struct script *s);
/* OPENED: fd (taken), or -errno. */
void script_opened(struct script *s, int fd);
void script_ended(struct script *s, const struct msg_script_end *end);
struct script *script_of_token(const struct scripts *all, uint64_t token);

#endif
