/* monitord/measure.h: what only we may read of a service: its process's disk traffic and
 * proportional memory, and what the kernel counts for its cgroup. Each is read only where
 * a rule asks for it. */
#ifndef MONITORD_MEASURE_H
#define MONITORD_MEASURE_H

#include "base/msg.h"
#include "monitord/process.h"

/* What a service's disk traffic was; zero-filled at first. */
struct measured {
	int32_t pid;
	int64_t taken_ns;
	uint64_t bytes[2]; /* read, written */
};

/* Adds to a sample whose pid was proven to be the service's. */
void measure_add(struct processes *ps, struct msg_sample *m);

/* "read_bytes: 12" … of /proc/PID/io. False: they are not there. */
bool measure_io(const char *text, uint64_t bytes[2]);
/* "some avg10=0.25 …" of a pressure file; NaN: it does not stand there. */
double measure_pressure(const char *text);

#endif
