/* system: load, CPU, memory, swap and pressure of this host (proc(5)). */
#include "probes/look.h"

#include "base/clock.h"
#include "base/file.h"

#include <assert.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <unistd.h>

enum {
	ALL,
	IDLE,
	WAIT,
	SYSTEM,
	STEAL,
	USER,
	NICE,
	IRQ,
	TIMES
}; /* of s->before, in ticks */
static_assert(TIMES <= LOOK_COUNTERS, "too few counters");
static_assert(METRIC_LOAD15 == METRIC_LOAD1 + 2 &&
		      METRIC_LOAD15_PERCENT == METRIC_LOAD1_PERCENT + 2,
	      "in the order of getloadavg()");

/* The number behind a word that begins a line, in bytes; -1: it is not there. */
static double
kib(const char *text, const char *word)
{
	const char *at = strstr(text, word);
	return at != NULL ? strtod(at + strlen(word), NULL) * 1024 : -1;
}

static void
look_at_load(struct sight *s)
{
	double load[3], cores = (double)sysconf(_SC_NPROCESSORS_ONLN);
	if (getloadavg(load, 3) != 3)
		return;
	for (unsigned i = 0; i < 3; i++) {
		s->value[METRIC_LOAD1 + i] = load[i];
		s->value[METRIC_LOAD1_PERCENT + i] = sight_percent(load[i], cores);
	}
}

static void
look_at_memory(struct sight *s)
{
	char text[8192];
	if (file_read(AT_FDCWD, "/proc/meminfo", text, sizeof text) <= 0)
		return;
	double all = kib(text, "MemTotal:"), available = kib(text, "MemAvailable:");
	double swap = kib(text, "SwapTotal:"), swap_free = kib(text, "SwapFree:");
	if (all >= 0 && available >= 0) {
		s->value[METRIC_MEMORY_USED] = all - available;
		s->value[METRIC_MEMORY_USED_PERCENT] =
			sight_percent(all - available, all);
	}
	if (swap >= 0 && swap_free >= 0) {
		s->value[METRIC_SWAP_USED] = swap - swap_free;
		s->value[METRIC_SWAP_USED_PERCENT] =
			swap > 0 ? sight_percent(swap - swap_free, swap) : 0;
	}
}

/* The first line of /proc/stat: user nice system idle iowait irq softirq steal; guests
 * are in user and nice already. */
static bool
cpu_times(uint64_t times[TIMES])
{
	char text[512];
	unsigned long long t[8] = { 0 };
	if (file_read(AT_FDCWD, "/proc/stat", text, sizeof text) <= 0 ||
	    sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1],
		   &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) < 4)
		return false;
	times[ALL] = 0;
	for (unsigned i = 0; i < 8; i++)
		times[ALL] += t[i];
	times[IDLE] = t[3];
	times[WAIT] = t[4];
	times[SYSTEM] = t[2] + t[5] + t[6];
	times[STEAL] = t[7];
	times[USER] = t[0];
	times[NICE] = t[1];
	times[IRQ] = t[5] + t[6];
	return true;
}

static void
look_at_cpu(struct sight *s)
{
	uint64_t now[TIMES];
	double since[TIMES];
	if (!cpu_times(now))
		return;
	for (unsigned i = 0; i < TIMES; i++) /* iowait may go back */
		since[i] = now[i] > s->before[i] ? (double)(now[i] - s->before[i]) : 0;
	if (s->before_ns != 0 && since[ALL] > 0) {
		s->value[METRIC_CPU_USED] =
			sight_percent(since[ALL] - since[IDLE] - since[WAIT], since[ALL]);
		s->value[METRIC_CPU_SYSTEM] = sight_percent(since[SYSTEM], since[ALL]);
		s->value[METRIC_CPU_WAIT] = sight_percent(since[WAIT], since[ALL]);
		s->value[METRIC_CPU_STEAL] = sight_percent(since[STEAL], since[ALL]);
		s->value[METRIC_CPU_USER] = sight_percent(since[USER], since[ALL]);
		s->value[METRIC_CPU_NICE] = sight_percent(since[NICE], since[ALL]);
		s->value[METRIC_CPU_IRQ] = sight_percent(since[IRQ], since[ALL]);
	}
	if (s->before_ns == 0 || since[ALL] > 0)
		memcpy(s->before, now, sizeof now);
	s->before_ns = clock_ns();
}

/* "some avg10=0.25 avg60=…"; a kernel without PSI has no such file. */
static void
look_at_pressure(struct sight *s)
{
	static const struct {
		const char *path;
		enum metric metric;
	} rows[] = {
		{ "/proc/pressure/cpu", METRIC_PRESSURE_CPU },
		{ "/proc/pressure/memory", METRIC_PRESSURE_MEMORY },
		{ "/proc/pressure/io", METRIC_PRESSURE_IO },
	};
	char text[256];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (file_read(AT_FDCWD, rows[i].path, text, sizeof text) > 0 &&
		    strncmp(text, "some avg10=", 11) == 0)
			s->value[rows[i].metric] = strtod(text + 11, NULL);
}

/* Open files of all processes, and how many there may be (proc(5), file-nr). */
static void
look_at_fds(struct sight *s)
{
	char text[128];
	double used, unused, most;
	if (file_read(AT_FDCWD, "/proc/sys/fs/file-nr", text, sizeof text) <= 0 ||
	    sscanf(text, "%lf %lf %lf", &used, &unused, &most) != 3)
		return;
	s->value[METRIC_FDS] = used - unused;
	s->value[METRIC_FDS_PERCENT] = sight_percent(used - unused, most);
}

/* What the kernel knows of its clock, from whoever keeps it (adjtimex(2)). */
static void
look_at_clock(struct sight *s)
{
	struct timex t = { .modes = 0 };
	int state = adjtimex(&t);
	if (state == -1)
		return;
	bool synced = state != TIME_ERROR && (t.status & STA_UNSYNC) == 0;
	s->value[METRIC_CLOCK_SYNCED] = synced;
	if (synced)
		s->value[METRIC_OFFSET] =
			fabs((double)t.offset) / ((t.status & STA_NANO) != 0 ? 1e6 : 1e3);
}

void
system_look(struct sight *s)
{
	char text[64];
	look_at_load(s);
	look_at_memory(s);
	look_at_cpu(s);
	look_at_pressure(s);
	look_at_fds(s);
	look_at_clock(s);
	if (file_read(AT_FDCWD, "/proc/uptime", text, sizeof text) > 0)
		s->value[METRIC_UPTIME] = strtod(text, NULL) * 1000;
	sight_says(s, OUTCOME_GOOD, "%s", "");
}
