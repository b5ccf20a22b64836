/* Evidence, in a child of its own: logs, the answer to a signal; the file that keeps it all. */
#include "monitord/gather.h"

#include "base/clock.h"
#include "base/text.h"
#include "monitord/logfile.h"
#include "monitord/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEPT 10			  /* files a service */
#define TAIL_MAX (256 * 1024)	  /* bytes that the last lines are looked for in */
#define ANSWER_MAX (512 * 1024)	  /* of the answer to a signal */
#define LOOK_MS 20
#define QUIET_MS 300 /* an answer that does not grow for so long is whole */

static void
put_bytes(struct gathering *g, const char *bytes, size_t size)
{
	size_t room = GATHER_FILE_MAX - g->size;
	if (g->file == NULL)
		return;
	if (size > room)
		size = room;
	g->size += fwrite(bytes, 1, size, g->file);
}

void
gather_put(struct gathering *g, const char *format, ...)
{
	char line[1024];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(line, sizeof line, format, args);
	va_end(args);
	if (n > 0)
		put_bytes(g, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

void
gather_tell(struct gathering *g, const char *text)
{
	char line[GATHER_LINE + 1];
	size_t n = text_clean(line, GATHER_LINE, text, strlen(text));
	line[n] = '\n';
	if (write(g->out, line, n + 1) < 0)
		_exit(1); /* nobody listens any more */
}

/* ---- logs ---- */

static off_t
size_of(int fd)
{
	struct stat st;
	return fd != -1 && fstat(fd, &st) == 0 ? st.st_size : 0;
}

static int
open_log(const struct gathering *g, unsigned item)
{
	return logfile_peek(g->ask->logs[item], &g->ask->account);
}

/* The begin of the last so many lines of text. */
static const char *
last_lines(const char *text, size_t size, unsigned lines)
{
	const char *p = text + size;
	if (size > 0 && p[-1] == '\n')
		p--;
	for (unsigned n = 0; p > text; p--)
		if (p[-1] == '\n' && ++n == lines)
			break;
	return p;
}

/* Where the last lines begin that fit into so many bytes; at least some of the last one. */
static const char *
fitting(const char *from, const char *end, size_t room)
{
	const char *p = end;
	while (p > from) {
		const char *line = p < end ? p - 1 : p;
		while (line > from && line[-1] != '\n')
			line--;
		if ((size_t)(end - line) > room)
			break;
		p = line;
	}
	if (p < end || from == end)
		return p;
	return (size_t)(end - from) > room ? end - room : from;
}

void
gather_excerpt(char out[GATHER_LINE], const char *title, const char *from, const char *end)
{
	char line[GATHER_LINE];
	struct text t;
	while (end > from && end[-1] == '\n')
		end--;
	text_begin(&t, out, GATHER_LINE);
	text_add(&t, "%s: ", title);
	const char *p = fitting(from, end, GATHER_LINE - 100);
	for (bool first = true; p < end; first = false) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		if (stop == NULL)
			stop = end;
		text_clean(line, sizeof line, p, (size_t)(stop - p));
		text_add(&t, "%s%s", first ? "" : GATHER_BREAK, line);
		p = stop + (stop < end);
	}
}

static void
take_log(struct gathering *g, unsigned item)
{
	static char text[TAIL_MAX];
	const struct evidence *x = &g->ask->items[item];
	char excerpt[GATHER_LINE];
	int fd = open_log(g, item);
	off_t end = g->ends[item],
	      begin = x->file == NULL && g->ask->from <= end ? g->ask->from : 0;
	if (end - begin > TAIL_MAX)
		begin = end - TAIL_MAX;
	ssize_t n = fd != -1 ? pread(fd, text, (size_t)(end - begin), begin) : -1;
	gather_put(g, "\n---- %s: the last %u lines ----\n", g->ask->logs[item],
		   x->count);
	if (n < 0)
		gather_put(g, "%s\n", strerror(errno));
	if (fd != -1)
		close(fd);
	if (n <= 0)
		return;
	const char *from = last_lines(text, (size_t)n, x->count);
	put_bytes(g, from, (size_t)(text + n - from));
	gather_excerpt(excerpt, "its last lines", from, text + n);
	gather_tell(g, excerpt);
}

/* ---- the answer to a signal ---- */

/* By default most signals kill: it goes only to who asked for it (proc(5), SigCgt). */
static bool
is_caught(pid_t pid, int sig)
{
	char path[64], line[256];
	unsigned long long caught = 0;
	text_print(path, sizeof path, "/proc/%d/status", pid);
	FILE *f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, "SigCgt:", 7) == 0)
			caught = strtoull(line + 7, NULL, 16);
	if (f != NULL)
		fclose(f);
	return (caught >> (sig - 1) & 1) != 0;
}

/* What the log has grown to once it grows no longer, or the time is over. */
static off_t
await_answer(int fd, off_t before, int64_t within_ms)
{
	off_t size = before;
	int64_t due = clock_ms() + within_ms, grown = 0;
	for (int64_t now; (now = clock_ms()) < due; poll(NULL, 0, LOOK_MS)) {
		off_t new = size_of(fd);
		if (new != size)
			grown = now;
		size = new;
		if (grown != 0 && now - grown >= QUIET_MS)
			break;
	}
	return size;
}

static unsigned
count_words(const char *text, const char *words)
{
	unsigned n = 0;
	for (const char *p = text; (p = strstr(p, words)) != NULL; p++)
		n++;
	return n;
}

/* Of a thread dump as a JVM writes it: how many are in which state. */
static void
tell_answer(struct gathering *g, const char *name, const char *text, size_t size)
{
	static const char *const states[] = { "RUNNABLE", "BLOCKED", "WAITING",
					      "TIMED_WAITING" };
	char line[GATHER_LINE], words[64];
	struct text t;
	text_begin(&t, line, sizeof line);
	text_add(&t, "SIG%s was answered by %zu bytes in its log", name, size);
	for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
		text_print(words, sizeof words, "Thread.State: %s", states[i]);
		unsigned n = count_words(text, words);
		if (n > 0)
			text_add(&t, ", %u %s", n, states[i]);
	}
	if (strstr(text, "deadlock") != NULL)
		text_add(&t, "; it speaks of a deadlock");
	gather_tell(g, line);
}

static void
take_answer(struct gathering *g, unsigned item)
{
	static char text[ANSWER_MAX + 1];
	const struct evidence *x = &g->ask->items[item];
	const char *name =
		sigabbrev_np(x->signal) != NULL ? sigabbrev_np(x->signal) : "?";
	char line[200];
	if (g->ask->pid == 0)
		return; /* who is dead answers nobody */
	gather_put(g, "\n---- its answer to SIG%s ----\n", name);
	if (!is_caught(g->ask->pid, x->signal)) {
		text_print(line, sizeof line,
			   "SIG%s was not sent: it does not handle it, and would die",
			   name);
		gather_put(g, "%s\n", line);
		gather_tell(g, line);
		return;
	}
	int fd = open_log(g, item);
	off_t before = size_of(fd);
	if (pidfd_kill(g->ask->pidfd, x->signal) != 0)
		gather_put(g, "%s\n", strerror(errno));
	off_t size = await_answer(fd, before, x->within_ms) - before;
	if (size > ANSWER_MAX)
		size = ANSWER_MAX;
	ssize_t n = fd != -1 && size > 0 ? pread(fd, text, (size_t)size, before) : 0;
	if (fd != -1)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	put_bytes(g, text, n > 0 ? (size_t)n : 0);
	if (n > 0) {
		tell_answer(g, name, text, (size_t)n);
		return;
	}
	text_print(line, sizeof line, "SIG%s was not answered in its log", name);
	gather_put(g, "%s\n", line);
	gather_tell(g, line);
}

/* ---- the file ---- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Is it a file of this service: NAME-TIME.txt? */
static bool
is_own(const struct gathering *g, const char *file)
{
	size_t n = strlen(g->ask->name), digits;
	if (strncmp(file, g->ask->name, n) != 0 || file[n] != '-')
		return false;
	digits = strspn(file + n + 1, "0123456789");
	return digits == 13 && strcmp(file + n + 1 + digits, ".txt") == 0;
}

/* Keeps the newest: the names sort by their time, milliseconds of 13 digits. */
static void
forget_old(struct gathering *g, int folder)
{
	static char names[256][NAME_MAX + 1];
	size_t n = 0;
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;
	struct dirent *e;
	while (d != NULL && n < 256 && (e = readdir(d)) != NULL)
		if (is_own(g, e->d_name))
			text_print(names[n++], sizeof names[0], "%s", e->d_name);
	if (d != NULL)
		closedir(d);
	qsort(names, n, sizeof names[0], by_name);
	for (size_t i = 0; i + KEPT <= n; i++)
		unlinkat(folder, names[i], 0);
}

static void
open_file(struct gathering *g, char *path, size_t cap)
{
	char name[NAME_MAX + 1];
	if (mkdir(g->ask->folder, 0700) != 0 && errno != EEXIST)
		return;
	int folder =
		open(g->ask->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (folder == -1)
		return;
	forget_old(g, folder);
	text_print(name, sizeof name, "%s-%013lld.txt", g->ask->name,
		   (long long)clock_real_ms());
	text_print(path, cap, "%s/%s", g->ask->folder, name);
	int fd = openat(folder, name,
			O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	close(folder);
	g->file = fd != -1 ? fdopen(fd, "w") : NULL;
}

static void
close_file(struct gathering *g, const char *path)
{
	char line[GATHER_LINE], size[32];
	int error = errno;
	bool good =
		g->file != NULL && fflush(g->file) == 0 && fsync(fileno(g->file)) == 0;
	if (g->file != NULL && !good)
		error = errno;
	if (good)
		text_print(line, sizeof line, "all of it is kept in %s (%s)", path,
			   text_size((double)g->size, size, sizeof size));
	else
		text_print(line, sizeof line, "no file could be kept in %s: %s",
			   g->ask->folder, strerror(error));
	gather_tell(g, line);
}

/* ---- all of it ---- */

static void
put_head(struct gathering *g)
{
	char time[40], path[64], text[4096];
	gather_put(g, "%s, process %d, at %s\n", g->ask->name, (int)g->ask->pid,
		   clock_rfc3339(clock_real_ms(), time, sizeof time));
	text_print(path, sizeof path, "/proc/%d/cmdline", (int)g->ask->pid);
	int fd = g->ask->pid != 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = fd != -1 ? read(fd, text, sizeof text) : 0;
	if (fd != -1)
		close(fd);
	for (ssize_t i = 0; i < n; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	put_bytes(g, text, n > 0 ? (size_t)n : 0);
	gather_put(g, "\n");
}

/* Nothing but what it needs is open in it, and it does not outlive monitord. */
static int
stand_alone(int pidfd, int out)
{
	int high = fcntl(out, F_DUPFD, 10),
	    process = pidfd != -1 ? fcntl(pidfd, F_DUPFD, 10) : -1;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	(void)!nice(5); /* repairs come first */
	if (dup2(high, 3) == -1 || (process != -1 && dup2(process, 4) == -1))
		_exit(1);
	syscall(SYS_close_range, process != -1 ? 5u : 4u, ~0u, 0u);
	return 3;
}

void
gather(const struct gather *ask, int out)
{
	static struct gather own;
	static struct gathering g;
	char path[PATH_MAX] = "";
	own = *ask;
	g = (struct gathering){ .ask = &own };
	g.out = stand_alone(own.pidfd, out);
	own.pidfd = own.pidfd != -1 ? 4 : -1;
	for (unsigned i = 0; i < own.item_count; i++) {
		int fd = own.logs[i][0] != '\0' ? open_log(&g, i) : -1;
		/* before the answer to a signal makes them longer */
		g.ends[i] = size_of(fd);
		if (own.items[i].file == NULL && own.until != -1 && own.until < g.ends[i])
			g.ends[i] = own.until;
		if (fd != -1)
			close(fd);
	}
	open_file(&g, path, sizeof path);
	put_head(&g);
	for (unsigned i = 0; i < own.item_count; i++)
		switch (own.items[i].kind) {
		case EVIDENCE_SIGNAL:
			take_answer(&g, i);
			break;
		case EVIDENCE_LOG:
			take_log(&g, i);
			break;
		case EVIDENCE_SOCKETS:
			gather_sockets(&g);
			break;
		case EVIDENCE_THREADS:
			gather_threads(&g, own.items[i].count);
			break;
		case EVIDENCES:
			break;
		}
	close_file(&g, path);
	_exit(0);
}
