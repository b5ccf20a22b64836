/* status/import_if.h: an "if TEST then ACTION" of a Monit control file; for import_if.c,
 * which reads it, and for those that write what the test becomes. They return false where
 * it has no counterpart. */
#ifndef STATUS_IMPORT_IF_H
#define STATUS_IMPORT_IF_H

#include "status/import_state.h"

#define IMPORT_TEST_TOKENS 96

struct test {
	const struct token *c[IMPORT_TEST_TOKENS]; /* the condition */
	size_t count, begin; /* begin: its first token in the file */
	struct outcome_text outcome;
	char window[48];   /* of a rule: " for 60s", " 3 of 5" */
	unsigned need, of; /* cycles; 0: at once */
};

bool test_has(const struct test *t, const char *word);
const struct token *test_behind(const struct test *t, const char *word); /* NULL: none */

/* ---- import_resource.c: tests of resources become rules ---- */
/* The comparison and its value: "> 80%". plain: what stands for a number without unit.
 * False: there is none. */
bool test_threshold(const struct test *t, const char *plain, char *out, size_t cap);
bool test_resource(struct import *m, const struct test *t);
/* A change is a rule; one wanted content an expectation. */
bool test_checksum(struct import *m, const struct test *t);

/* ---- import_expect.c: those of a file's or a program's own become expectations ---- */
bool test_owner_or_mode(struct import *m, const struct test *t);
bool test_content(struct import *m, const struct test *t);
bool test_existence(struct import *m, const struct test *t);
bool test_restarts(struct import *m, const struct test *t);
void test_write_action(struct import *m, const struct test *t);

#endif
