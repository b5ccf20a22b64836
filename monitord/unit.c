/* Services that are systemd's units: systemd says which process is the main one, by systemctl in
 * a child; from then on that process is held as any other. */
#include "base/log.h"
#include "base/text.h"
#include "monitord/process_state.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS 250	  /* how often those whose time has come are looked for */
#define LOOK_FIRST_MS 250 /* after a start, or an end: systemd may start it itself */
#define LOOK_LAST_MS 8000
#define SHOW_MS 10000
#define ARGV_MOST 1025

struct look { /* one question to systemd */
	struct processes *ps;
	char name[RULES_NAME_MAX + 1]; /* of the service: ids change with a reload */
	char unit[300];		       /* and what its section names */
};

/* As sd_booted(3) sees it; a user's own manager has its socket elsewhere. */
static bool
systemd_runs(void)
{
	char path[64];
	text_print(path, sizeof path, "/run/user/%u/systemd/private",
		   (unsigned)geteuid());
	return access("/run/systemd/system", F_OK) == 0 ||
	       (geteuid() != 0 && access(path, F_OK) == 0);
}

const char *
unit_obstacle(void)
{
	return systemd_runs()
		       ? NULL
		       : "systemd does not run here (there is no /run/systemd/system)";
}

/* An ordinary user's units are those of his own manager. */
const char *const *
unit_argv(const char *const *argv)
{
	static const char *out[ARGV_MOST + 4];
	static char where[64];
	size_t n = 0;
	if (geteuid() == 0 || strcmp(argv[0], RULES_SYSTEMCTL) != 0)
		return argv;
	text_print(where, sizeof where, "XDG_RUNTIME_DIR=/run/user/%u",
		   (unsigned)geteuid());
	out[n++] = "/usr/bin/env";
	out[n++] = where;
	out[n++] = RULES_SYSTEMCTL;
	out[n++] = "--user";
	for (size_t i = 1; argv[i] != NULL && n < ARGV_MOST + 3; i++)
		out[n++] = argv[i];
	out[n] = NULL;
	return out;
}

/* It lives in the unit's own group: its last folder, or one above, has the unit's name. */
static bool
is_of_unit(pid_t pid, const char *unit)
{
	char path[64], line[4096], part[300];
	bool found = false;
	text_print(path, sizeof path, "/proc/%d/cgroup", pid);
	text_print(part, sizeof part, "/%s", unit);
	FILE *f = fopen(path, "re");
	while (f != NULL && !found && fgets(line, sizeof line, f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		const char *at = strstr(line, part);
		found = at != NULL &&
			(at[strlen(part)] == '\0' || at[strlen(part)] == '/');
	}
	if (f != NULL)
		fclose(f);
	return found;
}

/* It was started, and is not on its way: systemd had not noticed yet that the process before was
 * dead, and took its start for done. */
static void
start_again(struct process *p, const char *why)
{
	const struct service *c = process_service(p);
	bool idle = strstr(why, "ActiveState=inactive") != NULL ||
		    strstr(why, "ActiveState=failed") != NULL;
	if (!p->unit_starts || !idle)
		return;
	p->unit_starts = false;
	if (!job_command(p->owner, p->id, &c->start))
		process_defer_failure(p->owner, p->id, strerror(errno));
}

/* "exit code 0: MainPID=1234 ActiveState=active" */
static void
on_shown(void *arg, bool good, const char *why)
{
	struct look *l = arg;
	struct processes *ps = l->ps;
	uint32_t id = rules_find(ps->rules, OBJECT_SERVICE, l->name);
	const char *words = strstr(why, "MainPID=");
	long pid =
		good && words != NULL ? strtol(words + strlen("MainPID="), NULL, 10) : 0;
	const struct service *c = id != RULES_NONE ? &ps->rules->services[id] : NULL;
	bool same = c != NULL && c->unit != NULL && strcmp(c->unit, l->unit) == 0;
	free(l);
	if (!same)
		return;
	struct process *p = ps->list[id];
	p->unit_asked = false;
	if (!good)
		log_info("%s: unit %s: systemctl show: %s", c->name, c->unit, why);
	uint64_t ticks =
		pid > 1 && pid <= INT32_MAX ? process_start_ticks((pid_t)pid, true) : 0;
	/* the number is systemd's, the process the one that it had when it was asked */
	if (ticks != 0 && watched_sought(p) && is_of_unit((pid_t)pid, c->unit))
		process_found(ps, id, (pid_t)pid, ticks);
	else if (good)
		watched_nobody(p);
	if (p->pidfd == -1)
		start_again(p, why);
}

static void
ask(struct process *p)
{
	const struct service *c = process_service(p);
	const char *argv[] = {
		RULES_SYSTEMCTL, "show", "--property=MainPID,ActiveState", "--",
		c->unit,         NULL
	};
	struct look *l = calloc(1, sizeof *l);
	char why[MSG_TEXT];
	if (l == NULL)
		return;
	l->ps = p->owner;
	text_print(l->name, sizeof l->name, "%s", c->name);
	text_print(l->unit, sizeof l->unit, "%s", c->unit);
	struct front_command show = { .argv = unit_argv(argv),
				      .own_rights = true,
				      .limit_ms = SHOW_MS,
				      .ended = on_shown,
				      .arg = l };
	if (process_front(p->owner, &show, NULL, why)) {
		p->unit_asked = true;
		return;
	}
	log_warning("%s: unit %s: %s", c->name, c->unit, why);
	free(l);
}

static void
units_look(struct loop_timer *timer)
{
	struct processes *ps = timer->arg;
	bool runs = systemd_runs(), more = false;
	for (uint32_t i = 0; i < ps->count; i++) {
		struct process *p = ps->list[i];
		if (process_service(p)->unit == NULL || !watched_sought(p))
			continue;
		more = true;
		if (!runs)
			watched_nobody(p);
		if (!runs || p->unit_asked)
			continue;
		if (p->unit_wait_ms > LOOK_MS) {
			p->unit_wait_ms -= LOOK_MS;
			continue;
		}
		ask(p);
		p->unit_every_ms = p->unit_every_ms == 0 ? LOOK_FIRST_MS
				   : 2 * p->unit_every_ms < LOOK_LAST_MS
					   ? 2 * p->unit_every_ms
					   : LOOK_LAST_MS;
		p->unit_wait_ms = p->unit_every_ms;
	}
	if (!more) /* all are held: who ends is looked for again */
		loop_timer_stop(&ps->units);
}

void
unit_look_soon(struct process *p)
{
	struct processes *ps = p->owner;
	p->unit_every_ms = p->unit_wait_ms = 0;
	if (process_service(p)->unit != NULL && !loop_timer_active(&ps->units))
		loop_timer_start(ps->loop, &ps->units, LOOK_MS, LOOK_MS, units_look, ps);
}

void
units_begin(struct processes *ps)
{
	bool any = false;
	for (uint32_t i = 0; i < ps->count; i++)
		any = any || ps->rules->services[i].unit != NULL;
	loop_timer_stop(&ps->units);
	if (!any)
		return;
	if (!systemd_runs())
		log_error("services that are units cannot be watched: %s",
			  unit_obstacle());
	loop_timer_start(ps->loop, &ps->units, 0, LOOK_MS, units_look, ps);
}
