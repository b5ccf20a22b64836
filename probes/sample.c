#include "probes/sample.h"

#include "base/clock.h"
#include "base/log.h"
#include "probes/tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 250  /* services that are due within it share a look */
#define FIRST_MS 5   /* what is new is looked at soon */
#define LOOK_MAX 512 /* services in one look: monitord's pings are answered between two  \
		      */
#define BATCH (MSG_PACKET_MAX / sizeof(struct msg_sample))

struct watched {
	int32_t pid; /* 0: none */
	uint64_t start_ticks;
	int64_t due_ms;
	int64_t taken_ns; /* of the values below, 0: none */
	uint64_t cpu_ticks, cpu_total_ticks;
	int64_t sought_ns; /* since when its command line is looked for, 0: not */
	bool owned; /* match: another's process than the owner's is none */
	uid_t owner;
	int32_t told; /* match: the pid of the last FOUND, -1: none was sent */
};

struct samples {
	struct helper *helper;
	const struct rules *rules;
	struct watched *list;   /* by service id */
	struct match **matches; /* by service id; NULL: no `match` */
	struct loop_timer timer;
	struct tree *tree;
	struct commands *commands;
	bool wants_children;
	bool *cpu_is_read; /* by service id: a rule reads its CPU */
	uint32_t next; /* where the next look begins */
	uint32_t batch_count;
	struct msg_sample batch[BATCH];
};

static bool
is_of_children(enum metric m)
{
	return m == METRIC_CPU_TOTAL || m == METRIC_MEMORY_TOTAL ||
	       m == METRIC_CHILDREN || m == METRIC_ZOMBIES || m == METRIC_CHILD_MEMORY ||
	       m == METRIC_CHILD_CPU;
}

static bool
reads_children(const struct condition *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		if (c->ops[i].kind == OP_TEST && c->ops[i].object == OBJECT_SERVICE &&
		    is_of_children(c->ops[i].metric))
			return true;
	return false;
}

static void
note_cpu(bool *is_read, const struct condition *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		if (c->ops[i].kind == OP_TEST && c->ops[i].object == OBJECT_SERVICE &&
		    c->ops[i].metric == METRIC_CPU)
			is_read[c->ops[i].id] = true;
}

static void
add(struct msg_sample *m, enum metric metric, double value)
{
	if (m->value_count < MSG_SAMPLE_VALUES)
		m->value[m->value_count++] =
			(struct msg_value){ .metric = metric, .value = value };
}

/* Percent of one core between two looks. */
static double
percent(uint64_t ticks, uint64_t before, int64_t ns)
{
	double seconds = (double)(ticks - before) / (double)sysconf(_SC_CLK_TCK);
	return ns > 0 && ticks >= before ? seconds * 1e11 / (double)ns : 0;
}

static int64_t
life_ns(const struct tree_process *p)
{
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	int64_t began_ms =
		(int64_t)(p->start_ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK));
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - began_ms * 1000000;
}

/* What the channel does not take is measured once more at the next look. */
static void
send_batch(struct samples *s)
{
	if (s->batch_count > 0 &&
	    helper_send(s->helper, MSG_SAMPLE, s->batch, s->batch_count) != MSG_SENT)
		for (uint32_t i = 0; i < s->batch_count; i++)
			s->list[s->batch[i].service].due_ms = 0;
	s->batch_count = 0;
}

static void
measure(struct samples *s, uint32_t id, int64_t now_ns)
{
	struct watched *w = &s->list[id];
	const struct tree_process *p = tree_find(s->tree, w->pid);
	struct msg_sample *m = &s->batch[s->batch_count];
	struct tree_sum sum;
	if (p == NULL || p->start_ticks != w->start_ticks)
		return; /* it has ended: monitord knows */
	memset(m, 0, sizeof *m);
	m->service = id;
	m->pid = w->pid;
	m->start_ticks = w->start_ticks;
	m->taken_ns = now_ns;
	if (w->taken_ns != 0)
		add(m, METRIC_CPU,
		    percent(p->cpu_ticks, w->cpu_ticks, now_ns - w->taken_ns));
	else if (!s->cpu_is_read[id]) /* for who looks once: that of its whole life */
		add(m, METRIC_CPU, percent(p->cpu_ticks, 0, life_ns(p)));
	add(m, METRIC_MEMORY, (double)p->memory);
	add(m, METRIC_SWAP, (double)p->swap);
	add(m, METRIC_THREADS, p->threads);
	int fds = tree_fds(w->pid);
	if (fds >= 0)
		add(m, METRIC_FDS, fds);
	if (s->wants_children) {
		tree_below(s->tree, w->pid, &sum);
		if (w->taken_ns != 0)
			add(m, METRIC_CPU_TOTAL,
			    percent(p->cpu_ticks + sum.cpu_ticks, w->cpu_total_ticks,
				    now_ns - w->taken_ns));
		add(m, METRIC_MEMORY_TOTAL, (double)(p->memory + sum.memory));
		add(m, METRIC_CHILDREN, sum.count);
		add(m, METRIC_ZOMBIES, sum.zombies);
		add(m, METRIC_CHILD_MEMORY, (double)sum.most_memory);
		if (!isnan(sum.most_cpu))
			add(m, METRIC_CHILD_CPU, sum.most_cpu);
		w->cpu_total_ticks = p->cpu_ticks + sum.cpu_ticks;
	}
	w->cpu_ticks = p->cpu_ticks;
	w->taken_ns = now_ns;
	if (++s->batch_count == BATCH)
		send_batch(s);
}

static void
look_for(struct samples *s, uint32_t id, const struct commands_read *r)
{
	struct watched *w = &s->list[id];
	struct commands_process p =
		commands_match(r, s->matches[id], w->owned ? &w->owner : NULL);
	struct msg_found found = { .service = id,
				   .pid = p.pid,
				   .start_ticks = p.start_ticks };
	if (found.pid == w->told && (found.pid == 0 || found.pid == w->pid))
		return;
	if (helper_send(s->helper, MSG_FOUND, &found, 1) == MSG_SENT)
		w->told = found.pid;
}

static bool
is_wanted(const struct samples *s, uint32_t id)
{
	return s->list[id].pid != 0 || s->matches[id] != NULL;
}

/* Nobody is known for its `match`: who was found is looked at alone. */
static bool
is_sought(const struct samples *s, uint32_t id)
{
	return s->matches[id] != NULL && s->list[id].pid == 0;
}

static bool
is_due(const struct samples *s, uint32_t id, int64_t now)
{
	return is_wanted(s, id) && s->list[id].due_ms <= now;
}

static void
on_commands(void *arg, const struct commands_read *r)
{
	struct samples *s = arg;
	bool more = false;
	if (commands_error(r) !=
	    0) { /* nobody was looked for: the next look asks again */
		log_warning("the command lines of processes could not be read: %s",
			    strerror(commands_error(r)));
		return;
	}
	for (uint32_t i = 0; i < s->rules->service_count; i++) {
		struct watched *w = &s->list[i];
		if (w->sought_ns == 0 || !is_sought(s, i))
			continue;
		if (w->sought_ns > commands_began_ns(r)) {
			more = true;
			continue;
		}
		w->sought_ns = 0;
		look_for(s, i, r);
	}
	if (more)
		commands_ask(s->commands, on_commands, s);
}

static void on_tick(struct loop_timer *timer);

/* Sleeps until one is due; for good when nothing is wanted. */
static void
arm(struct samples *s)
{
	int64_t soonest = INT64_MAX, now = clock_ms();
	for (uint32_t i = 0; i < s->rules->service_count; i++)
		if (is_wanted(s, i) && s->list[i].due_ms < soonest)
			soonest = s->list[i].due_ms;
	if (soonest == INT64_MAX)
		loop_timer_stop(&s->timer);
	else
		loop_timer_start(s->helper->loop, &s->timer,
				 soonest > now + TICK_MS              ? soonest - now
				 : soonest <= now && !s->helper->full ? FIRST_MS
								      : TICK_MS,
				 0, on_tick, s);
}

/* Takes one look for those that are due, in turn when they are many. */
static void
look(struct samples *s)
{
	uint32_t count = s->rules->service_count, due[LOOK_MAX], n = 0;
	int64_t now = clock_ms();
	bool seeks = false;
	tree_begin(s->tree);
	for (uint32_t k = 0; k < count && n < LOOK_MAX && !s->helper->full; k++) {
		uint32_t id = (s->next + k) % count;
		if (!is_due(s, id, now))
			continue;
		due[n++] = id;
		seeks = seeks || is_sought(s, id);
		tree_want(s->tree, s->list[id].pid);
	}
	if (n == 0)
		return;
	s->next = (due[n - 1] + 1) % count;
	int64_t now_ns = clock_ns();
	if (!tree_look(s->tree, s->wants_children, now_ns)) {
		log_warning("the processes of this host could not be read");
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct watched *w = &s->list[due[i]];
		w->due_ms = now + s->rules->services[due[i]].every_ms - TICK_MS / 2;
		if (w->pid != 0)
			measure(s, due[i], now_ns);
		else if (w->sought_ns == 0)
			w->sought_ns = clock_ns();
	}
	send_batch(s);
	if (seeks)
		commands_ask(s->commands, on_commands, s);
}

static void
on_tick(struct loop_timer *timer)
{
	struct samples *s = timer->arg;
	look(s);
	arm(s);
}

void
samples_watch(struct samples *s, const struct msg_watch *m)
{
	struct watched *w = &s->list[m->service];
	if (m->pid != 0 && w->pid == m->pid && w->start_ticks == m->start_ticks)
		return;
	*w = (struct watched){ .pid = m->pid,
			       .start_ticks = m->start_ticks,
			       .owned = m->owned != 0,
			       .owner = m->owner,
			       .told = m->pid != 0 ? m->pid : -1 }; /* asked: say it */
	/* many come one after another: they share a look */
	loop_timer_start(s->helper->loop, &s->timer, FIRST_MS, 0, on_tick, s);
}

struct samples *
samples_new(struct helper *h, const struct rules *rules, struct commands *commands)
{
	struct samples *s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	s->helper = h;
	s->rules = rules;
	s->commands = commands;
	s->list = calloc(rules->service_count + 1, sizeof *s->list);
	s->matches = calloc(rules->service_count + 1, sizeof *s->matches);
	s->cpu_is_read = calloc(rules->service_count + 1, sizeof *s->cpu_is_read);
	s->tree = tree_new();
	bool good = s->list != NULL && s->matches != NULL && s->tree != NULL &&
		    s->cpu_is_read != NULL;
	for (uint32_t i = 0; good && i < rules->rule_count; i++) {
		note_cpu(s->cpu_is_read, &rules->rules[i].when);
		note_cpu(s->cpu_is_read, &rules->rules[i].clear);
	}
	for (uint32_t i = 0; i < rules->rule_count; i++)
		s->wants_children = s->wants_children ||
				    reads_children(&rules->rules[i].when) ||
				    reads_children(&rules->rules[i].clear);
	for (uint32_t i = 0; good && i < rules->service_count; i++) {
		s->list[i].told = -1;
		if (rules->services[i].match == NULL)
			continue;
		s->matches[i] = match_new(rules->services[i].match);
		good = s->matches[i] != NULL;
	}
	if (!good) {
		samples_free(&s);
		return NULL;
	}
	loop_timer_start(h->loop, &s->timer, TICK_MS, 0, on_tick, s);
	return s;
}

void
samples_carry(struct samples *to, const struct samples *from)
{
	for (uint32_t i = 0; i < to->rules->service_count; i++) {
		uint32_t old = rules_find(from->rules, OBJECT_SERVICE,
					  to->rules->services[i].name);
		if (old != RULES_NONE)
			to->list[i] = from->list[old];
	}
}

void
samples_free(struct samples **sp)
{
	struct samples *s = *sp;
	*sp = NULL;
	if (s == NULL)
		return;
	loop_timer_stop(&s->timer);
	commands_forget(s->commands);
	for (uint32_t i = 0; s->matches != NULL && i < s->rules->service_count; i++)
		match_free(&s->matches[i]);
	tree_free(&s->tree);
	free(s->matches);
	free(s->cpu_is_read);
	free(s->list);
	free(s);
}
