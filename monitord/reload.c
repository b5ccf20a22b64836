/* Rule files: read, proven, put in force as a whole, or not at all. */
#include "monitord/core.h"
#include "monitord/notify.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "rules/same.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
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
	    fcntl(fd, F_ADD_SEALS,
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
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
	struct rules *r =
		sources_read(path, privileged, &s, &p) ? rules_parse(&s, &p) : NULL;
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
	malloc_trim(0); /* what parsing took is not needed again soon */
	return r;
}

static gid_t
group_number(struct core *c, const char *name)
{
	const struct account *a = NULL;
	char why[MSG_TEXT];
	enum known known = name != NULL ? known_account(c->processes, NULL, name, &a, why)
					: KNOWN_YES;
	c->groups_wait = c->groups_wait || known == KNOWN_LATER;
	if (known == KNOWN_MISSING)
		log_warning("no such group: %s: nobody is in it", name);
	return a != NULL ? a->gid : (gid_t)-1;
}

void
core_groups(struct core *c)
{
	c->groups_wait = false;
	c->admin_gid = group_number(c, c->rules->settings.admin_group);
	c->read_gid = group_number(c, c->rules->settings.read_group);
}

void
core_accounts(void *core)
{
	struct core *c = core;
	if (c->groups_wait)
		core_groups(c);
	helpers_wanted(c);
	core_run_again(c);
}

/* ---- what is not as it was ---- */

static void
tell_changed(struct core *c, const struct rules *old)
{
	const struct rules *new = c->rules;
	struct event e = { .kind = EVENT_CHANGED };
	for (uint32_t n = 0; n < new->service_count; n++) {
		uint32_t o = rules_find(old, OBJECT_SERVICE, new->services[n].name);
		e.object = OBJECT_SERVICE;
		e.id = n;
		if (o == RULES_NONE)
			continue;
		if (!same_process(&old->services[o], &new->services[n]))
			core_event(c, &e);
		if (!same_search(&old->services[o], &new->services[n]))
			process_search(c->processes, n);
	}
	for (uint32_t n = 0; n < new->check_count; n++) {
		uint32_t o = rules_find(old, OBJECT_CHECK, new->checks[n].name);
		e.object = OBJECT_CHECK;
		e.id = n;
		if (o != RULES_NONE &&
		    !same_measurement(&old->checks[o], &new->checks[n]))
			core_event(c, &e);
	}
}

/* What rules had begun, and nobody goes on with. */
static void
tell_cut(struct core *c, const struct world *was, const struct rules *old)
{
	char text[MSG_TEXT * 2];
	for (uint32_t i = 0; i < old->rule_count; i++)
		if (world_cuts(was, i, c->rules, text, sizeof text))
			core_note(c, "action-skipped", "%s", text);
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

/* The lines of mistakes as one text: it goes through a status document. */
static void
one_line(char *text)
{
	struct text t;
	char all[8192];
	text_begin(&t, all, sizeof all);
	for (const char *p = text; *p != '\0'; p += *p == '\n') {
		size_t n = strcspn(p, "\n");
		text_add(&t, "%s%.*s", t.length > 0 ? "; " : "", (int)n, p);
		p += n;
	}
	text_print(text, strlen(text) + 1, "%s", all);
}

static void
retire(struct core *c, const struct rules *new)
{
	if (new->settings.dry_run)
		return; /* it is left alone */
	for (uint32_t i = 0; i < c->rules->service_count; i++) {
		const struct service *s = &c->rules->services[i];
		uint64_t ticks;
		if (rules_find(new, OBJECT_SERVICE, s->name) != RULES_NONE)
			continue;
		bool ran = s->run.count > 0 && process_pid(c->processes, i, &ticks) != 0;
		if (ran)
			core_note(c, "service-retired",
				  "%s has no section any more: it is stopped", s->name);
		process_retire(c->processes, i);
	}
}

bool
core_reload(struct core *c, char *text, size_t cap)
{
	int bundle = -1;
	char counts[128], mistakes[8192];
	struct rules *old = c->rules;
	notify_send("RELOADING=1");
	struct rules *new =
		rules_load(c->path, c->privileged, &bundle, mistakes, sizeof mistakes);
	if (new != NULL && (strcmp(new->settings.socket, old->settings.socket) != 0 ||
			    strcmp(new->settings.state, old->settings.state) != 0)) {
		text_print(mistakes, sizeof mistakes,
			   "socket and state can't change while monitord runs");
		rules_free(&new);
	}
	if (new != NULL)
		new->settings.dry_run |= c->dry_run;
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
		one_line(text);
		return refused(c, mistakes);
	}
	struct world *was = c->world;
	world_move(world, was);
	c->world = world;
	c->rules = new;
	close(c->bundle);
	c->bundle = bundle;
	c->generation++;
	outbox_free(c);
	traces_free(c);
	if (!outbox_new(c) || !traces_new(c)) {
		log_error("out of memory");
		abort();
	}
	core_groups(c);
	if (!same_text(old->settings.http, new->settings.http))
		listener_change(c); /* status asks for the new one */
	helpers_rules(c);
	helpers_wanted(c);
	core_note(c, "rules-loaded", "%s are in force",
		  rules_counts(new, counts, sizeof counts));
	tell_cut(c, was, old);
	tell_changed(c, old);
	world_free(&was);
	rules_free(&old);
	notify_send("READY=1");
	text_print(text, cap, "%s", mistakes[0] != '\0' ? mistakes : "in force");
	return true;
}
