/* Any text up to an empty line as the section of a check that talks over a connection,
 * any bytes behind it as all that its peer says: the verdict does not depend on how these
 * are cut, and its reason is clean. One target for all kinds: each has recordings of real
 * servers in the corpus, which name it; with FUZZ_KIND only that one is looked at. */
#include "test/fuzz/fuzz.h"
#include "test/fuzz/section.h"

#include "probes/kind.h"

#include <math.h>
#include <string.h>

#define CHECK "[check c]\n"
#define KEPT_MAX 4096
#define STEPS_MAX 10000
#define ELSEWHERE "\n--elsewhere--\n" /* behind it: what the next peer says */

struct talk {
	const struct plan *plan;
	const struct kind *kind;
	struct reply reply;
	unsigned steps;
	bool moved;
	char why[MSG_TEXT];
};

static uint64_t unique; /* what the recorded peer was told, so that its answer fits */

static void
take_unique(const uint8_t *lines, size_t size)
{
	static const char word[] = "#unique ";
	char text[17] = "1";
	const uint8_t *at = memmem(lines, size, word, sizeof word - 1);
	if (at != NULL) {
		size_t n = size - (size_t)(at - lines) - (sizeof word - 1);
		memcpy(text, at + sizeof word - 1, n < 16 ? n : 16);
		text[n < 16 ? n : 16] = '\0';
	}
	unique = strtoull(text, NULL, 16);
}

static bool
is_wanted(enum check_kind kind)
{
	const char *only = getenv("FUZZ_KIND");
	return only == NULL || strcmp(only, check_kind_name[kind]) == 0;
}

static void
ask(struct talk *t)
{
	static char request[PLAN_REQUEST];
	static char secret[] = "geheim\n";
	static const struct blob files[CHECK_FILES] = { [FILE_SECRET] = { secret, 7 } };
	t->reply.files = t->plan->check->more->files != NULL ? files : NULL;
	struct asked a = { .plan = t->plan,
			   .unique = unique,
			   .step = t->reply.step,
			   .now_ns = 1000000000,
			   .stream = t->reply.stream,
			   .family = 2,
			   .kept = t->reply.kept,
			   .files = t->plan->check->more->files != NULL ? files : NULL };
	size_t n = t->kind->ask(&a, request, sizeof request);
	t->reply.asked_ns[0] = 1000000000;
	PROMISE(n == ASK_NOTHING || n <= sizeof request);
	PROMISE(++t->steps < STEPS_MAX);
}

static enum judgement
judge(struct talk *t)
{
	struct reply *r = &t->reply;
	struct answer a = { 0 };
	for (unsigned m = 0; m < METRICS_COUNT; m++)
		a.value[m] = (double)NAN;
	r->now_ns = 1005000000;
	for (;;) {
		enum judgement j = t->kind->judge(t->plan, r, &a, t->why);
		if (j == JUDGE_ELSEWHERE || j == JUDGE_STARTTLS) {
			t->reply.stream = true;
			PROMISE(j == JUDGE_STARTTLS || r->host == NULL ||
				(r->host != NULL && r->port != 0 && r->host[0] != '\0'));
			r->used = r->size;
			t->moved = true;
		} else if (j != JUDGE_NEXT) {
			return j;
		}
		PROMISE(r->used <= r->size);
		memmove(r->bytes, r->bytes + r->used, r->size -= r->used);
		r->used = 0;
		r->step++;
		ask(t);
		if (r->size == 0 && !r->ended)
			return JUDGE_MORE;
		if (r->size == 0 && r->ended && t->steps > 100)
			return JUDGE_BAD;
	}
}

static size_t
connection_end(const uint8_t *bytes, size_t at, size_t size)
{
	const uint8_t *end = memmem(bytes + at, size - at, ELSEWHERE, strlen(ELSEWHERE));
	return end != NULL ? (size_t)(end - bytes) : size;
}

/* A buffer of just what came: what a judge reads behind it, the sanitizer sees. */
static enum judgement
hold(const struct plan *plan, const uint8_t *bytes, size_t size, size_t piece)
{
	_Alignas(8) static char kept[KEPT_MAX];
	struct talk t = { .plan = plan, .kind = &kind_table[plan->check->kind] };
	enum judgement j = JUDGE_MORE;
	PROMISE(t.kind->kept <= sizeof kept);
	memset(kept, 0, sizeof kept);
	t.reply.kept = kept;
	t.reply.unique = unique;
	t.reply.asked_ns[0] = 1000000000;
	t.reply.stream = !t.kind->datagrams;
	t.reply.bytes = malloc(1);
	size_t stop = connection_end(bytes, 0, size);
	ask(&t);
	for (size_t at = 0; at < stop && j == JUDGE_MORE;) {
		size_t n = piece < stop - at ? piece : stop - at;
		char *more = realloc(t.reply.bytes, t.reply.size + n);
		if (more == NULL)
			exit(1);
		t.reply.bytes = more;
		memcpy(more + t.reply.size, bytes + at, n);
		t.reply.size += n;
		at += n;
		t.moved = false;
		j = judge(&t);
		if (t.moved) { /* what else came by the old connection is not heard */
			at = stop < size ? stop + strlen(ELSEWHERE) : size;
			stop = connection_end(bytes, at, size);
		}
		if (t.kind->most > 0 && t.reply.size > t.kind->most)
			break;
	}
	t.reply.ended = true;
	if (j == JUDGE_MORE)
		j = judge(&t);
	PROMISE((j == JUDGE_BAD) == (t.why[0] != '\0') || t.steps > 100);
	PROMISE(memchr(t.why, '\0', sizeof t.why) != NULL);
	for (const char *c = t.why; *c != '\0'; c++)
		PROMISE((unsigned char)*c >= ' ' && *c != 0x7f);
	free(t.reply.bytes);
	return j;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const uint8_t *end = memmem(bytes, size, "\n\n", 2);
	if (end == NULL)
		return 0;
	size_t lines = (size_t)(end - bytes) + 1, rest = size - lines - 1;
	struct rules *rules = section_parse(CHECK, bytes, lines);
	uint32_t id = rules != NULL ? rules_find(rules, OBJECT_CHECK, "c") : RULES_NONE;
	struct plan plan;
	take_unique(bytes, lines);
	if (id != RULES_NONE && rules->checks[id].kind != CHECK_HTTP &&
	    rules->checks[id].kind != CHECK_HTTPS && is_wanted(rules->checks[id].kind) &&
	    kind_table[rules->checks[id].kind].judge != NULL) {
		PROMISE(plan_make(&plan, rules, id));
		enum judgement whole =
			hold(&plan, bytes + lines + 1, rest, rest > 0 ? rest : 1);
		if (!kind_table[rules->checks[id].kind]
			     .datagrams) { /* these are not cut */
			PROMISE(whole == hold(&plan, bytes + lines + 1, rest, 1));
			PROMISE(whole == hold(&plan, bytes + lines + 1, rest, 13));
		}
		plan_free(&plan);
	}
	rules_free(&rules);
	return 0;
}
