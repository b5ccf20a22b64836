/* test/unit/probes.h: what the unit tests of probes/ share. */
#ifndef TEST_UNIT_PROBES_H
#define TEST_UNIT_PROBES_H

#include "probes/http.h"
#include "probes/plan.h"
#include "test/unit/unit.h"

#define BYTES(literal) literal, sizeof(literal) - 1

/* How an answer is cut into what one read gives: all at once, byte by byte, or by chance,
 * the same for the same seed. */
enum cut { CUT_NEVER, CUT_ALWAYS, CUT_FIRST_SEED };
size_t cut_next(unsigned cut, size_t left, uint32_t *chance);
#define CUTS 24

/* All that came of one answer. */
struct reading {
	enum http_read got;
	unsigned heads;
	struct http http;
	char *bytes;
	size_t size;
	char why[128];
};

/* Reads an answer of size bytes, cut as asked, and the peer's end. bytes are the caller's
 * to free. */
void read_cut(struct reading *r, const char *bytes, size_t size, unsigned cut,
	      bool is_head, bool keep);

/* A rule file whose one check is http://127.0.0.1:81/x, with these lines. */
struct planned {
	struct rules *rules;
	struct plan plan;
};
void planned_begin(struct planned *t, const char *lines);
void planned_end(struct planned *t);

int test_probes_expect(void);
int test_probes_h2(void);
int test_probes_http(void);
int test_probes_http_ask(void);
int test_probes_http_check(void);
int test_probes_http_limits(void);
int test_probes_kinds(void);
int test_probes_mysql(void);
int test_probes_perf(void);
int test_probes_resolve(void);
int test_probes_results(void);
int test_probes_schedule(void);
int test_probes_sockets(void);
int test_probes_talks(void);
int test_probes_tree(void);
int test_probes_worker(void);

#endif
