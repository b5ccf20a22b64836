/* The brake on actions: no rule, right or wrong, does more than so much in a time, on the
 * machine or on one chain. */
#include "rules/decide.h"

#include "base/text.h"

/* The others tell, or give back. */
static const bool acts[ACTION_KINDS] = {
	[ACTION_START] = true,	[ACTION_STOP] = true,	[ACTION_RESTART] = true,
	[ACTION_RELOAD] = true, [ACTION_KILL] = true,	[ACTION_SIGNAL] = true,
	[ACTION_DRAIN] = true,	[ACTION_REROUTE] = true, [ACTION_RUN] = true,
};

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

/* c: whose brake it is; NULL: the machine's. */
static void
tell(struct world *w, uint32_t rule, const struct action *a, const struct chain *c)
{
	const struct settings *s = &w->rules->settings;
	const struct at_most *m = c != NULL ? &c->actions : &s->actions;
	const struct alerts_to *to = c != NULL && c->alert.set ? &c->alert : &s->alert;
	char span[32], what[200], text[400];
	action_text(w, a, what, sizeof what);
	text_print(
		text, sizeof text,
		"brake: %u actions in %s are the most on %s%s; '%s' of rule %s is not done",
		m->count, text_duration(m->within_ms, span, sizeof span),
		c != NULL ? "chain " : "this machine", c != NULL ? c->name : "", what,
		w->rules->rules[rule].name);
	world_tell(w, "actions-braked", OBJECT_RULE, rule, "%s", text);
	world_tell_to(w, to, OBJECT_RULE, rule, text);
}

bool
brake_stops(struct world *w, uint32_t rule, const struct action *a)
{
	const struct rules *r = w->rules;
	uint32_t chains = r->chain_count;
	if (!acts[a->kind])
		return false;
	for (uint32_t i = 0; i <= chains; i++) {
		const struct chain *c = i < chains ? &r->chains[i] : NULL;
		const struct at_most *m = c != NULL ? &c->actions : &r->settings.actions;
		if (m->count == 0 ||
		    (c != NULL && !is_of_chain(w, c, &r->rules[rule], a)))
			continue;
		if (!is_full(w, &w->brakes[i], m)) {
			w->brakes[i].told = false;
			continue;
		}
		if (!w->brakes[i].told)
			tell(w, rule, a, c);
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
