/* Tests of contacts: an operator waits for each, so each is answered, also when alerts is only
 * beginning, or is lost with it. */
#include "monitord/core.h"

static uint64_t *
place_of(struct core *c, uint64_t token)
{
	for (unsigned i = 0; i < TESTS; i++)
		if (c->tests[i] == token)
			return &c->tests[i];
	return NULL;
}

void
trial_begin(struct core *c, uint64_t token, uint32_t contact)
{
	struct helper_slot *h = &c->helpers[ROLE_ALERTS];
	struct msg_test test = { .token = token, .contact = contact };
	uint64_t *place = place_of(c, 0);
	if (token != 0 && place == NULL)
		command_answer(c, token, ANSWER_FAILED, 0, "too many tests at once");
	else if (h->state == HELPER_OFF ||
		 !helper_control(h, MSG_TEST, &test, sizeof test, -1))
		command_answer(c, token, ANSWER_FAILED, 0,
			       "alerts cannot be reached now");
	else if (token != 0) /* somebody waits */
		*place = token;
}

void
trial_done(struct core *c, const struct msg_test_done *m)
{
	uint64_t *place = place_of(c, m->token);
	if (m->token == 0 || place == NULL)
		return; /* nobody asked */
	*place = 0;
	command_answer(c, m->token, m->ok ? ANSWER_DONE : ANSWER_FAILED,
		       world_last_event(c->world), m->text);
}

void
trials_lost(struct core *c)
{
	for (unsigned i = 0; i < TESTS; i++) {
		command_answer(c, c->tests[i], ANSWER_FAILED, 0,
			       "alerts was lost meanwhile: once more, please");
		c->tests[i] = 0;
	}
}
