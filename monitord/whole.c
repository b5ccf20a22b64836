#include "monitord/whole.h"

#include <math.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

static double
value_of(const struct msg_sample *m, enum metric metric)
{
	for (uint32_t i = 0; i < m->value_count; i++)
		if (m->value[i].metric == metric)
			return m->value[i].value;
	return (double)NAN;
}

static void
add(struct msg_sample *m, enum metric percent, double part, double whole)
{
	if (m->value_count < MSG_SAMPLE_VALUES && !isnan(part) && whole > 0)
		m->value[m->value_count++] =
			(struct msg_value){ .metric = percent,
					    .value = 100 * part / whole };
}

void
whole_add(const struct service *s, struct msg_sample *m)
{
	struct rlimit files;
	struct sysinfo host;
	double memory = (double)s->memory_max, swap = 0;
	if (sysinfo(&host) == 0) {
		if (s->memory_max == 0)
			memory = (double)host.totalram * host.mem_unit;
		swap = (double)host.totalswap * host.mem_unit;
	}
	double cores = (double)sysconf(_SC_NPROCESSORS_ONLN);
	double cpu = value_of(m, METRIC_CPU_TOTAL);
	if (cores > 0)
		add(m, METRIC_CPU_MACHINE,
		    (isnan(cpu) ? value_of(m, METRIC_CPU) : cpu) / 100, cores);
	add(m, METRIC_MEMORY_PERCENT, value_of(m, METRIC_MEMORY), memory);
	add(m, METRIC_MEMORY_TOTAL_PERCENT, value_of(m, METRIC_MEMORY_TOTAL), memory);
	add(m, METRIC_SWAP_PERCENT, value_of(m, METRIC_SWAP), swap);
	if (!isnan(value_of(m, METRIC_FDS)) &&
	    prlimit(m->pid, RLIMIT_NOFILE, NULL, &files) == 0)
		add(m, METRIC_FDS_PERCENT, value_of(m, METRIC_FDS),
		    (double)files.rlim_cur);
}
