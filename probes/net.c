/* The checks of what peers answer. */
#include "probes/probes.h"

#include "base/clock.h"
#include "base/log.h"
#include "probes/stream.h"
#include "rules/same.h"
#include "rules/world.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define COLLECT_MS 10 /* one tick: timers within it share a wake-up */
/* Results that say nothing new wait so long for company, or for so many: each packet wakes
 * monitord, which costs as much as what stands in it. */
#define CALM_MS 100
#define CALM_MOST 300

struct net {
	struct helper helper;
	struct stream stream;
	struct results results;
	struct rules *rules;
	struct run **runs; /* by check id; NULL: not ours */
	unsigned gathered; /* results since the last flush */
	bool news;         /* one of them must not wait */
	struct loop_timer calm;
};

/* Moves what measures the same to its new id; the rest ends. Fills new_id by old check.
 */
static void
carry(struct net *n, struct run **runs, const struct rules *old, uint32_t *new_id)
{
	for (uint32_t o = 0; o < old->check_count; o++) {
		uint32_t id = rules_find(n->rules, OBJECT_CHECK, old->checks[o].name);
		struct run *r = n->runs[o];
		new_id[o] = UINT32_MAX;
		if (r == NULL)
			continue;
		if (id == RULES_NONE ||
		    !same_measurement(&old->checks[o], &n->rules->checks[id])) {
			run_end(r);
			free(r);
			continue;
		}
		if (!run_carry(r, id))
			probes_out_of_memory();
		new_id[o] = id;
		runs[id] = r;
	}
}

static void
take_rules(struct net *n, struct rules *new)
{
	struct rules *old = n->rules;
	uint32_t count = new->check_count;
	struct run **runs = calloc(count + 1, sizeof *runs);
	uint64_t *active = calloc(new->route_count + 1, sizeof *active);
	uint32_t *new_id = calloc(old != NULL ? old->check_count + 1 : 1, sizeof *new_id);
	if (runs == NULL || active == NULL || new_id == NULL)
		probes_out_of_memory();
	for (uint32_t o = 0; old != NULL && o < old->route_count; o++) {
		uint32_t id = rules_find(new, OBJECT_ROUTE, old->routes[o].name);
		if (id != RULES_NONE)
			active[id] = n->stream.active[o];
	}
	free(n->stream.active);
	n->stream.active = active;
	n->rules = new;
	n->stream.rules = new;
	if (old != NULL)
		carry(n, runs, old, new_id);
	if (old == NULL ? !results_begin(&n->results, &n->helper, count)
			: !results_renumber(&n->results, new_id, count))
		probes_out_of_memory();
	for (uint32_t i = 0; i < count; i++) {
		if (runs[i] != NULL || check_role(&new->checks[i]) != ROLE_NET)
			continue;
		runs[i] = calloc(1, sizeof **runs);
		if (runs[i] == NULL || !run_begin(runs[i], &n->stream, i))
			probes_out_of_memory();
	}
	free(new_id);
	free(n->runs);
	n->runs = runs;
	rules_free(&old);
	malloc_trim(0); /* what parsing took is not needed again soon */
}

static void
pace(struct net *n, const struct msg_pace *p)
{
	if (p->check < n->rules->check_count && n->runs[p->check] != NULL &&
	    p->pace < PACES)
		schedule_pace(&n->runs[p->check]->schedule, (enum pace)p->pace);
}

static void
active(struct net *n, const struct msg_active *a)
{
	if (a->route < n->rules->route_count)
		n->stream.active[a->route] = a->active;
}

static void
opened(struct net *n, struct msg_packet *p)
{
	struct msg_opened o;
	memcpy(&o, p->items, sizeof o);
	stream_opened(&n->stream, &o, p->fd);
	p->fd = -1;
}

static void
on_packet(struct helper *h, struct msg_packet *p)
{
	struct net *n = h->arg;
	struct msg_rules rules;
	if (p->head.kind == MSG_RULES) {
		memcpy(&rules, p->items, sizeof rules);
		take_rules(n, probes_load(p->fd));
		helper_loaded(h, rules.generation);
	} else if (p->head.kind == MSG_OPENED) {
		opened(n, p);
	}
	for (unsigned i = 0; p->head.kind == MSG_PACE && i < p->head.count; i++)
		pace(n,
		     (const struct msg_pace *)(p->items + i * sizeof(struct msg_pace)));
	for (unsigned i = 0; p->head.kind == MSG_ACTIVE && i < p->head.count; i++)
		active(n, (const struct msg_active *)(p->items +
						      i * sizeof(struct msg_active)));
}

static void
flush(struct net *n)
{
	loop_timer_stop(&n->calm);
	n->gathered = 0;
	n->news = false;
	if (n->rules != NULL)
		results_flush(&n->results);
}

static void
on_calm(struct loop_timer *timer)
{
	flush(timer->arg);
}

static void
before_sleep(void *arg)
{
	struct net *n = arg;
	if (n->news || n->gathered >= CALM_MOST)
		flush(n);
	else if (n->gathered > 0 && !loop_timer_active(&n->calm))
		loop_timer_start(n->helper.loop, &n->calm, CALM_MS, 0, on_calm, n);
}

static void
on_writable(struct helper *h)
{
	flush(h->arg);
}

static bool
ask_to_open(struct stream *s, const struct msg_open *o)
{
	struct net *n = s->arg;
	return helper_send(&n->helper, MSG_OPEN, o, 1) == MSG_SENT;
}

static void
report(struct stream *s, const struct msg_result *m, bool news)
{
	struct net *n = s->arg;
	results_add(&n->results, m);
	n->gathered++;
	n->news = n->news || news;
}

int
net_main(void)
{
	static struct net n;
	n.helper = (struct helper){ .loop = loop_new(COLLECT_MS),
				    .role = ROLE_NET,
				    .packet = on_packet,
				    .writable = on_writable,
				    .arg = &n };
	n.stream.loop = n.helper.loop;
	n.stream.arg = &n;
	n.stream.open = ask_to_open;
	n.stream.report = report;
	stream_begin(&n.stream);
	if (n.helper.loop == NULL || !resolve_begin(n.helper.loop)) {
		log_error("no loop, or no resolver");
		return 1;
	}
	if (getrandom(&n.stream.unique, sizeof n.stream.unique, 0) !=
	    (ssize_t)sizeof n.stream.unique)
		n.stream.unique = (uint64_t)clock_real_ms() << 20;
	loop_before_sleep(n.helper.loop, before_sleep, &n);
	if (!helper_begin(&n.helper, 0))
		return 1;
	loop_run(n.helper.loop);
	return 0;
}
