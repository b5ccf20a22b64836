/* history [OBJECTS [HOURS [SIZE_MB]]]: what history costs: so many services of 8 metrics,
 * sampled each 10 s of a time that passes as fast as it can. Every value changes each
 * time, as the worst does, or one in four does. */
#include "status/history.h"

#include "rules/metric.h"
#include "rules/parse.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define METRICS_EACH 8u

static struct store store;
static struct history history;

static double
cpu_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
nobody(void *arg, struct ask *ask)
{
	(void)arg;
	ask_free(ask);
}

static void
load(unsigned objects, unsigned size_mb)
{
	char path[] = "r.ini", *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	fprintf(f, "[monitord]\nhistory = %uM\n", size_mb);
	for (unsigned i = 0; i < objects; i++)
		fprintf(f, "[service s-%u]\nrun = /bin/sleep 100\n", i);
	fclose(f);
	struct source one = { .path = path, .text = text, .size = size };
	struct sources s = { .list = &one, .count = 1 };
	int fd = memfd_create("rules", MFD_CLOEXEC);
	if (fd == -1 || !sources_write(&s, fd) || !store_load(&store, fd, 1))
		exit(1);
	close(fd);
	free(text);
}

static double
moved(double old, unsigned one_in, long most)
{
	return isnan(old) || random() % one_in == 0 ? (double)(random() % most) : old;
}

/* Measurements of everything; one value in so many moves. Up and the restarts stay; cpu,
 * memory, threads, open files, and what is read and written do not. */
static void
measure(unsigned objects, unsigned one_in)
{
	static const enum metric more[METRICS_EACH - 6] = { METRIC_IO_READ,
							    METRIC_IO_WRITE };
	static struct msg_packet p;
	for (uint32_t id = 0; id < objects; id++) {
		struct msg_service_view v;
		const struct msg_service_view *old = store_service(&store, id);
		memset(&v, 0, sizeof v);
		if (old != NULL)
			v = *old;
		else
			for (unsigned i = 0; i < MSG_SAMPLE_VALUES; i++)
				v.values[i] = NAN;
		v.service = id;
		v.state = SERVICE_UP;
		v.pid = 1000;
		v.cpu = moved(v.cpu, one_in, 10000);
		v.memory = moved(v.memory, one_in, 1 << 30);
		v.threads = moved(v.threads, one_in, 200);
		v.fds = moved(v.fds, one_in, 1000);
		for (unsigned i = 0; i < sizeof more / sizeof *more; i++) {
			float *value = &v.values[metric_sample_slot(more[i])];
			*value = (float)moved((double)*value, one_in, 1 << 24);
		}
		p.head = (struct msg_head){ .kind = MSG_SERVICE_VIEW, .count = 1 };
		memcpy(p.items, &v, sizeof v);
		store_take(&store, &p);
	}
}

/* What is recorded of the first, as history sees it. */
static unsigned
recorded(void)
{
	unsigned list[METRICS_COUNT];
	return history_metrics(&history, OBJECT_SERVICE, 0, list);
}

static void
round_of(unsigned objects, unsigned hours, unsigned size_mb, unsigned one_in)
{
	struct loop *loop = loop_new(0);
	struct stat st = { 0 };
	struct rusage usage;
	double spent = 0, worst = 0, all = cpu_s(), measuring = 0;
	int64_t began = time(NULL) / 3600 * 3600 - hours * 3600;
	store_begin(&store);
	history_begin(&history, loop, &store);
	load(objects, size_mb);
	history_load(&history, nobody, loop);
	loop_timer_stop(&history.timer);
	for (int64_t t = 0; t < hours * 3600; t += 10) {
		double a = cpu_s();
		measure(objects, one_in);
		double b = cpu_s();
		measuring += b - a;
		struct timespec from, to;
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
		history_sample(&history, (began + t) * 1000);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
		double took = (double)(to.tv_sec - from.tv_sec) +
			      (double)(to.tv_nsec - from.tv_nsec) / 1e9;
		spent += took;
		worst = took > worst ? took : worst;
		while (history.batch.size > 4 << 20) { /* a real day would have waited */
			recorder_write(history.recorder, &history.batch);
			usleep(1000);
		}
	}
	unsigned metrics = recorded();
	history_end(&history);
	all = cpu_s() - all - measuring;
	stat("history.db", &st);
	getrusage(RUSAGE_SELF, &usage);
	printf("%u services x %u metrics each 10 s for %u h, one value in %u moves: "
	       "%.3f %% of a core (of it the loop's thread %.3f %%, %.1f ms at worst), "
	       "%.1f MB on disk, %ld MB resident\n",
	       objects, metrics, hours, one_in, 100 * all / (hours * 3600.0),
	       100 * spent / (hours * 3600.0), 1000 * worst, (double)st.st_size / 1e6,
	       usage.ru_maxrss / 1024);
	loop_free(&loop);
}

int
main(int argc, char **argv)
{
	unsigned objects = argc > 1 ? (unsigned)atoi(argv[1]) : 1000,
		 hours = argc > 2 ? (unsigned)atoi(argv[2]) : 24,
		 size_mb = argc > 3 ? (unsigned)atoi(argv[3]) : 1000;
	static const unsigned moves[] = { 1, 4 };
	char folder[] = "/tmp/history.XXXXXX";
	if (mkdtemp(folder) == NULL || chdir(folder) != 0)
		return 1;
	for (unsigned i = 0; i < 2; i++) {
		round_of(objects, hours, size_mb, moves[i]);
		remove("history.db");
		remove("history.db-wal");
		remove("history.db-shm");
	}
	return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : 1;
}
