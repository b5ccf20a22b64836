/* Rule files: read, proven, put in force as a whole, or not at all. */
#include "monitord/core.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int
make_bundle(const struct sources *s)
{
	int fd = memfd_create("rules", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd != -1 && sources_write(s, fd) &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
		return fd;
	if (fd != -1)
		close(fd);
	return -1;
}

struct rules *
rules_load(const char *path, bool privileged, int *bundle, char *text, size_t cap)
{
	struct sources s = { 0 };
	struct problems p = { 0 };
	struct rules *r = sources_read(path, privileged, &s, &p) ? rules_parse(&s, &p) : NULL;
	FILE *out = fmemopen(text, cap, "w");
	text[0] = '\0';
	if (out != NULL) {
		problems_print(&p, &s, out);
		fclose(out); /* ends the text with NUL, cut where it is full */
	}
	text[cap - 1] = '\0';
	if (r != NULL && (*bundle = make_bundle(&s)) == -1) {
		text_print(text, cap, "rules cannot be handed on: %s", strerror(errno));
		rules_free(&r);
	}
	problems_free(&p);
	sources_free(&s);
	return r;
}

static gid_t
group_number(const char *name)
{
	struct group *g = name != NULL ? getgrnam(name) : NULL;
	if (name != NULL && g == NULL)
		log_warning("no such group: %s: nobody is in it", name);
	return g != NULL ? g->gr_gid : (gid_t)-1;
}

void
core_groups(struct core *c)
{
	c->admin_gid = group_number(c->rules->settings.admin_group);
	c->read_gid = group_number(c->rules->settings.read_group);
}

/* ---- what is not as it was ---- */

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_list(uint32_t n, const char *const *a, uint32_t m, const char *const *b)
{
	bool same = n == m;
	for (uint32_t i = 0; same && i < n; i++)
		same = strcmp(a[i], b[i]) == 0;
	return same;
}

/* Rows of the key table that cost a restart. */
static bool
same_process(const struct service *a, const struct service *b)
{
	return same_list(a->run.count, a->run.argv, b->run.count, b->run.argv) &&
	       same_list(a->env.count, a->env.texts, b->env.count, b->env.texts) &&
	       same_text(a->user, b->user) && same_text(a->group, b->group) && same_text(a->dir, b->dir) &&
	       same_text(a->log, b->log) && a->umask == b->umask && a->nice == b->nice &&
	       a->nice_set == b->nice_set && a->memory_max == b->memory_max &&
	       a->limit_count == b->limit_count &&
	       (a->limit_count == 0 ||
		memcmp(a->limits, b->limits, a->limit_count * sizeof *a->limits) == 0);
}

/* Rows that cost a new measurement. */
static bool
same_measurement(const struct check *a, const struct check *b)
{
	bool same = a->kind == b->kind && same_text(a->host, b->host) && a->port == b->port &&
		    same_text(a->target, b->target) && same_text(a->path, b->path) &&
		    same_text(a->method, b->method) && same_text(a->host_header, b->host_header) &&
		    same_list(a->headers.count, a->headers.texts, b->headers.count, b->headers.texts) &&
		    same_list(a->script.count, a->script.argv, b->script.count, b->script.argv) &&
		    a->timeout_ms == b->timeout_ms && a->expect_count == b->expect_count &&
		    a->warn_count == b->warn_count;
	for (uint32_t i = 0; same && i < a->expect_count; i++) {
		const struct expect *x = &a->expects[i], *y = &b->expects[i];
		same = x->kind == y->kind && x->compare == y->compare && same_text(x->header, y->header) &&
		       same_text(x->text, y->text) && x->metric == y->metric &&
		       memcmp(&x->value, &y->value, sizeof x->value) == 0 &&
		       (x->statuses == NULL) == (y->statuses == NULL) &&
		       (x->statuses == NULL || memcmp(x->statuses, y->statuses, 128) == 0);
	}
	return same;
}

static void
tell_changed(struct core *c, const struct rules *old)
{
	const struct rules *new = c->rules;
	struct event e = { .kind = EVENT_CHANGED };
	for (uint32_t n = 0; n < new->service_count; n++) {
		uint32_t o = rules_find(old, OBJECT_SERVICE, new->services[n].name);
		e.object = OBJECT_SERVICE;
		e.id = n;
		if (o != RULES_NONE && !same_process(&old->services[o], &new->services[n]))
			core_event(c, &e);
	}
	for (uint32_t n = 0; n < new->check_count; n++) {
		uint32_t o = rules_find(old, OBJECT_CHECK, new->checks[n].name);
		e.object = OBJECT_CHECK;
		e.id = n;
		if (o != RULES_NONE && !same_measurement(&old->checks[o], &new->checks[n]))
			core_event(c, &e);
	}
}

/* ---- in force ---- */

static bool
refused(struct core *c, char *text)
{
	char first[300];
	text_print(first, sizeof first, "%.*s", (int)strcspn(text, "\n"), text);
	log_error("the rules stay as they were:\n%s", text);
	core_note(c, "rules-refused", "the rules stay as they were: %s", first);
	return false;
}

static void
retire(struct core *c, const struct rules *new)
{
	for (uint32_t i = 0; i < c->rules->service_count; i++) {
		const struct service *s = &c->rules->services[i];
		uint64_t ticks;
		if (rules_find(new, OBJECT_SERVICE, s->name) != RULES_NONE)
			continue;
		bool ran = s->run.count > 0 && process_pid(c->processes, i, &ticks) != 0;
		if (ran)
			core_note(c, "service-retired", "%s has no section any more: it is stopped", s->name);
		process_retire(c->processes, i);
	}
}

bool
core_reload(struct core *c, char *text, size_t cap)
{
	int bundle = -1;
	char mistakes[8192];
	struct rules *old = c->rules;
	notify_send("RELOADING=1");
	struct rules *new = rules_load(c->path, c->privileged, &bundle, mistakes, sizeof mistakes);
	if (new != NULL && (strcmp(new->settings.socket, old->settings.socket) != 0 ||
			    strcmp(new->settings.state, old->settings.state) != 0)) {
		text_print(mistakes, sizeof mistakes, "socket and state can't change while monitord runs");
		rules_free(&new);
	}
	struct world *world = new != NULL ? world_new(new, 1, c->host, clock_ms()) : NULL;
	if (new != NULL && world == NULL) {
		text_print(mistakes, sizeof mistakes, "out of memory");
		rules_free(&new);
	}
	if (new != NULL) {
		retire(c, new);
		if (!processes_reload(c->processes, new)) {
			text_print(mistakes, sizeof mistakes, "out of memory");
			world_free(&world);
			rules_free(&new);
		}
	}
	if (new == NULL) {
		if (bundle != -1)
			close(bundle);
		notify_send("READY=1");
		text_print(text, cap, "%s", mistakes);
		return refused(c, mistakes);
	}
	world_move(world, c->world, clock_ms());
	world_free(&c->world);
	c->world = world;
	c->rules = new;
	close(c->bundle);
	c->bundle = bundle;
	c->generation++;
	outbox_free(c);
	if (!outbox_new(c)) {
		log_error("out of memory");
		abort();
	}
	core_groups(c);
	helpers_rules(c);
	helpers_wanted(c);
	core_note(c, "rules-loaded", "%u services, %u checks, %u rules, %u routes are in force",
		  new->service_count, new->check_count, new->rule_count, new->route_count);
	tell_changed(c, old);
	rules_free(&old);
	notify_send("READY=1");
	text_print(text, cap, "%s", mistakes[0] != '\0' ? mistakes : "in force");
	return true;
}
