#include "probes/kind.h"

#include "test/unit/probes.h"

#include <string.h>

static const struct {
	const char *bytes;
	size_t size;
	enum judgement judgement;
	const char *why;
} answers[] = {
	{ BYTES("AB\0\1\11"), JUDGE_GOOD, "" },
	{ BYTES("AB\0\1\11AB\0\1\11"), JUDGE_GOOD, "" }, /* what follows is not read */
	{ BYTES("AB\0\1"), JUDGE_BAD, "closed after 4 of 5 bytes of CPONG" },
	{ BYTES("A"), JUDGE_BAD, "closed after 1 of 5 bytes of CPONG" },
	{ BYTES(""), JUDGE_BAD, "closed after 0 of 5 bytes of CPONG" },
	{ BYTES("AB\0\1\5"), JUDGE_BAD, "not AJP: expected CPONG" },
	{ BYTES("AB\0\2\11"), JUDGE_BAD, "not AJP: expected CPONG" },
	{ BYTES("\x12\x34\0\1\11"), JUDGE_BAD, "not AJP: expected CPONG" },
	{ BYTES("HTTP/1.1 400 \r\n\r\n"), JUDGE_BAD, "not AJP: expected CPONG, got 'H" },
	{ BYTES("\0"), JUDGE_BAD, "not AJP: expected CPONG, got ' '" },
};

/* As the engine does: a judge that has decided is not asked again. */
static enum judgement
judge_cut(const char *bytes, size_t size, unsigned cut, char why[MSG_TEXT])
{
	char buffer[64];
	struct reply r = { .bytes = buffer };
	struct answer a = { 0 };
	enum judgement j = JUDGE_MORE;
	uint32_t chance = 1;
	assert_true(size <= sizeof buffer);
	for (size_t at = 0; at < size && j == JUDGE_MORE;) {
		size_t n = cut_next(cut, size - at, &chance);
		memcpy(buffer + at, bytes + at, n);
		r.size = at += n;
		j = ajp_judge(NULL, &r, &a, why);
	}
	r.ended = true;
	return j == JUDGE_MORE ? ajp_judge(NULL, &r, &a, why) : j;
}

static void
judges_cpong(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++)
		for (unsigned cut = 0; cut < CUTS; cut++) {
			char why[MSG_TEXT] = "";
			enum judgement j =
				judge_cut(answers[i].bytes, answers[i].size, cut, why);
			if (j != answers[i].judgement ||
			    strncmp(why, answers[i].why, strlen(answers[i].why)) != 0)
				fail_msg("row %zu, cut %u: got %d '%s', expected %d '%s'",
					 i, cut, (int)j, why, (int)answers[i].judgement,
					 answers[i].why);
		}
}

static void
asks_with_cping(void **state)
{
	char buf[8];
	(void)state;
	assert_int_equal(ajp_ask(NULL, buf, sizeof buf), 5);
	assert_memory_equal(buf, "\x12\x34\0\1\12", 5);
	assert_int_equal(ajp_ask(NULL, buf, 4), 0);
}

int
test_probes_ajp(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_cpong),
		cmocka_unit_test(asks_with_cping),
	};
	return cmocka_run_group_tests_name("probes_ajp", tests, NULL, NULL);
}
