#include "base/journal.h"

#include "base/text.h"
#include "test/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOTS 8

static const struct journal_line full = {
	.id = 41,
	.real_ms = 1795435200123,
	.kind = "check-down",
	.object_kind = "check",
	.object = "tomcat-http",
	.rule = "tomcat-runaway",
	.cause = 40,
	.incident = 39,
	.to = "ops,boss",
	.text = "tomcat-http is down: connection refused",
};

static void
same(const struct journal_line *a, const struct journal_line *b)
{
	assert_true(a->id == b->id && a->real_ms == b->real_ms);
	assert_true(a->cause == b->cause && a->incident == b->incident);
	assert_string_equal(a->kind, b->kind);
	assert_string_equal(a->object_kind, b->object_kind);
	assert_string_equal(a->object, b->object);
	assert_string_equal(a->rule, b->rule);
	assert_string_equal(a->to, b->to);
	assert_string_equal(a->text, b->text);
}

static void
comes_back_as_it_went(void **state)
{
	char slot[JOURNAL_SLOT];
	struct journal_line back, empty = { .id = 1 };
	(void)state;
	journal_encode(&full, slot);
	assert_int_equal(slot[JOURNAL_SLOT - 1], '\n');
	assert_null(memchr(slot, '\n', JOURNAL_SLOT - 1)); /* one line */
	assert_null(memchr(slot, '\0', JOURNAL_SLOT));
	assert_true(journal_decode(slot, &back));
	same(&full, &back);
	journal_encode(&empty, slot);
	assert_true(journal_decode(slot, &back));
	same(&empty, &back);
}

static void
cleans_and_cuts(void **state)
{
	char slot[JOURNAL_SLOT];
	struct journal_line in = { .id = UINT64_MAX,
				   .real_ms = INT64_MAX,
				   .cause = UINT64_MAX,
				   .incident = UINT64_MAX },
			    back;
	(void)state;
	memset(in.kind, 'k', sizeof in.kind - 1);
	memset(in.object_kind, 'o', sizeof in.object_kind - 1);
	memset(in.object, 'n', sizeof in.object - 1);
	memset(in.rule, 'r', sizeof in.rule - 1);
	memset(in.to, 't', sizeof in.to - 1);
	memset(in.text, 'x', sizeof in.text - 1);
	journal_encode(&in, slot);
	assert_true(journal_decode(slot, &back));
	assert_string_equal(back.to, in.to); /* only the text gives way */
	assert_string_equal(back.rule, in.rule);
	assert_true(strlen(back.text) > 400);
	strcpy(in.text, "a\tb\nc\xff  ");
	strcpy(in.to, "-");
	journal_encode(&in, slot);
	assert_true(journal_decode(slot, &back));
	assert_string_equal(back.text, "a b c?");
	assert_string_equal(back.to, "");
}

static void
a_torn_slot_is_no_line(void **state)
{
	char slot[JOURNAL_SLOT], torn[JOURNAL_SLOT];
	struct journal_line back;
	size_t whole = 0;
	(void)state;
	journal_encode(&full, slot);
	for (size_t cut = 0; cut < JOURNAL_SLOT; cut++) { /* the rest is from nobody */
		memcpy(torn, slot, cut);
		memset(torn + cut, 0, JOURNAL_SLOT - cut);
		assert_false(journal_decode(torn, &back));
	}
	while (whole < JOURNAL_SLOT - 1 && slot[JOURNAL_SLOT - 2 - whole] == ' ')
		whole++;
	for (size_t bit = 0; bit < (JOURNAL_SLOT - whole - 1) * 8; bit++) {
		memcpy(torn, slot, JOURNAL_SLOT);
		torn[bit / 8] = (char)(torn[bit / 8] ^ 1 << bit % 8);
		if (journal_decode(
			    torn,
			    &back)) /* an upper-case digit of the checksum is the same */
			same(&full, &back);
	}
	memset(torn, 0, sizeof torn);
	assert_false(journal_decode(torn, &back));
	memset(torn, ' ', sizeof torn);
	assert_false(journal_decode(torn, &back));
}

/* A slot with a right checksum over any body. */
static void
sealed(char slot[JOURNAL_SLOT], const char *body)
{
	char crc[9];
	memset(slot, ' ', JOURNAL_SLOT);
	snprintf(crc, sizeof crc, "%08x", text_crc32c(body, strlen(body)));
	memcpy(slot, crc, 8);
	slot[8] = '\t';
	memcpy(slot + 9, body, strlen(body));
	slot[JOURNAL_SLOT - 1] = '\n';
}

static const struct {
	const char *body;
	bool good;
} bodies[] = {
	{ "41\t1\tk\tc\to\tr\t0\t0\t-\tx", true },
	{ "41", false },
	{ "41\t1\tk\tc\to\tr\t0\t0\t-", false },
	{ "41\t1\tk\tc\to\tr\t0\t0\t-\tx\tmore", false },
	{ "0\t1\tk\tc\to\tr\t0\t0\t-\tx", false },
	{ "-1\t1\tk\tc\to\tr\t0\t0\t-\tx", false },
	{ "99999999999999999999\t1\tk\tc\to\tr\t0\t0\t-\tx", false },
	{ "41\t9223372036854775808\tk\tc\to\tr\t0\t0\t-\tx", false },
	{ "41\t1\tk\tc\to\tr\tx\t0\t-\tx", false },
	{ "41x\t1\tk\tc\to\tr\t0\t0\t-\tx", false },
};

static void
a_line_of_another_make_is_refused(void **state)
{
	char slot[JOURNAL_SLOT];
	struct journal_line back;
	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		sealed(slot, bodies[i].body);
		if (journal_decode(slot, &back) != bodies[i].good)
			fail_msg("'%s' was %s", bodies[i].body,
				 bodies[i].good ? "refused" : "taken");
	}
}

/* ---- the reader ---- */

static int
ring(void)
{
	char slot[JOURNAL_SLOT];
	int fd = memfd_create("journal", MFD_CLOEXEC);
	assert_true(fd != -1);
	journal_header(slot, &(struct journal_head){
				     SLOTS, 1, "11111111-2222-3333-4444-555555555555" });
	assert_int_equal(pwrite(fd, slot, sizeof slot, 0), JOURNAL_SLOT);
	assert_int_equal(ftruncate(fd, (SLOTS + 1) * (off_t)JOURNAL_SLOT), 0);
	return fd;
}

static void
put(int fd, uint64_t id)
{
	char slot[JOURNAL_SLOT];
	struct journal_line l = full;
	l.id = id;
	journal_encode(&l, slot);
	assert_int_equal(pwrite(fd, slot, sizeof slot,
				(off_t)((1 + id % SLOTS) * JOURNAL_SLOT)),
			 JOURNAL_SLOT);
}

static void
reads_on_from_the_cursor(void **state)
{
	struct journal_reader r;
	struct journal_line l;
	int fd = ring();
	(void)state;
	assert_true(journal_reader_open(&r, fd, 0));
	assert_int_equal(r.slots, SLOTS);
	assert_int_equal(journal_next(&r, 0, &l), JOURNAL_EMPTY);
	for (uint64_t id = 1; id <= 5; id++)
		put(fd, id);
	for (uint64_t id = 1; id <= 3; id++) {
		assert_int_equal(journal_next(&r, 5, &l), JOURNAL_LINE);
		assert_int_equal(l.id, id);
		assert_int_equal(r.cursor, id);
	}
	assert_true(journal_reader_open(&r, fd, 3)); /* a later life */
	assert_int_equal(journal_next(&r, 5, &l), JOURNAL_LINE);
	assert_int_equal(l.id, 4);
	assert_int_equal(journal_next(&r, 5, &l), JOURNAL_LINE);
	assert_int_equal(journal_next(&r, 5, &l), JOURNAL_EMPTY);
	assert_int_equal(r.lost, 0);
	close(fd);
}

static const struct {
	uint64_t cursor, last, first, lost;
} overruns[] = {
	{ 0, 8, 1, 0 }, /* just full */
	{ 0, 9, 2, 1 }, /* one is gone */
	{ 0, 100, 93, 92 }, { 50, 100, 93, 42 }, { 92, 100, 93, 0 }, { 99, 100, 100, 0 },
};

static void
counts_what_was_overwritten(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(overruns); i++) {
		struct journal_reader r;
		struct journal_line l;
		int fd = ring();
		for (uint64_t id = 1; id <= overruns[i].last; id++)
			put(fd, id);
		assert_true(journal_reader_open(&r, fd, overruns[i].cursor));
		assert_int_equal(journal_next(&r, overruns[i].last, &l), JOURNAL_LINE);
		assert_int_equal(l.id, overruns[i].first);
		assert_int_equal(r.lost, overruns[i].lost);
		while (journal_next(&r, overruns[i].last, &l) == JOURNAL_LINE)
			;
		assert_int_equal(r.cursor, overruns[i].last);
		assert_int_equal(r.lost, overruns[i].lost);
		close(fd);
	}
}

static void
skips_what_is_torn_or_newer(void **state)
{
	struct journal_reader r;
	struct journal_line l;
	int fd = ring();
	(void)state;
	for (uint64_t id = 1; id <= 4; id++)
		put(fd, id);
	assert_int_equal(pwrite(fd, "????", 4, (1 + 2) * (off_t)JOURNAL_SLOT), 4);
	put(fd, 3 + SLOTS); /* written between the bell and our look */
	assert_true(journal_reader_open(&r, fd, 0));
	assert_int_equal(journal_next(&r, 4, &l), JOURNAL_LINE);
	assert_int_equal(l.id, 1);
	assert_int_equal(journal_next(&r, 4, &l), JOURNAL_LINE);
	assert_int_equal(l.id, 4);
	assert_int_equal(r.lost, 2);
	close(fd);
}

static void
what_is_no_journal_is_not_read(void **state)
{
	struct journal_reader r;
	char slot[JOURNAL_SLOT];
	int fd = memfd_create("empty", MFD_CLOEXEC);
	(void)state;
	assert_false(journal_reader_open(&r, fd, 0));
	journal_encode(&full, slot); /* a line, not a header */
	assert_int_equal(pwrite(fd, slot, sizeof slot, 0), JOURNAL_SLOT);
	assert_false(journal_reader_open(&r, fd, 0));
	/* no slots: nothing may be divided by that */
	journal_header(slot, &(struct journal_head){ 0, 1, "boot" });
	assert_int_equal(pwrite(fd, slot, sizeof slot, 0), JOURNAL_SLOT);
	assert_false(journal_reader_open(&r, fd, 0));
	assert_false(journal_reader_open(&r, -1, 0));
	close(fd);
}

int
test_journal(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back_as_it_went),
		cmocka_unit_test(cleans_and_cuts),
		cmocka_unit_test(a_torn_slot_is_no_line),
		cmocka_unit_test(a_line_of_another_make_is_refused),
		cmocka_unit_test(reads_on_from_the_cursor),
		cmocka_unit_test(counts_what_was_overwritten),
		cmocka_unit_test(skips_what_is_torn_or_newer),
		cmocka_unit_test(what_is_no_journal_is_not_read),
	};
	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
