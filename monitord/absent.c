#include "monitord/absent.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

struct look {
	const struct sources *sources;
	struct problems *problems;
	struct place place;	  /* of the section */
	const char *user, *group; /* the last that were there: most sections name the same */
};

static struct place
at_key(const struct look *l, const char *key)
{
	return source_key(l->sources, l->place, key);
}

/* What the database cannot say now is no reason to warn. */
static bool
not_found(int code)
{
	return code == 0 || code == ENOENT || code == ESRCH;
}

static void
look_user(struct look *l, const char *key, const char *user)
{
	if (user == NULL || (l->user != NULL && strcmp(user, l->user) == 0))
		return;
	errno = 0;
	if (getpwnam(user) != NULL)
		l->user = user;
	else if (not_found(errno))
		problems_warn(l->problems, at_key(l, key),
			      "%s: this host has no user '%s'", key, user);
}

static void
look_group(struct look *l, const char *key, const char *group)
{
	if (group == NULL || (l->group != NULL && strcmp(group, l->group) == 0))
		return;
	errno = 0;
	if (getgrnam(group) != NULL)
		l->group = group;
	else if (not_found(errno))
		problems_warn(l->problems, at_key(l, key),
			      "%s: this host has no group '%s'", key, group);
}

/* place NULL: where its key stands. */
static void
look_program(const struct look *l, const struct place *place, const char *key,
	     const struct command *c)
{
	struct stat st;
	if (c->count == 0)
		return;
	if (stat(c->argv[0], &st) == 0) {
		if (!S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0)
			problems_warn(l->problems,
				      place != NULL ? *place : at_key(l, key),
				      "%s: '%s' cannot be executed", key, c->argv[0]);
	} else if (errno == ENOENT || errno == ENOTDIR) {
		problems_warn(l->problems, place != NULL ? *place : at_key(l, key),
			      "%s: this host has no program '%s'", key, c->argv[0]);
	}
}

static void
look_command(const struct look *l, const char *key, const struct command *c)
{
	look_program(l, NULL, key, c);
}

static void
look_folder(const struct look *l, const char *key, const char *path)
{
	struct stat st;
	if (path == NULL)
		return;
	if (stat(path, &st) == 0 ? !S_ISDIR(st.st_mode)
				 : errno == ENOENT || errno == ENOTDIR)
		problems_warn(l->problems, at_key(l, key),
			      "%s: this host has no folder '%s'", key, path);
}

static void
look_actions(const struct look *l, const char *key, const struct action *list, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (list[i].kind == ACTION_RUN)
			look_program(l, &list[i].place, key, &list[i].command);
}

static void
look_service(struct look *l, const struct service *s)
{
	l->place = s->place;
	look_user(l, "user", s->user);
	look_group(l, "group", s->group);
	look_command(l, "run", &s->run);
	look_command(l, "start", &s->start);
	look_command(l, "stop", &s->stop_command);
	look_command(l, "reload", &s->reload_command);
	look_folder(l, "dir", s->dir);
}

void
absent_find(const struct rules *r, const struct sources *s, struct problems *p)
{
	struct look l = { .sources = s, .problems = p };
	look_group(&l, "admin-group", r->settings.admin_group);
	look_group(&l, "read-group", r->settings.read_group);
	for (uint32_t i = 0; i < r->contact_count; i++) {
		l.place = r->contacts[i].place;
		look_command(&l, "run", &r->contacts[i].run);
	}
	for (uint32_t i = 0; i < r->service_count; i++)
		look_service(&l, &r->services[i]);
	for (uint32_t i = 0; i < r->check_count; i++) {
		l.place = check_place(r, &r->checks[i]);
		look_user(&l, "user", r->checks[i].more->user);
		look_command(&l, "script", &r->checks[i].more->script);
	}
	for (uint32_t i = 0; i < r->rule_count; i++) {
		const struct rule *x = &r->rules[i];
		l.place = x->place;
		if (x->place.file != NULL) /* else made of a check's do */
			look_user(&l, "user", x->user);
		look_actions(&l, "do", x->actions, x->action_count);
		look_actions(&l, "escalate", x->escalate, x->escalate_count);
	}
	for (uint32_t i = 0; i < r->route_count; i++) {
		l.place = r->routes[i].place;
		look_user(&l, "user", r->routes[i].user);
		look_command(&l, "run", &r->routes[i].run);
		look_command(&l, "test", &r->routes[i].test);
		look_command(&l, "reload", &r->routes[i].reload);
	}
}
