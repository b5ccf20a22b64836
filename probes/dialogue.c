/* A dialogue by the rules' own words: `send` and `expect = body ~ REGEX` in turn. A step
 * is all that is sent up to the next expect, and the expects behind it; the first sends
 * nothing where the peer speaks first. What is sent behind the last expect, as a
 * farewell, wants any byte or the peer's end. */
#include "probes/expect.h"
#include "probes/kind.h"

#include "base/text.h"

#include <string.h>

struct step {
	uint32_t first, last; /* sends [first, last) */
	bool expects;         /* those of turn `last` */
};

/* False: there is no such step. */
static bool
step_find(const struct check *c, unsigned step, struct step *out)
{
	uint32_t done = 0; /* sends of the steps before */
	unsigned at = 0;
	for (uint32_t i = 0; i < c->expect_count; i++) {
		const struct expect *x = &c->expects[i];
		if (x->kind != EXPECT_BODY || (at > 0 && x->turn == done))
			continue;
		if (at++ == step) {
			*out = (struct step){ done, x->turn, true };
			return true;
		}
		done = x->turn;
	}
	*out = (struct step){ done, c->more->say_count, false };
	return at == step && done < c->more->say_count;
}

size_t
dialogue_ask(const struct asked *a, char *buf, size_t cap)
{
	const struct check *c = a->plan->check;
	struct step step;
	size_t size = 0;
	if (!step_find(c, a->step, &step))
		return ASK_NOTHING;
	for (uint32_t i = step.first; i < step.last; i++) {
		if (c->more->says[i].size > cap - size)
			return 0;
		memcpy(buf + size, c->more->says[i].bytes, c->more->says[i].size);
		size += c->more->says[i].size;
	}
	return size > 0 ? size : ASK_NOTHING;
}

static enum judgement
judge_step(const struct plan *p, const struct step *step, struct reply *r,
	   char why[MSG_TEXT])
{
	const struct check *c = p->check;
	for (uint32_t i = 0; i < c->expect_count; i++) {
		const struct expect *x = &c->expects[i];
		size_t end;
		if (x->kind != EXPECT_BODY || x->turn != step->last)
			continue;
		if (expect_matches(p->tests->expects[i], r->bytes, r->size, &end)) {
			r->used = end > r->used ? end : r->used;
			continue;
		}
		if (!r->ended)
			return JUDGE_MORE;
		char shown[80];
		text_clean(shown, sizeof shown, r->bytes, r->size);
		text_print(why, MSG_TEXT, "closed after '%s', expected body ~ %.60s",
			   shown, x->text);
		return JUDGE_BAD;
	}
	bool tls = step->last < c->more->say_count && c->more->says[step->last].tls;
	return tls ? JUDGE_STARTTLS : JUDGE_NEXT;
}

enum judgement
dialogue_judge(const struct plan *p, struct reply *r, struct answer *a,
	       char why[MSG_TEXT])
{
	struct step step, next;
	a->in_turn = true;
	r->used = 0;
	if (!step_find(p->check, r->step, &step) || !step.expects)
		return r->size > 0 || r->ended ? JUDGE_GOOD : JUDGE_MORE;
	enum judgement j = judge_step(p, &step, r, why);
	return j == JUDGE_NEXT && !step_find(p->check, r->step + 1, &next) ? JUDGE_GOOD
									   : j;
}
