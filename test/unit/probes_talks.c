/* What real servers said, recorded: test/fuzz/corpus/kinds. Each file is the section of a
 * check, an empty line, and all that the peer said. Comments among the lines tell what is
 * wanted: "#want good", "#why TEXT", "#value METRIC NUMBER", "#secret TEXT", "#unique
 * HEX",
 * "#asked HEX" (all that it was asked). Files without "#want" are the fuzzer's. */
#include "test/unit/probes_talk.h"

#include "rules/metric.h"
#include "test/unit/book.h"
#include "test/unit/probes.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAST 8 /* recordings that must be there */

static struct talk t;

/* The text behind a comment's word, up to the line's end, in one of two static buffers;
 * NULL: there is none at or behind *from, which is moved behind it. */
static const char *
comment(const char *section, const char *word, const char **from)
{
	static char buffers[2][16384];
	static unsigned turn;
	const char *at = strstr(*from != NULL ? *from : section, word);
	if (at == NULL)
		return NULL;
	at += strlen(word);
	char *out = buffers[turn++ % 2];
	snprintf(out, sizeof *buffers, "%.*s", (int)strcspn(at, "\n"), at);
	*from = at;
	return out;
}

static void
compare_values(const char *file, const char *section)
{
	const char *from = NULL, *text;
	while ((text = comment(section, "#value ", &from)) != NULL) {
		size_t n = strcspn(text, " ");
		enum metric m = metric_find(text, n, 'C');
		if (m == METRICS_COUNT)
			fail_msg("%s: no metric '%s'", file, text);
		if (!(fabs(t.answer.value[m] - strtod(text + n, NULL)) < 1e-3))
			fail_msg("%s: %s, but it is %g", file, text, t.answer.value[m]);
	}
}

static void
compare_asked(const char *file, const char *section)
{
	const char *from = NULL, *hex = comment(section, "#asked ", &from);
	static char is[2 * sizeof t.asked + 1];
	if (hex == NULL)
		return;
	for (size_t i = 0; i < t.asked_size; i++)
		snprintf(is + 2 * i, 3, "%02x", (unsigned)(unsigned char)t.asked[i]);
	is[2 * t.asked_size] = '\0';
	if (strcmp(is, hex) != 0)
		fail_msg("%s: asked %s, expected %s", file, is, hex);
}

static void
replay(const char *file, const char *section, const char *bytes, size_t size)
{
	const char *from = NULL, *want = comment(section, "#want ", &from);
	bool good = strcmp(want, "good") == 0;
	from = NULL;
	const char *secret = comment(section, "#secret ", &from);
	char kept[1024], why[MSG_TEXT] = "", text[32768];
	snprintf(kept, sizeof kept, "%s\n", secret != NULL ? secret : "");
	from = NULL;
	const char *reason = comment(section, "#why ", &from);
	snprintf(why, sizeof why, "%s", reason != NULL ? reason : "");
	snprintf(text, sizeof text, "[check c]\n%.32000s\n", section);
	struct rules *rules = book(text);
	assert_true(plan_make(&t.plan, rules, 0));
	t.secret = secret != NULL ? kept : NULL;
	from = NULL;
	const char *unique = comment(section, "#unique ", &from);
	t.unique = unique != NULL ? strtoull(unique, NULL, 16) : 0;
	from = NULL;
	const char *real = comment(section, "#real-ns ", &from);
	t.real_ns = real != NULL ? strtoll(real, NULL, 10) : 0;
	for (unsigned cut = 0; cut < CUTS; cut++) {
		enum judgement j = talk_hold(&t, bytes, size, cut);
		if (j != (good ? JUDGE_GOOD : JUDGE_BAD) ||
		    strncmp(t.why, why, strlen(why)) != 0)
			fail_msg("%s, cut %u: got %d '%s', expected %s '%s'", file, cut,
				 (int)j, t.why, good ? "good" : "bad", why);
		compare_values(file, section);
		compare_asked(file, section);
	}
	plan_free(&t.plan);
	rules_free(&rules);
}

static unsigned
replay_file(const char *folder, const char *name)
{
	static char bytes[1 << 20];
	char path[4352];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	size_t size = fread(bytes, 1, sizeof bytes - 1, f);
	fclose(f);
	char *end = memmem(bytes, size, "\n\n", 2);
	if (end == NULL)
		return 0;
	*end = '\0';
	if (strstr(bytes, "#want ") == NULL)
		return 0;
	replay(name, bytes, end + 2, size - (size_t)(end + 2 - bytes));
	return 1;
}

static void
replays_recordings(void **state)
{
	char folder[4096];
	unsigned count = 0;
	const char *source = getenv("MONITORD_SOURCE");
	(void)state;
	snprintf(folder, sizeof folder, "%s/test/fuzz/corpus/kinds",
		 source != NULL ? source : ".");
	DIR *dir = opendir(folder);
	if (dir == NULL)
		fail_msg("%s is not there", folder);
	for (struct dirent *d; (d = readdir(dir)) != NULL;)
		if (d->d_name[0] != '.')
			count += replay_file(folder, d->d_name);
	closedir(dir);
	if (count < LEAST)
		fail_msg("%u recordings in %s: too few", count, folder);
}

int
test_probes_talks(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replays_recordings),
	};
	return cmocka_run_group_tests_name("probes_talks", tests, NULL, NULL);
}
