/* How many events a second the spool of alerts takes: in groups, as take.c reads them from
 * the journal, and one by one, each with its own commit to the disk. In the current folder.
 * Prints a line a case; nothing is asserted. */
#include "alerts/spool.h"
#include "base/clock.h"
#include "base/text.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GROUP 1024 /* as BATCH in take.c */

static const struct {
	const char *what;
	unsigned lines; /* of each incident; 0: of none, and for nobody */
	unsigned group, events;
} cases[] = {
	{ "each opens an incident, for one contact", 1, GROUP, 100000 },
	{ "20 of each incident, told once", 20, GROUP, 200000 },
	{ "of no incident, for nobody", 0, GROUP, 500000 },
	{ "each opens an incident, one by one", 1, 1, 3000 },
};

static bool
take(struct spool *s, uint64_t id, unsigned lines)
{
	static const struct spool_severity severity = { SEVERITY_CRITICAL,
							SEVERITY_CRITICAL };
	struct spool_addressee to = { .contact = "ops", .way = WAY_MAIL };
	struct journal_line l = { .id = id, .real_ms = 1764024000000 + (int64_t)id };
	bool opens = lines > 0 && id % lines == 0;
	l.incident = lines > 0 ? id - id % lines + 1 : 0;
	text_print(l.kind, sizeof l.kind, "%s", opens ? "incident-open" : "check-down");
	text_print(l.object_kind, sizeof l.object_kind, "check");
	text_print(l.object, sizeof l.object, "check-%" PRIu64, id % 100);
	text_print(l.text, sizeof l.text, "check-%" PRIu64 " is down: connection refused",
		   id % 100);
	return spool_take(s, &l, &to, opens, 0, severity, l.real_ms);
}

#define BLOCK 4096
#define BLOCKS 1024
#define SYNCS 2000

/* What the disk gives: one block of a file that has it already, written and flushed. */
static void
floor_of_the_disk(void)
{
	static const char block[BLOCK] = "x";
	int fd = open("bench.floor", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool good = fd != -1;
	for (unsigned i = 0; good && i < BLOCKS; i++)
		good = write(fd, block, BLOCK) == BLOCK;
	good = good && fsync(fd) == 0;
	int64_t began = clock_ms();
	for (unsigned i = 0; good && i < SYNCS; i++)
		good = pwrite(fd, block, BLOCK, (off_t)(i % BLOCKS) * BLOCK) == BLOCK &&
		       fdatasync(fd) == 0;
	int64_t took = clock_ms() - began;
	if (good)
		printf("%-44s %8.0f /s\n", "the disk: a block overwritten, and flushed",
		       SYNCS * 1000.0 / (double)(took > 0 ? took : 1));
	close(fd);
	unlink("bench.floor");
}

int
main(void)
{
	floor_of_the_disk();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char why[200];
		bool aside, good;
		unlink("bench.db");
		unlink("bench.db-wal");
		struct spool *s = spool_open("bench.db", &aside, why, sizeof why);
		if (s == NULL) {
			fprintf(stderr, "%s\n", why);
			return 1;
		}
		int64_t began = clock_ms();
		good = true;
		for (unsigned n = 0; good && n < cases[i].events; n += cases[i].group) {
			good = spool_begin(s);
			for (unsigned k = 0; good && k < cases[i].group; k++)
				good = take(s, 1 + n + k, cases[i].lines);
			good = good && spool_commit(s);
		}
		int64_t took = clock_ms() - began;
		if (!good)
			fprintf(stderr, "%s\n", spool_why(s));
		printf("%-44s %8.0f events/s\n", cases[i].what,
		       (double)cases[i].events * 1000 / (double)(took > 0 ? took : 1));
		spool_close(&s);
	}
	unlink("bench.db");
	unlink("bench.db-wal");
	unlink("bench.db-shm");
	return 0;
}
