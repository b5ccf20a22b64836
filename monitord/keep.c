/* What must survive a boot: the last event id, and what operators ordered. The journal lies
 * in memory; this small file is written by a forked child, as root's loop waits for no disk. */
#include "monitord/core.h"

#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEEP_BYTES 262144

static void
add_hold(struct text *t, const char *name, int64_t until_ms)
{
	if (until_ms != 0)
		text_add(t, "hold %s %lld\n", name, (long long)until_ms);
	else
		text_add(t, "hold %s\n", name);
}

static void
add_services(const struct core *c, struct text *t)
{
	struct msg_service_view v;
	for (uint32_t i = 0; i < c->rules->service_count; i++) {
		world_service_view(c->world, i, &v);
		if (v.by_command)
			text_add(t, "stop %s\n", c->rules->services[i].name);
		if (v.held)
			add_hold(t, c->rules->services[i].name, v.hold_until_real_ms);
		if (world_runs(c->world, i))
			text_add(t, "ran %s\n", c->rules->services[i].name);
		if (v.drained)
			text_add(t, "drain %s\n", c->rules->services[i].name);
	}
}

static void
add_routes(const struct core *c, struct text *t)
{
	for (uint32_t i = 0; i < c->rules->route_count; i++) {
		uint32_t b = world_manual(c->world, i);
		if (b != RULES_NONE)
			text_add(t, "reroute %s %s %lld\n", c->rules->routes[i].name,
				 c->rules->routes[i].backends[b].name,
				 (long long)world_manual_until(c->world, i));
	}
}

static void
add_silences(const struct core *c, struct text *t)
{
	struct msg_silence_view v;
	for (uint32_t i = 0; i < WORLD_SILENCES; i++) {
		world_silence_view(c->world, i, &v);
		enum object_kind kind = (enum object_kind)v.kind;
		if (v.until_real_ms != 0)
			text_add(t, "silence %s %s %lld %s:%s\n", object_kind_name[kind],
				 kind == OBJECT_MONITORD ? "all" : rules_name(c->rules, kind, v.id),
				 (long long)v.until_real_ms, v.who, v.why);
	}
}

/* In the child. */
static void
put(const char *path, const char *text, size_t size)
{
	char new[PATH_MAX];
	text_print(new, sizeof new, "%s.new", path);
	syscall(SYS_close_range, 3u, ~0u, 0u); /* or our lock outlives us in it */
	int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool good = fd != -1 && write(fd, text, size) == (ssize_t)size && fsync(fd) == 0 &&
		    rename(new, path) == 0;
	_exit(good ? 0 : 1);
}

void
keep_write(struct core *c)
{
	static char bytes[KEEP_BYTES];
	char path[PATH_MAX];
	struct text t;
	text_begin(&t, bytes, sizeof bytes);
	text_print(path, sizeof path, "%s/keep", c->rules->settings.state);
	/* what is decided, but not yet written, never happened if we die now */
	text_add(&t, "last %llu\n", (unsigned long long)c->journal.last_id);
	add_services(c, &t);
	add_routes(c, &t);
	add_silences(c, &t);
	if (t.full)
		log_warning("%s: too much to keep: some orders will not survive a boot", path);
	pid_t pid = fork();
	if (pid == 0) { /* a grandchild: nobody need wait for the disk */
		if (fork() == 0)
			put(path, bytes, t.length);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void
recall(struct core *c, const char *word, const char *name, const char *rest, const char *until)
{
	struct journal_line l;
	memset(&l, 0, sizeof l);
	l.id = strcmp(word, "last") == 0 ? strtoull(name, NULL, 10) : 0;
	text_print(l.kind, sizeof l.kind, "command");
	text_print(l.object, sizeof l.object, "%s", name);
	if (*until != '\0' && strcmp(until, "0") != 0)
		text_print(l.text, sizeof l.text, "%s to %s by an earlier order, until %s", word, rest,
			   until);
	else if (*rest != '\0')
		text_print(l.text, sizeof l.text, "%s to %s by an earlier order", word, rest);
	else
		text_print(l.text, sizeof l.text, "%s by an earlier order", word);
	world_recall(c->world, &l);
}

static void
recall_silence(struct core *c, const char *line)
{
	char kind[16], name[RULES_NAME_MAX + 1], who[MSG_PERSON], why[MSG_TEXT];
	long long until;
	int at = 0;
	const char *colon;
	if (sscanf(line, "silence %15s %64s %lld %n", kind, name, &until, &at) < 3 || at == 0 ||
	    (colon = strchr(line + at, ':')) == NULL)
		return;
	text_print(who, sizeof who, "%.*s", (int)(colon - line - at), line + at);
	text_print(why, sizeof why, "%.*s", (int)strcspn(colon + 1, "\n"), colon + 1);
	for (unsigned k = 0; k < OBJECT_KINDS; k++)
		if (strcmp(object_kind_name[k], kind) == 0)
			world_silence_keep(c->world, (enum object_kind)k, name, until, who, why);
}

void
keep_read(struct core *c)
{
	char path[PATH_MAX], line[512], word[32], name[RULES_NAME_MAX + 1], rest[208], until[24];
	text_print(path, sizeof path, "%s/keep", c->rules->settings.state);
	FILE *f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		rest[0] = until[0] = '\0';
		if (strncmp(line, "silence ", 8) == 0) {
			recall_silence(c, line);
			continue;
		}
		if (sscanf(line, "%31s %64s %207s %23s", word, name, rest, until) >= 2)
			recall(c, word, name, rest, until);
	}
	if (f != NULL)
		fclose(f);
}
