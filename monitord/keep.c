/* What must survive a boot: which event ids may be used, and what operators ordered. The
 * journal lies in memory; this small file is written by a forked child, as root's loop waits
 * for no disk. Its last line is a checksum: a damaged one is set aside, and told. */
#include "monitord/core.h"

#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEEP_BYTES 262144
#define SUM_BYTES 13	  /* "sum 01234567\n" */
#define TURNS_AHEAD 1000u /* a child of an earlier life may still be writing */

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
				 kind == OBJECT_MONITORD
					 ? "all"
					 : rules_name(c->rules, kind, v.id),
				 (long long)v.until_real_ms, v.who, v.why);
	}
}

static bool
number_of(const char *line, const char *word, uint64_t *out)
{
	size_t n = strlen(word);
	char *end;
	if (strncmp(line, word, n) != 0 || line[n] != ' ' || line[n + 1] < '0' ||
	    line[n + 1] > '9')
		return false;
	*out = strtoull(line + n + 1, &end, 10);
	return *end == '\n' && *out < UINT64_C(1) << 53;
}

/* The whole file; false: there is none, or it is no whole one. An earlier version's has no
 * checksum, and begins with the last id. */
static bool
load(const char *path, char *bytes, size_t cap, bool *damaged)
{
	uint64_t id;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = fd != -1 ? read(fd, bytes, cap - 1) : -1;
	*damaged = fd == -1 ? errno != ENOENT : n <= 0;
	if (fd != -1)
		close(fd);
	if (n <= 0)
		return false;
	bytes[n] = '\0';
	if (number_of(bytes, "last", &id))
		return true;
	char *sum = n > SUM_BYTES ? bytes + n - SUM_BYTES : NULL, *end;
	*damaged =
		sum == NULL || strncmp(sum, "sum ", 4) != 0 || sum[-1] != '\n' ||
		strtoul(sum + 4, &end, 16) != text_crc32c(bytes, (size_t)(sum - bytes)) ||
		*end != '\n';
	if (!*damaged)
		*sum = '\0';
	return !*damaged;
}

/* Which write it was: of two that overlap, the older must not win. */
static uint64_t
turn_of(const char *text)
{
	uint64_t turn = 0;
	const char *line = strchr(text, '\n');
	return line != NULL && number_of(line + 1, "turn", &turn) ? turn : 0;
}

/* In the child. */
static bool
put(const char *path, const char *text, size_t size)
{
	static char other[KEEP_BYTES];
	char new[PATH_MAX];
	bool damaged;
	text_print(new, sizeof new, "%s.new", path);
	int fd;
	struct stat own, there;
	for (;;) { /* one writer at a time, and of the file that has this name now */
		fd = open(new, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd == -1 || flock(fd, LOCK_EX) != 0 || fstat(fd, &own) != 0)
			return false;
		if (stat(new, &there) == 0 && there.st_ino == own.st_ino)
			break;
		close(fd);
	}
	if (load(path, other, sizeof other, &damaged) && turn_of(other) >= turn_of(text))
		return true;
	return ftruncate(fd, 0) == 0 && write(fd, text, size) == (ssize_t)size &&
	       fsync(fd) == 0 && rename(new, path) == 0;
}

static void
put_and_end(const char *path, const char *text, size_t size)
{
	syscall(SYS_close_range, 3u, ~0u, 0u); /* or our lock outlives us in it */
	errno = 0;
	if (!put(path, text, size))
		log_error(
			"%s cannot be written (%s): a boot now would forget the last orders",
			path, errno != 0 ? strerror(errno) : "the disk is full");
	_exit(0);
}

void
keep_write(struct core *c)
{
	static char bytes[KEEP_BYTES];
	char path[PATH_MAX];
	struct text t;
	text_begin(&t, bytes, sizeof bytes - SUM_BYTES);
	text_print(path, sizeof path, "%s/keep", c->rules->settings.state);
	/* else we might die in between, and the ring be too far behind what is kept */
	journal_flush(&c->journal);
	/* what is decided, but not yet written, never happened if we die now */
	c->ids_kept = c->journal.last_id + JOURNAL_AHEAD;
	text_add(&t, "ids %llu\nturn %llu\n", (unsigned long long)c->ids_kept,
		 (unsigned long long)++c->keep_turn);
	add_services(c, &t);
	add_routes(c, &t);
	add_silences(c, &t);
	if (t.full) {
		log_warning("%s: too much to keep: some orders will not survive a boot",
			    path);
		while (t.length > 0 && bytes[t.length - 1] != '\n')
			t.length--; /* half a line is none */
	}
	snprintf(bytes + t.length, SUM_BYTES + 1, "sum %08x\n",
		 text_crc32c(bytes, t.length));
	pid_t pid = fork();
	if (pid == 0) { /* a grandchild: nobody need wait for the disk */
		if (fork() == 0)
			put_and_end(path, bytes, t.length + SUM_BYTES);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

void
keep_ids(struct core *c)
{
	if (c->journal.last_id + JOURNAL_AHEAD / 4 * 3 > c->ids_kept)
		keep_write(c);
}

/* Its bytes, to be read line by line; one that is damaged gets another name. */
static char *
read_kept(struct core *c)
{
	static char bytes[KEEP_BYTES];
	char path[PATH_MAX], aside[PATH_MAX];
	bool damaged;
	text_print(path, sizeof path, "%s/keep", c->rules->settings.state);
	if (load(path, bytes, sizeof bytes, &damaged))
		return bytes;
	text_print(aside, sizeof aside, "%s.damaged", path);
	if (damaged) {
		bool moved = rename(path, aside) == 0;
		c->keep_lost = true;
		log_error("%s cannot be read: it is %s %s", path,
			  moved ? "set aside as" : "left, as it cannot become", aside);
	}
	return NULL;
}

uint64_t
keep_open(struct core *c)
{
	uint64_t ids = 0, last;
	c->kept = read_kept(c);
	if (c->kept == NULL)
		return 0;
	c->keep_turn = turn_of(c->kept) + TURNS_AHEAD;
	if (number_of(c->kept, "last", &last))
		return last + JOURNAL_AHEAD;
	return number_of(c->kept, "ids", &ids) ? ids : 0;
}

static void
recall(struct core *c, const char *word, const char *name, const char *rest, const char *until)
{
	struct journal_line l;
	memset(&l, 0, sizeof l);
	text_print(l.kind, sizeof l.kind, "command");
	text_print(l.object, sizeof l.object, "%s", name);
	if (*until != '\0' && strcmp(until, "0") != 0)
		text_print(l.text, sizeof l.text,
			   "%s to %s by an earlier order, until %s", word, rest, until);
	else if (*rest != '\0')
		text_print(l.text, sizeof l.text, "%s to %s by an earlier order", word,
			   rest);
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
	if (sscanf(line, "silence %15s %64s %lld %n", kind, name, &until, &at) < 3 ||
	    at == 0 || (colon = strchr(line + at, ':')) == NULL)
		return;
	text_print(who, sizeof who, "%.*s", (int)(colon - line - at), line + at);
	text_print(why, sizeof why, "%.*s", (int)strcspn(colon + 1, "\n"), colon + 1);
	for (unsigned k = 0; k < OBJECT_KINDS; k++)
		if (strcmp(object_kind_name[k], kind) == 0)
			world_silence_keep(c->world, (enum object_kind)k, name, until,
					   who, why);
}

void
keep_read(struct core *c)
{
	char word[32], name[RULES_NAME_MAX + 1], rest[208], until[24], *text = c->kept,
								       *line;
	struct journal_line last = { .id = c->journal.last_id };
	while (text != NULL && (line = strsep(&text, "\n")) != NULL) {
		rest[0] = until[0] = '\0';
		if (strncmp(line, "silence ", 8) == 0)
			recall_silence(c, line);
		else if (sscanf(line, "%31s %64s %207s %23s", word, name, rest, until) >=
			 2)
			recall(c, word, name, rest, until);
	}
	c->kept = NULL;
	world_recall(c->world, &last);
}
