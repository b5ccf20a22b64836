#include "test/unit/probes_talk.h"

#include "test/unit/probes.h"

#include <math.h>
#include <string.h>
#include <sys/socket.h>

static const struct kind *
kind_of(const struct talk *t)
{
	return &kind_table[t->plan.check->kind];
}

static void
ask(struct talk *t)
{
	if (t->secret != NULL)
		t->files[FILE_SECRET] =
			(struct blob){ (char *)(uintptr_t)t->secret, strlen(t->secret) };
	t->reply.files = t->secret != NULL ? t->files : NULL;
	struct asked a = { .plan = &t->plan,
			   .unique = t->reply.unique,
			   .step = t->reply.step,
			   .now_ns = 1000000000,
			   .stream = t->reply.stream,
			   .family = AF_INET,
			   .kept = t->kept,
			   .files = t->reply.files };
	size_t n = kind_of(t)->ask(&a, t->asked + t->asked_size,
				   sizeof t->asked - t->asked_size);
	assert_int_not_equal(n, 0);
	if (n != ASK_NOTHING)
		t->asked_size += n;
}

static void
clear(struct answer *a)
{
	*a = (struct answer){ 0 };
	for (unsigned m = 0; m < METRICS_COUNT; m++)
		a->value[m] = (double)NAN;
}

static enum judgement
judge(struct talk *t)
{
	clear(&t->answer);
	t->reply.now_ns = 1005000000;
	t->reply.asked_ns[0] = 1000000000;
	t->reply.real_ns = t->real_ns + 5000000;
	t->reply.asked_real_ns[0] = t->real_ns;
	for (;;) {
		struct reply *r = &t->reply;
		enum judgement j = kind_of(t)->judge(&t->plan, r, &t->answer, t->why);
		if (j == JUDGE_ELSEWHERE || j == JUDGE_STARTTLS) {
			assert_true(j == JUDGE_STARTTLS || r->host != NULL || !r->stream);
			r->stream = true;
			r->used = r->size;
			t->moved = true;
		} else if (j != JUDGE_NEXT) {
			return j;
		}
		assert_true(r->used <= r->size);
		memmove(r->bytes, r->bytes + r->used, r->size -= r->used);
		r->used = 0;
		r->step++;
		ask(t);
		if (r->size == 0 && !r->ended)
			return JUDGE_MORE;
	}
}

/* Where the connection ends whose bytes begin at `at`. */
static size_t
connection_end(const char *bytes, size_t at, size_t size)
{
	const char *end =
		memmem(bytes + at, size - at, TALK_ELSEWHERE, strlen(TALK_ELSEWHERE));
	return end != NULL ? (size_t)(end - bytes) : size;
}

enum judgement
talk_hold(struct talk *t, const char *bytes, size_t size, unsigned cut)
{
	enum judgement j = JUDGE_MORE;
	uint32_t chance = 1;
	size_t stop = connection_end(bytes, 0, size);
	assert_true(kind_of(t)->kept <= sizeof t->kept);
	memset(t->kept, 0, sizeof t->kept);
	t->reply = (struct reply){ .bytes = t->bytes,
				   .kept = t->kept,
				   .unique = t->unique != 0 ? t->unique
							    : 0x0102030405060708 };
	t->asked_size = 0;
	t->why[0] = '\0';
	ask(t);
	t->reply.stream = !kind_of(t)->datagrams;
	for (size_t at = 0; at < stop && j == JUDGE_MORE;) {
		size_t n =
			t->reply.stream ? cut_next(cut, stop - at, &chance) : stop - at;
		assert_true(n <= sizeof t->bytes - t->reply.size);
		memcpy(t->bytes + t->reply.size, bytes + at, n);
		t->reply.size += n;
		at += n;
		t->moved = false;
		j = judge(t);
		if (t->moved) {
			at = stop < size ? stop + strlen(TALK_ELSEWHERE) : size;
			stop = connection_end(bytes, at, size);
		}
	}
	t->reply.ended = true;
	return j == JUDGE_MORE ? judge(t) : j;
}
