/* Files and commands of traffic fronts: a switch's flag file or symlink, the include of
 * nginx or Squid with its test and reload, a command with `set` or `get`. Everything that
 * is written or run stands in the rule file; routes says which backends, by their bits.
 *
 * An include that is new is tested by the front itself before it is read. Until then the
 * old one stays beside it (FILE.monitord): a test that fails, or a reload, brings it
 * back; where our death left it, the new one is tested and read again before anything
 * else. */
#include "monitord/core.h"

#include "base/log.h"
#include "base/text.h"
#include "rules/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORKS 64 /* of all routes, at the same time */
#define COMMAND_MS 30000
#define WORDS_MAX 1024

enum stage { STAGE_NONE, STAGE_TEST, STAGE_RELOAD, STAGE_SET, STAGE_GET };

struct work {
	struct core *core;
	enum stage stage;
	uint64_t number; /* echoed; 0: asked for by nobody */
	char route[RULES_NAME_MAX + 1];
};

static struct work works[WORKS];

static struct work *
work_of(const struct route *r)
{
	for (size_t i = 0; i < WORKS; i++)
		if (works[i].stage != STAGE_NONE && strcmp(works[i].route, r->name) == 0)
			return &works[i];
	return NULL;
}

static struct work *
work_new(struct core *c, const struct route *r, enum stage stage, uint64_t number)
{
	size_t i = 0;
	while (i < WORKS && works[i].stage != STAGE_NONE)
		i++;
	if (i == WORKS)
		return NULL;
	works[i] = (struct work){ .core = c, .stage = stage, .number = number };
	text_print(works[i].route, sizeof works[i].route, "%s", r->name);
	return &works[i];
}

static void
answer(struct core *c, uint32_t route, uint64_t number, int error, const char *text)
{
	struct msg_route_written done;
	memset(&done, 0, sizeof done);
	done.route = route;
	done.number = number;
	done.error = error;
	text_print(done.text, sizeof done.text, "%s", text);
	helper_control(&c->helpers[ROLE_ROUTES], MSG_ROUTE_WRITTEN, &done, sizeof done,
		       -1);
}

/* The last line: it may begin the next one. */
static void
work_end(struct work *w, int error, const char *text)
{
	uint32_t route = rules_find(w->core->rules, OBJECT_ROUTE, w->route);
	struct work done = *w;
	w->stage = STAGE_NONE;
	if (error != 0)
		log_warning("route %s: %s", done.route, text);
	if (done.number != 0 && route != RULES_NONE)
		answer(done.core, route, done.number, error, text);
}

/* ---- files ---- */

bool
front_has_file(const struct route *r)
{
	return r->driver == DRIVER_SWITCH || driver_has_lines(r);
}

int
front_file(const struct route *r)
{
	struct stat st;
	if (!r->link)
		return open_file(r->path);
	int fd = open(r->path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISLNK(st.st_mode))
		return fd;
	close(fd);
	return -EINVAL;
}

static bool
beside(const struct route *r, const char *end, char *out)
{
	return text_print(out, PATH_MAX, "%s%s", r->path, end) < PATH_MAX - 1;
}

static void
write_lines(const struct route *r, uint64_t active, struct text *t)
{
	char line[DRIVER_LINE_MAX];
	for (uint32_t i = 0; i < r->backend_count; i++) {
		if ((active >> i & 1) == 0)
			continue;
		if (driver_has_lines(r) && !driver_line(r, i, line, sizeof line))
			continue; /* it was proven when the rules were read */
		text_add(t, "%s\n", driver_has_lines(r) ? line : r->backends[i].name);
	}
}

/* The new one takes the old one's owner and mode, never those of what a link there leads to. 0: it
 * stands at path. */
static int
new_file(const struct route *r, uint64_t active, const char *path)
{
	static char bytes[RULES_BACKENDS_MAX * (DRIVER_LINE_MAX + 1) + 1];
	struct text t;
	struct stat st;
	text_begin(&t, bytes, sizeof bytes);
	write_lines(r, active, &t);
	bool existed = lstat(r->path, &st) == 0 && S_ISREG(st.st_mode);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd == -1)
		return errno;
	bool good = !t.full && write(fd, bytes, t.length) == (ssize_t)t.length &&
		    fchmod(fd, existed ? st.st_mode & 0777 : 0644) == 0 &&
		    (!existed || geteuid() != 0 || fchown(fd, st.st_uid, st.st_gid) == 0);
	int error = good ? 0 : errno != 0 ? errno : ENOSPC;
	close(fd);
	return error;
}

static int
new_link(const struct route *r, uint64_t active, const char *path)
{
	struct stat st;
	if (lstat(r->path, &st) == 0 && !S_ISLNK(st.st_mode))
		return EEXIST; /* it is no link, and maybe somebody's folder */
	return symlink(r->backends[__builtin_ctzll(active)].name, path) == 0 ? 0 : errno;
}

/* As one: no moment without it. */
static int
replace(const struct route *r, uint64_t active)
{
	char path[PATH_MAX];
	if (!beside(r, ".new", path))
		return ENAMETOOLONG;
	unlink(path); /* of an attempt that was cut off */
	errno = 0;
	int error = r->link ? new_link(r, active, path) : new_file(r, active, path);
	if (error == 0 && rename(path, r->path) != 0)
		error = errno;
	if (error != 0)
		unlink(path);
	return error;
}

/* The old one stays beside it; one that stands there already was good, and this one was
 * not yet proven. */
static int
save(const struct route *r)
{
	char old[PATH_MAX];
	if (!beside(r, ".monitord", old))
		return ENAMETOOLONG;
	if (link(r->path, old) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return errno;
	int fd = open(old, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd == -1)
		return errno;
	close(fd); /* there was none: an empty one comes back */
	return 0;
}

static void
settle(const struct route *r, bool good)
{
	char old[PATH_MAX];
	if (!beside(r, ".monitord", old))
		return;
	if ((good ? unlink(old) : rename(old, r->path)) != 0)
		log_warning("%s: %s", old, strerror(errno));
}

/* ---- commands ---- */

static void on_ended(void *arg, bool good, const char *text);

static bool
run(struct work *w, const struct route *r, const char *const *argv, int *out,
    char why[MSG_TEXT])
{
	struct front_command command = { .argv = argv,
					 .user = r->user,
					 .limit_ms = COMMAND_MS,
					 .own_rights = r->driver != DRIVER_RUN,
					 .ended = on_ended,
					 .arg = w };
	return process_front(w->core->processes, &command, out, why);
}

/* An include's next step, until one fails or it is in force. */
static void
step(struct work *w, const struct route *r)
{
	char why[MSG_TEXT];
	const struct command *c =
		w->stage == STAGE_TEST ? driver_test(r) : driver_reload(r);
	if (run(w, r, c->argv, NULL, why))
		return;
	settle(r, false);
	work_end(w, EIO, why);
}

static void
on_ended(void *arg, bool good, const char *text)
{
	static const char *const words[] = {
		[STAGE_TEST] = "its test", [STAGE_RELOAD] = "its reload"
	};
	struct work *w = arg;
	char why[400];
	uint32_t id = rules_find(w->core->rules, OBJECT_ROUTE, w->route);
	const struct route *r = id != RULES_NONE ? &w->core->rules->routes[id] : NULL;
	bool lines = w->stage == STAGE_TEST || w->stage == STAGE_RELOAD;
	if (!lines || r == NULL || !driver_has_lines(r)) {
		work_end(w, good ? 0 : EIO, good ? "" : text);
	} else if (good && w->stage == STAGE_TEST) {
		w->stage = STAGE_RELOAD;
		step(w, r);
	} else if (good) {
		settle(r, true);
		work_end(w, 0, "");
	} else {
		text_print(why, sizeof why, "%s failed, the old %s is back: %s",
			   words[w->stage], r->path, text);
		settle(r, false);
		work_end(w, EIO, why);
	}
}

bool
front_is_settled(struct core *c, uint32_t route)
{
	const struct route *r = &c->rules->routes[route];
	struct stat st;
	char old[PATH_MAX];
	if (!driver_has_lines(r))
		return true;
	if (work_of(r) != NULL)
		return false;
	if (!beside(r, ".monitord", old) || lstat(old, &st) != 0)
		return true;
	struct work *w = work_new(c, r, STAGE_TEST, 0);
	if (w != NULL)
		step(w, r);
	return false;
}

/* The rule's own words, then ours. */
static bool
words_of(const struct route *r, const char *verb, uint64_t active, const char **argv)
{
	uint32_t n = r->run.count;
	if (n + RULES_BACKENDS_MAX + 2 > WORDS_MAX)
		return false;
	memcpy(argv, r->run.argv, n * sizeof *argv);
	argv[n++] = verb;
	for (uint32_t i = 0; i < r->backend_count; i++)
		if ((active >> i & 1) != 0)
			argv[n++] = r->backends[i].name;
	argv[n] = NULL;
	return true;
}

int
front_get(struct core *c, uint32_t route, uint64_t token)
{
	const struct route *r = &c->rules->routes[route];
	const char *argv[WORDS_MAX];
	char why[MSG_TEXT];
	int out = -EIO;
	if (work_of(r) != NULL)
		return -EBUSY;
	if (!words_of(r, "get", 0, argv))
		return -E2BIG;
	struct work *w = work_new(c, r, STAGE_GET, token);
	if (w == NULL)
		return -EBUSY;
	if (run(w, r, argv, &out, why))
		return out;
	w->number = 0; /* the descriptor's absence says it */
	work_end(w, EIO, why);
	return -EIO;
}

static void
set(struct core *c, const struct route *r, const struct msg_route_write *order)
{
	const char *argv[WORDS_MAX];
	char why[MSG_TEXT];
	if (!words_of(r, "set", order->active, argv)) {
		answer(c, r->id, order->number, E2BIG, "");
		return;
	}
	struct work *w = work_new(c, r, STAGE_SET, order->number);
	if (w == NULL)
		answer(c, r->id, order->number, EBUSY, "");
	else if (!run(w, r, argv, NULL, why))
		work_end(w, EIO, why);
}

void
front_write(struct core *c, const struct msg_route_write *order)
{
	const struct route *r = &c->rules->routes[order->route];
	int error = work_of(r) != NULL ? EBUSY : 0;
	if (error == 0 && r->driver == DRIVER_RUN) {
		set(c, r, order);
		return;
	}
	if (error == 0 && driver_has_lines(r))
		error = save(r);
	if (error == 0)
		error = replace(r, order->active);
	if (error != 0 || !driver_has_lines(r)) {
		answer(c, order->route, order->number, error, "");
		return;
	}
	struct work *w = work_new(c, r, STAGE_TEST, order->number);
	if (w == NULL) {
		settle(r, false);
		answer(c, order->route, order->number, EBUSY, "");
		return;
	}
	step(w, r);
}
