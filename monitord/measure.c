#include "monitord/measure.h"

#include "base/file.h"
#include "base/text.h"
#include "monitord/cgroup.h"
#include "monitord/process_state.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void
add(struct msg_sample *m, enum metric metric, double value)
{
	if (m->value_count < MSG_SAMPLE_VALUES && !isnan(value))
		m->value[m->value_count++] =
			(struct msg_value){ .metric = metric, .value = value };
}

static bool
reads(const struct service *s, enum metric m)
{
	return (s->reads >> metric_sample_slot(m) & 1) != 0;
}

bool
measure_io(const char *text, uint64_t bytes[2])
{
	static const char *const words[2] = { "\nread_bytes: ", "\nwrite_bytes: " };
	for (unsigned i = 0; i < 2; i++) {
		const char *at = strstr(text, words[i]);
		if (at == NULL)
			return false;
		bytes[i] = strtoull(at + strlen(words[i]), NULL, 10);
	}
	return true;
}

static void
add_io(struct measured *before, struct msg_sample *m)
{
	static const enum metric metrics[2] = { METRIC_IO_READ, METRIC_IO_WRITE };
	char path[64], text[512];
	uint64_t now[2];
	text_print(path, sizeof path, "/proc/%d/io", (int)m->pid);
	if (file_read(AT_FDCWD, path, text, sizeof text) <= 0 || !measure_io(text, now))
		return;
	double seconds = (double)(m->taken_ns - before->taken_ns) / 1e9;
	for (unsigned i = 0; i < 2;
	     i++) /* of another process, or a first look: no rate */
		if (before->pid == m->pid && seconds > 0 && now[i] >= before->bytes[i])
			add(m, metrics[i], (double)(now[i] - before->bytes[i]) / seconds);
	*before = (struct measured){ m->pid, m->taken_ns, { now[0], now[1] } };
}

static void
add_pss(struct msg_sample *m)
{
	char path[64], text[1024];
	text_print(path, sizeof path, "/proc/%d/smaps_rollup", (int)m->pid);
	if (file_read(AT_FDCWD, path, text, sizeof text) <= 0)
		return;
	const char *at = strstr(text, "\nPss:");
	if (at != NULL)
		add(m, METRIC_MEMORY_PSS, strtod(at + 5, NULL) * 1024);
}

double
measure_pressure(const char *text)
{
	static const char word[] = "some avg10=";
	char *end;
	if (strncmp(text, word, sizeof word - 1) != 0)
		return (double)NAN;
	double value = strtod(text + sizeof word - 1, &end);
	return end != text + sizeof word - 1 ? value : (double)NAN;
}

static void
add_group(const struct process *p, const struct service *s, struct msg_sample *m)
{
	static const struct {
		enum metric metric;
		const char *file;
	} rows[] = { { METRIC_PRESSURE_CPU, "cpu.pressure" },
		     { METRIC_PRESSURE_MEMORY, "memory.pressure" },
		     { METRIC_PRESSURE_IO, "io.pressure" } };
	char text[256];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (reads(s, rows[i].metric) &&
		    file_read(p->group, rows[i].file, text, sizeof text) > 0)
			add(m, rows[i].metric, measure_pressure(text));
	if (!reads(s, METRIC_OOM_KILLS))
		return;
	long kills = cgroup_oom_kills(p->group);
	if (kills >= 0)
		add(m, METRIC_OOM_KILLS,
		    (double)(p->oom_kills > 0 && kills >= p->oom_kills
				     ? kills - p->oom_kills
				     : kills));
}

void
measure_add(struct processes *ps, struct msg_sample *m)
{
	struct process *p = ps->list[m->service];
	const struct service *s = process_service(p);
	if (s->reads == 0)
		return;
	if (reads(s, METRIC_IO_READ) || reads(s, METRIC_IO_WRITE)) {
		if (p->measured == NULL)
			p->measured = calloc(1, sizeof *p->measured);
		if (p->measured != NULL)
			add_io(p->measured, m);
	}
	if (reads(s, METRIC_MEMORY_PSS))
		add_pss(m);
	if (p->group != -1)
		add_group(p, s, m);
}
