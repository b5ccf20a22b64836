/* The kinds that are one question or a dialogue: what each asks, and what it thinks of
 * real answers, however they are cut. */
#include "probes/kind.h"

#include "rules/parse.h"
#include "test/unit/book.h"
#include "test/unit/probes.h"

#include <string.h>

static const struct row {
	const char *section; /* lines of the [check] */
	const char *bytes;   /* all that the peer says */
	size_t size;
	const char *asked; /* all that it is asked; NULL: not looked at */
	size_t asked_size;
	enum judgement judgement; /* JUDGE_MORE: the peer ended too early */
	const char *why;
} rows[] = {
#define ANSWER(section, bytes, asked, judgement, why)                                    \
	{                                                                                \
		section, BYTES(bytes), BYTES(asked), judgement, why                      \
	}
#define TALK "tcp = h:1\n"
	/* ---- send and expect ---- */
	ANSWER(TALK "expect = body ~ ^220", "220 hi\r\n", "", JUDGE_GOOD, ""),
	ANSWER(TALK "expect = body ~ ^220", "421 no\r\n", "", JUDGE_BAD,
	       "closed after '421 no"),
	ANSWER(TALK "send = PING\\r\\n\nexpect = body ~ PONG", "+PONG\r\n", "PING\r\n",
	       JUDGE_GOOD, ""),
	ANSWER(TALK "send = PING\\r\\n", "?", "PING\r\n", JUDGE_GOOD, ""),
	ANSWER(TALK "send = PING\\r\\n", "", "PING\r\n", JUDGE_GOOD, ""),
	ANSWER(TALK "send = a\\x00\\xfF\nexpect = body ~ b", "ab", "a\0\xff", JUDGE_GOOD,
	       ""),
	ANSWER(TALK "send = \" a b \"\nexpect = body ~ b", "ab", " a b ", JUDGE_GOOD, ""),
	ANSWER(TALK "send = a\nsend = b\nexpect = body ~ x\nsend = c\nexpect = body ~ y",
	       "xy", "abc", JUDGE_GOOD, ""),
	ANSWER(TALK "send = a\nexpect = body ~ x\nsend = b\nexpect = body ~ x", "xzx",
	       "ab", JUDGE_GOOD, ""),
	/* what fitted once does not fit again */
	ANSWER(TALK "send = a\nexpect = body ~ x\nsend = b\nexpect = body ~ x", "xz",
	       "ab", JUDGE_BAD, "closed after 'z', expected body ~ x"),
	/* a line's begin and end are ^ and $ too */
	ANSWER(TALK "expect = body ~ ^220\nsend = a\nexpect = body ~ ok$\nsend = b\n"
		    "expect = body ~ ^y",
	       "220 hi\r\n250 ok\r\nz\ny", "ab", JUDGE_GOOD, ""),
	/* both of one turn */
	ANSWER(TALK "send = a\nexpect = body ~ x\nexpect = body ~ y", "yzx", "a",
	       JUDGE_GOOD, ""),
	ANSWER(TALK "send = a\nexpect = body ~ x\nexpect = body ~ y", "yz", "a",
	       JUDGE_BAD, "closed after 'yz'"),
	/* it speaks first, and is told goodbye */
	ANSWER(TALK "expect = body ~ ^220.*\\r\nsend = QUIT\\r\\n",
	       "220 hi\r\n221 ok\r\n", "QUIT\r\n", JUDGE_GOOD, ""),
	ANSWER(TALK "expect = body ~ ^220.*\\r\nsend = QUIT\\r\\n", "220 hi\r\n",
	       "QUIT\r\n", JUDGE_GOOD, ""),
	ANSWER("unix = /s\nsend = a\nexpect = body ~ x", "x", "a", JUDGE_GOOD, ""),
};

struct talk { /* as the engine holds it */
	struct plan plan;
	struct reply reply;
	char bytes[65536], asked[4096];
	size_t asked_size;
	char why[MSG_TEXT];
};

static const struct kind *
kind_of(const struct talk *t)
{
	return &kind_table[t->plan.check->kind];
}

static void
ask(struct talk *t)
{
	struct asked a = { .plan = &t->plan,
			   .unique = 0x0102030405060708,
			   .step = t->reply.step };
	size_t n = kind_of(t)->ask(&a, t->asked + t->asked_size,
				   sizeof t->asked - t->asked_size);
	assert_int_not_equal(n, 0);
	if (n != ASK_NOTHING)
		t->asked_size += n;
}

static enum judgement
judge(struct talk *t)
{
	struct answer a = { 0 };
	for (;;) {
		struct reply *r = &t->reply;
		enum judgement j = kind_of(t)->judge(&t->plan, r, &a, t->why);
		if (j != JUDGE_NEXT)
			return j;
		assert_true(r->used <= r->size);
		memmove(r->bytes, r->bytes + r->used, r->size -= r->used);
		r->used = 0;
		r->step++;
		ask(t);
		if (r->size == 0 && !r->ended)
			return JUDGE_MORE;
	}
}

static enum judgement
talk_cut(struct talk *t, const struct row *row, unsigned cut)
{
	enum judgement j = JUDGE_MORE;
	uint32_t chance = 1;
	t->reply = (struct reply){ .bytes = t->bytes };
	t->asked_size = 0;
	t->why[0] = '\0';
	ask(t);
	for (size_t at = 0; at < row->size && j == JUDGE_MORE;) {
		size_t n = cut_next(cut, row->size - at, &chance);
		memcpy(t->bytes + t->reply.size, row->bytes + at, n);
		t->reply.size += n;
		at += n;
		j = judge(t);
	}
	t->reply.ended = true;
	return j == JUDGE_MORE ? judge(t) : j;
}

static void
try_row(size_t i)
{
	static struct talk t;
	const struct row *row = &rows[i];
	char text[1024];
	snprintf(text, sizeof text, "[check c]\n%s\n", row->section);
	struct rules *rules = book(text);
	assert_true(plan_make(&t.plan, rules, 0));
	for (unsigned cut = 0; cut < CUTS; cut++) {
		enum judgement j = talk_cut(&t, row, cut);
		if (j != row->judgement ||
		    strncmp(t.why, row->why, strlen(row->why)) != 0)
			fail_msg("row %zu (%s), cut %u: got %d '%s', expected %d '%s'", i,
				 row->section, cut, (int)j, t.why, (int)row->judgement,
				 row->why);
		if (row->asked != NULL &&
		    (t.asked_size != row->asked_size ||
		     memcmp(t.asked, row->asked, t.asked_size) != 0))
			fail_msg("row %zu (%s), cut %u: asked %zu bytes, expected %zu", i,
				 row->section, cut, t.asked_size, row->asked_size);
	}
	plan_free(&t.plan);
	rules_free(&rules);
}

static void
asks_and_judges(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		try_row(i);
}

static const struct book_row mistakes[] = {
	{ "[check c]\ntcp = h:1\nsend = a\\q\n",
	  "r.ini:3: send: expected \\r \\n \\t \\\\ or \\xHH behind a backslash\n" },
	{ "[check c]\ntcp = h:1\nsend = a\\x1\n",
	  "r.ini:3: send: expected \\r \\n \\t \\\\ or \\xHH behind a backslash\n" },
	{ "[check c]\ntcp = h:1\nsend = a\\\n",
	  "r.ini:3: send: expected \\r \\n \\t \\\\ or \\xHH behind a backslash\n" },
	{ "[check c]\nhttp = http://h/\nsend = a\n",
	  "r.ini:1: [check c]: send is for tcp and unix\n" },
	{ "[check c]\ntcp = h:1\nexpect = body > 5B\n",
	  "r.ini:1: [check c]: in a dialogue only body ~ REGEX is expected\n" },
	{ "[check c]\ntcp = h:1\nwarn = body ~ x\n",
	  "r.ini:1: [check c]: a dialogue has no warn of a body\n" },
};

static void
refuses_what_makes_no_sense(void **state)
{
	(void)state;
	book_table(mistakes, COUNT(mistakes));
}

int
test_probes_kinds(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_and_judges),
		cmocka_unit_test(refuses_what_makes_no_sense),
	};
	return cmocka_run_group_tests_name("probes_kinds", tests, NULL, NULL);
}
