#include "probes/commands.h"

#include "base/clock.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE_MS 300 /* with one process */
#define BLOCKED_MAX 16  /* processes that hold up a thread each; one more, and none is found */
#define COMMAND_MAX 8192 /* bytes of a command line that are looked at */

struct line {
	pid_t pid;
	uid_t owner;
	uint64_t start_ticks;
	size_t at; /* in the text */
};

struct commands_read {
	struct work work;     /* its first member */
	struct commands *of;
	int64_t began_ns;
	pid_t left;           /* this one holds it up, and nobody waits for it; 0: not */
	atomic_int pid;       /* whose command line it reads */
	atomic_uint turn;     /* of processes; 0: no thread has begun with it */
	int error;            /* why not all could be read: ours, not theirs; 0: all were */
	pid_t skip[BLOCKED_MAX];
	unsigned skips;
	struct line *lines;
	size_t count, room;
	char *text;
	size_t size, cap;
};

struct commands {
	struct loop *loop;
	struct workers *workers;
	struct commands_read *now; /* NULL: none is under way */
	struct loop_timer timer;
	unsigned seen; /* the turn at the last look */
	pid_t blocked[BLOCKED_MAX];
	unsigned blocked_count;
	void (*done)(void *arg, const struct commands_read *r); /* NULL: nobody asks */
	void *arg;
};

/* ---- in the thread ---- */

/* Then a process that is not read may be there all the same. */
static void
note_error(struct commands_read *r, int error)
{
	if (error == EMFILE || error == ENFILE || error == ENOMEM)
		r->error = error;
}

/* How much of a file of /proc fits; -1: it is gone, or errno says more. */
static ssize_t
read_file(int proc, pid_t pid, const char *name, char *out, size_t cap)
{
	char path[64];
	size_t size = 0;
	text_print(path, sizeof path, "%d/%s", (int)pid, name);
	int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	while (size < cap) {
		ssize_t n = read(fd, out + size, cap - size);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		size += (size_t)n;
	}
	close(fd);
	return (ssize_t)size;
}

/* 0: it is gone, or dead. */
static uint64_t
start_of(int proc, pid_t pid)
{
	char stat[1024];
	ssize_t n = read_file(proc, pid, "stat", stat, sizeof stat - 1);
	if (n <= 0)
		return 0;
	stat[n] = '\0';
	char *at = strrchr(stat, ')'); /* its name may hold anything */
	if (at == NULL || at[1] == '\0' || at[2] == 'Z')
		return 0;
	for (unsigned field = 2; field < 22 && at != NULL; field++)
		at = strchr(at + 1, ' ');
	return at != NULL ? strtoull(at, NULL, 10) : 0;
}

/* Room for one more line. */
static bool
make_room(struct commands_read *r)
{
	if (r->count == r->room) {
		size_t room = r->room == 0 ? 256 : 2 * r->room;
		struct line *lines = reallocarray(r->lines, room, sizeof *lines);
		if (lines == NULL)
			return false;
		r->lines = lines;
		r->room = room;
	}
	if (r->cap - r->size < COMMAND_MAX) {
		size_t cap = r->cap == 0 ? 8 * COMMAND_MAX : 2 * r->cap;
		char *text = realloc(r->text, cap);
		if (text == NULL)
			return false;
		r->text = text;
		r->cap = cap;
	}
	return true;
}

static void
read_one(struct commands_read *r, int proc, pid_t pid)
{
	for (unsigned i = 0; i < r->skips; i++)
		if (r->skip[i] == pid)
			return;
	atomic_store(&r->pid, pid);
	atomic_fetch_add(&r->turn, 1);
	errno = 0;
	struct stat st;
	char name[16];
	text_print(name, sizeof name, "%d", (int)pid);
	if (fstatat(proc, name, &st, 0) == -1)
		return;
	uint64_t start = start_of(proc, pid);
	if (start == 0 || !make_room(r)) {
		note_error(r, errno);
		return;
	}
	char *text = r->text + r->size;
	ssize_t n = read_file(proc, pid, "cmdline", text, COMMAND_MAX - 1);
	if (n < 0)
		note_error(r, errno);
	while (n > 0 && text[n - 1] == '\0')
		n--;
	if (n <= 0)
		return;
	for (ssize_t i = 0; i < n; i++) /* its words, joined by blanks */
		if (text[i] == '\0')
			text[i] = ' ';
	text[n] = '\0';
	r->lines[r->count++] = (struct line){
		.pid = pid, .owner = st.st_uid, .start_ticks = start, .at = r->size
	};
	r->size += (size_t)n + 1;
}

static void
run(struct work *w)
{
	struct commands_read *r = (struct commands_read *)w; /* its first member */
	pid_t own = getpid(), parent = getppid();
	DIR *dir = opendir("/proc");
	if (dir == NULL) {
		r->error = errno;
		return;
	}
	for (struct dirent *d; !atomic_load(&w->hurry) && (d = readdir(dir)) != NULL;) {
		pid_t pid =
			d->d_name[0] >= '1' && d->d_name[0] <= '9' ? atoi(d->d_name) : 0;
		if (pid > 0 && pid != own && pid != parent)
			read_one(r, dirfd(dir), pid);
	}
	closedir(dir);
}

/* ---- in the loop ---- */

static void begin(struct commands *c);

static void
free_read(struct commands_read *r)
{
	free(r->lines);
	free(r->text);
	free(r);
}

/* It came through at last: its process may be read again. */
static void
come_back(struct commands *c, pid_t pid)
{
	for (unsigned i = 0; i < c->blocked_count; i++)
		if (c->blocked[i] == pid) {
			c->blocked[i] = c->blocked[--c->blocked_count];
			return;
		}
}

static void
on_done(struct work *w)
{
	struct commands_read *r = (struct commands_read *)w;
	struct commands *c = r->of;
	if (r->left != 0) {
		come_back(c, r->left);
		free_read(r);
		return;
	}
	void (*done)(void *, const struct commands_read *) = c->done;
	loop_timer_stop(&c->timer);
	c->now = NULL;
	c->done = NULL;
	if (done != NULL)
		done(c->arg, r);
	free_read(r);
}

static void
on_patience(struct loop_timer *timer)
{
	struct commands *c = timer->arg;
	unsigned turn = atomic_load(&c->now->turn);
	/* where no thread has begun with it, no process holds it up */
	if (turn == 0 || turn != c->seen || c->blocked_count == BLOCKED_MAX) {
		c->seen = turn;
		return;
	}
	c->now->left = atomic_load(&c->now->pid);
	atomic_store(&c->now->work.hurry, true);
	c->blocked[c->blocked_count++] = c->now->left;
	workers_late(c->workers, &c->now->work);
	c->now = NULL;
	begin(c);
}

static void
begin(struct commands *c)
{
	struct commands_read *r = calloc(1, sizeof *r);
	loop_timer_stop(&c->timer);
	if (r == NULL)
		return; /* whoever asks will ask again */
	r->work.run = run;
	r->work.done = on_done;
	r->of = c;
	r->began_ns = clock_ns();
	memcpy(r->skip, c->blocked, sizeof r->skip);
	r->skips = c->blocked_count;
	c->now = r;
	c->seen = 0;
	loop_timer_start(c->loop, &c->timer, PATIENCE_MS, PATIENCE_MS, on_patience, c);
	workers_give(c->workers, &r->work);
}

void
commands_ask(struct commands *c, void (*done)(void *arg, const struct commands_read *r),
	     void *arg)
{
	c->done = done;
	c->arg = arg;
	if (c->now == NULL)
		begin(c);
}

void
commands_forget(struct commands *c)
{
	c->done = NULL;
}

int64_t
commands_began_ns(const struct commands_read *r)
{
	return r->began_ns;
}

int
commands_error(const struct commands_read *r)
{
	return r->error;
}

struct commands *
commands_new(struct loop *loop, struct workers *workers)
{
	struct commands *c = calloc(1, sizeof *c);
	if (c != NULL)
		*c = (struct commands){ .loop = loop, .workers = workers };
	return c;
}

struct commands_process
commands_match(const struct commands_read *r, const struct match *m, const uid_t *owner)
{
	struct commands_process best = { .pid = 0 };
	for (size_t i = 0; i < r->count; i++) {
		const struct line *l = &r->lines[i];
		const char *text = r->text + l->at;
		if (owner != NULL && l->owner != *owner)
			continue;
		if ((best.pid == 0 || l->start_ticks < best.start_ticks) &&
		    match_fits(m, text, strlen(text)))
			best = (struct commands_process){ l->pid, l->start_ticks };
	}
	return best;
}
