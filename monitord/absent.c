#include "monitord/absent.h"

#include "base/owner.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static bool
is_root(const char *user)
{
	return user != NULL && strcmp(user, "root") == 0;
}

/* Who may change what root runs is root. */
static void
look_owner(const struct look *l, struct place place, const char *key, const char *program)
{
	char at[PATH_MAX];
	const char *why = geteuid() == 0 ? owner_doubt(program, at) : NULL;
	if (why != NULL)
		problems_warn(l->problems, place, "%s: '%s' %s", key, at, why);
}

static void
look_program(const struct look *l, struct place place, const char *key, const struct command *c,
	     bool as_root)
{
	struct stat st;
	if (c->count == 0)
		return;
	if (stat(c->argv[0], &st) == 0) {
		if (!S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0)
			problems_warn(l->problems, place, "%s: '%s' cannot be executed",
				      key, c->argv[0]);
		else if (as_root)
			look_owner(l, place, key, c->argv[0]);
	} else if (errno == ENOENT || errno == ENOTDIR) {
		problems_warn(l->problems, place, "%s: this host has no program '%s'",
			      key, c->argv[0]);
	}
}

static void
look_command(const struct look *l, const char *key, const struct command *c, bool as_root)
{
	if (c->count > 0)
		look_program(l, at_key(l, key), key, c, as_root);
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
look_actions(const struct look *l, const char *key, const struct action *list, uint32_t count,
	     bool as_root)
{
	for (uint32_t i = 0; i < count; i++)
		if (list[i].kind == ACTION_RUN)
			look_program(l, list[i].place, key, &list[i].command, as_root);
}

static void
look_service(struct look *l, const struct service *s)
{
	l->place = s->place;
	look_user(l, "user", s->user);
	look_group(l, "group", s->group);
	bool as_root = s->user == NULL || is_root(s->user);
	look_command(l, "run", &s->run, as_root);
	look_command(l, "start", &s->start, as_root);
	look_command(l, "stop", &s->stop_command, as_root);
	look_command(l, "reload", &s->reload_command, as_root);
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
		look_command(&l, "run", &r->contacts[i].run, false);
	}
	for (uint32_t i = 0; i < r->service_count; i++)
		look_service(&l, &r->services[i]);
	for (uint32_t i = 0; i < r->check_count; i++) {
		l.place = check_place(r, &r->checks[i]);
		look_user(&l, "user", r->checks[i].more->user);
		look_command(&l, "script", &r->checks[i].more->script,
			     is_root(r->checks[i].more->user));
	}
	for (uint32_t i = 0; i < r->rule_count; i++) {
		const struct rule *x = &r->rules[i];
		l.place = x->place;
		if (x->place.file != NULL) /* else made of a check's do */
			look_user(&l, "user", x->user);
		look_actions(&l, "do", x->actions, x->action_count, is_root(x->user));
		look_actions(&l, "escalate", x->escalate, x->escalate_count,
			     is_root(x->user));
	}
	for (uint32_t i = 0; i < r->route_count; i++) {
		l.place = r->routes[i].place;
		const struct route *x = &r->routes[i];
		bool as_root = x->user == NULL || is_root(x->user);
		look_user(&l, "user", x->user);
		look_command(&l, "run", &x->run, is_root(x->user));
		look_command(&l, "test", &x->test, as_root);
		look_command(&l, "reload", &x->reload, as_root);
	}
}
