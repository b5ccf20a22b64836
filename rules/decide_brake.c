/* The brake on actions: no rule, right or wrong, does more than so much in a time, on the
 * machine or on one chain. */
#include "rules/decide.h"

#include "base/text.h"

#include <string.h>

static bool
acts(const struct action *a)
{
	switch (a->kind) {
	case ACTION_START:
	case ACTION_STOP:
	case ACTION_RESTART:
	case ACTION_RELOAD:
	case ACTION_KILL:
	case ACTION_SIGNAL:
	case ACTION_DRAIN:
	case ACTION_REROUTE:
	case ACTION_RUN:
		return true;
	case ACTION_UNDRAIN:
	case ACTION_HOLD:
	case ACTION_RELEASE:
	case ACTION_RESTORE:
	case ACTION_ALERT:
	case ACTION_PAGE:
	case ACTION_LOG:
	case ACTION_KINDS:
		break;
	}
	return false;
}

/* The action is about a member of the chain: its service, a check of it, or its route; a
 * command is about what its rule reads. */
static bool
is_of_chain(const struct world *w, const struct chain *c, const struct rule *r,
	    const struct action *a)
{
	bool is = false;
	for (uint32_t i = 0; !is && i < c->link_count; i++) {
		const struct chain_link *l = &c->links[i];
		uint32_t service = l->kind == OBJECT_SERVICE ? l->id
				   : l->kind == OBJECT_CHECK ? w->rules->checks[l->id].of
							     : RULES_NONE;
		if (a->kind == ACTION_REROUTE)
			is = l->kind == OBJECT_ROUTE && l->id == a->id;
		else if (a->kind != ACTION_RUN)
			is = service != RULES_NONE && service == a->id;
		for (uint32_t k = 0; a->kind == ACTION_RUN && !is && k < r->when.count;
		     k++)
			is = r->when.ops[k].kind == OP_TEST &&
			     ((r->when.ops[k].object == l->kind &&
			       r->when.ops[k].id == l->id) ||
			      (r->when.ops[k].object == OBJECT_CHAIN &&
			       r->when.ops[k].id == c->id));
	}
	return is;
}

static bool
is_full(const struct world *w, const struct brake *b, const struct at_most *m)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < AT_MOST_MAX && i < b->next; i++)
		n += w->now_ms - b->times_ms[i] < m->within_ms;
	return m->count > 0 && n >= m->count;
}

static void
tell(struct world *w, uint32_t rule, const struct action *a, const struct at_most *m,
     const char *where, const struct alerts_to *to)
{
	char span[32], what[200], text[400];
	action_text(w, a, what, sizeof what);
	text_print(text, sizeof text,
		   "brake: %u actions in %s are the most %s; '%s' of rule %s is not done",
		   m->count, text_duration(m->within_ms, span, sizeof span), where, what,
		   w->rules->rules[rule].name);
	world_tell(w, "actions-braked", OBJECT_RULE, rule, "%s", text);
	world_tell_to(w, to, OBJECT_RULE, rule, text);
}

bool
brake_stops(struct world *w, uint32_t rule, const struct action *a)
{
	const struct rules *r = w->rules;
	uint32_t chains = r->chain_count;
	if (!acts(a))
		return false;
	for (uint32_t i = 0; i <= chains; i++) {
		const struct chain *c = i < chains ? &r->chains[i] : NULL;
		const struct at_most *m = c != NULL ? &c->actions : &r->settings.actions;
		char where[RULES_NAME_MAX + 20] = "on this machine";
		if (m->count == 0 ||
		    (c != NULL && !is_of_chain(w, c, &r->rules[rule], a)))
			continue;
		if (!is_full(w, &w->brakes[i], m)) {
			w->brakes[i].told = false;
			continue;
		}
		if (c != NULL)
			text_print(where, sizeof where, "on chain %s", c->name);
		if (!w->brakes[i].told)
			tell(w, rule, a, m, where,
			     c != NULL && c->alert.set ? &c->alert : &r->settings.alert);
		w->brakes[i].told = true;
		return true;
	}
	for (uint32_t i = 0; i <= chains; i++)
		if (i == chains || is_of_chain(w, &r->chains[i], &r->rules[rule], a))
			w->brakes[i].times_ms[w->brakes[i].next++ % AT_MOST_MAX] =
				w->now_ms;
	return false;
}

/* A reload opens no brake. */
void
brakes_move(struct world *to, const struct world *from)
{
	for (uint32_t i = 0; i < to->rules->chain_count; i++) {
		uint32_t old =
			rules_find(from->rules, OBJECT_CHAIN, to->rules->chains[i].name);
		if (old != RULES_NONE)
			to->brakes[i] = from->brakes[old];
	}
	to->brakes[to->rules->chain_count] = from->brakes[from->rules->chain_count];
}
