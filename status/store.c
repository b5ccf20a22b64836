#include "status/store.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "rules/parse.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Each view begins with its object's id; those of checks are kept elsewhere. */
static const size_t view_size[OBJECT_KINDS] = {
	[OBJECT_SERVICE] = sizeof(struct msg_service_view),
	[OBJECT_ROUTE] = sizeof(struct msg_route_view),
	[OBJECT_RULE] = sizeof(struct msg_rule_view),
	[OBJECT_CHAIN] = sizeof(struct msg_chain_view),
};

/* monitord's own start: field 22 of /proc/PID/stat, in ticks since boot. */
static int64_t
began_of(pid_t pid)
{
	char path[40], text[1024];
	unsigned long long ticks = 0;
	struct timespec boot;
	text_print(path, sizeof path, "/proc/%d/stat", (int)pid);
	file_read(AT_FDCWD, path, text, sizeof text);
	char *after = strrchr(text, ')'); /* the name may hold anything */
	if (after == NULL ||
	    sscanf(after + 1,
		   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d "
		   "%*d %*d %*d %*d %llu",
		   &ticks) != 1)
		return 0;
	clock_gettime(CLOCK_BOOTTIME, &boot);
	int64_t boot_ms = (int64_t)boot.tv_sec * 1000 + boot.tv_nsec / 1000000;
	return clock_real_ms() - boot_ms + (int64_t)ticks * 1000 / sysconf(_SC_CLK_TCK);
}

void
store_begin(struct store *s)
{
	/* zero already: most of it is never touched */
	s->began_real_ms = began_of(getppid());
	if (gethostname(s->host, sizeof s->host - 1) != 0)
		s->host[0] = '\0';
}

static bool
views_new(struct views views[OBJECT_KINDS], const struct rules *rules)
{
	bool good = true;
	memset(views, 0, OBJECT_KINDS * sizeof *views);
	for (unsigned k = 0; k < OBJECT_KINDS; k++) {
		uint32_t count = rules_count(rules, (enum object_kind)k);
		if (view_size[k] == 0)
			continue;
		views[k].items = calloc(count + 1, view_size[k]);
		views[k].known = calloc(count + 1, sizeof *views[k].known);
		good = good && views[k].items != NULL && views[k].known != NULL;
	}
	return good;
}

static void
views_free(struct views views[OBJECT_KINDS])
{
	for (unsigned k = 0; k < OBJECT_KINDS; k++) {
		free(views[k].items);
		free(views[k].known);
	}
}

uint32_t
store_find(const struct store *s, enum object_kind kind, const char *name)
{
	if (s->rules == NULL)
		return RULES_NONE;
	uint32_t id = rules_find(s->rules, kind, name);
	/* a rule made of a check's `do` stands in no table of names */
	for (uint32_t i = 0;
	     kind == OBJECT_RULE && id == RULES_NONE && i < s->rules->rule_count; i++)
		if (strcmp(s->rules->rules[i].name, name) == 0)
			id = i;
	return id;
}

/* A route's view holds bits of its backends: with others it means nothing. */
static bool
same_backends(const struct rules *a, uint32_t x, const struct rules *b, uint32_t y)
{
	const struct route *p = &a->routes[x], *q = &b->routes[y];
	bool same = p->backend_count == q->backend_count;
	for (uint32_t i = 0; same && i < p->backend_count; i++)
		same = strcmp(p->backends[i].name, q->backends[i].name) == 0;
	return same;
}

static void
move_views(const struct store *old, const struct rules *rules,
	   struct views views[OBJECT_KINDS])
{
	for (unsigned k = 0; k < OBJECT_KINDS; k++) {
		enum object_kind kind = (enum object_kind)k;
		size_t size = view_size[k];
		for (uint32_t n = 0; size != 0 && n < rules_count(rules, kind); n++) {
			uint32_t o = store_find(old, kind, rules_name(rules, kind, n));
			if (o == RULES_NONE || !old->views[k].known[o] ||
			    (kind == OBJECT_ROUTE &&
			     !same_backends(old->rules, o, rules, n)))
				continue;
			memcpy(views[k].items + n * size, old->views[k].items + o * size,
			       size);
			memcpy(views[k].items + n * size, &n, sizeof n);
			views[k].known[n] = true;
		}
	}
}

static void
move_checks(const struct store *old, const struct rules *rules, struct checks *to)
{
	struct msg_check_view v;
	for (uint32_t n = 0; n < rules->check_count; n++) {
		uint32_t o = store_find(old, OBJECT_CHECK, rules->checks[n].name);
		if (o == RULES_NONE || !checks_known(old->checks, o))
			continue;
		checks_view(old->checks, o, &v);
		v.check = n;
		checks_take(to, &v);
	}
}

bool
store_load(struct store *s, int bundle, uint32_t generation)
{
	struct sources sources = { 0 };
	struct problems problems = { 0 };
	struct views views[OBJECT_KINDS];
	struct rules *new = sources_from_fd(bundle, &sources)
				    ? rules_parse(&sources, &problems)
				    : NULL;
	problems_free(&problems);
	sources_free(&sources);
	if (new == NULL)
		return false;
	struct checks *checks = checks_new(new);
	if (!views_new(views, new) || checks == NULL) {
		views_free(views);
		checks_free(&checks);
		rules_free(&new);
		return false;
	}
	if (s->rules != NULL) {
		move_views(s, new, views);
		move_checks(s, new, checks);
	}
	views_free(s->views);
	checks_free(&s->checks);
	s->checks = checks;
	memcpy(s->views, views, sizeof views);
	rules_free(&s->rules);
	malloc_trim(0); /* what parsing took is not needed again soon */
	s->rules = new;
	s->generation = generation;
	return true;
}

void
store_end(struct store *s)
{
	views_free(s->views);
	checks_free(&s->checks);
	rules_free(&s->rules);
}

static enum object_kind
kind_of(enum msg_kind kind)
{
	return kind == MSG_SERVICE_VIEW ? OBJECT_SERVICE
	       : kind == MSG_CHECK_VIEW ? OBJECT_CHECK
	       : kind == MSG_ROUTE_VIEW ? OBJECT_ROUTE
	       : kind == MSG_RULE_VIEW  ? OBJECT_RULE
	       : kind == MSG_CHAIN_VIEW ? OBJECT_CHAIN
					: OBJECT_KINDS;
}

static void
take_view(struct store *s, enum object_kind kind, const unsigned char *item)
{
	uint32_t id;
	memcpy(&id, item, sizeof id);
	if (s->rules == NULL || id >= rules_count(s->rules, kind))
		return;
	if (kind == OBJECT_CHECK) {
		struct msg_check_view v;
		memcpy(&v, item, sizeof v);
		checks_take(s->checks, &v);
	} else {
		unsigned char *at = s->views[kind].items + id * view_size[kind];
		if (s->views[kind].known[id] && memcmp(at, item, view_size[kind]) == 0)
			return; /* measured anew, and the same */
		memcpy(at, item, view_size[kind]);
		s->views[kind].known[id] = true;
	}
	if (s->changed != NULL)
		s->changed(s->changed_arg, kind, id);
}

void
store_take(struct store *s, const struct msg_packet *p)
{
	enum object_kind kind = kind_of(p->head.kind);
	for (unsigned i = 0; i < p->head.count; i++) {
		const unsigned char *item = p->items + i * msg_item_size(p->head.kind);
		struct msg_incident_view incident;
		struct msg_silence_view silence;
		if (kind != OBJECT_KINDS) {
			take_view(s, kind, item);
		} else if (p->head.kind == MSG_INCIDENT_VIEW) {
			memcpy(&incident, item, sizeof incident);
			incident.text[sizeof incident.text - 1] = '\0';
			incident.who[sizeof incident.who - 1] = '\0';
			incident.why[sizeof incident.why - 1] = '\0';
			incidents_view(&s->incidents, &incident, s->rules);
		} else if (p->head.kind == MSG_SILENCE_VIEW) {
			memcpy(&silence, item, sizeof silence);
			silences_view(&s->silences, &silence, s->rules);
		} else if (p->head.kind == MSG_ALERT_COUNTS) {
			memcpy(&s->alerts, item, sizeof s->alerts);
			s->alerts_known = true;
		}
	}
}

const char *
store_nearest(const struct store *s, enum object_kind kind, const char *name)
{
	struct text_nearest nearest = text_nearest_of(name);
	for (uint32_t i = 0; s->rules != NULL && i < rules_count(s->rules, kind); i++)
		text_nearer(&nearest, rules_name(s->rules, kind, i));
	return nearest.best;
}

static const void *
newest(const struct store *s, enum object_kind kind, uint32_t id)
{
	const struct views *v = &s->views[kind];
	return v->known[id] ? v->items + id * view_size[kind] : NULL;
}

const struct msg_service_view *
store_service(const struct store *s, uint32_t id)
{
	return newest(s, OBJECT_SERVICE, id);
}

const struct msg_check_view *
store_check(const struct store *s, uint32_t id, struct msg_check_view *room)
{
	if (!checks_known(s->checks, id))
		return NULL;
	checks_view(s->checks, id, room);
	return room;
}

const struct msg_route_view *
store_route(const struct store *s, uint32_t id)
{
	return newest(s, OBJECT_ROUTE, id);
}

const struct msg_rule_view *
store_rule(const struct store *s, uint32_t id)
{
	return newest(s, OBJECT_RULE, id);
}

const struct msg_chain_view *
store_chain(const struct store *s, uint32_t id)
{
	return newest(s, OBJECT_CHAIN, id);
}
