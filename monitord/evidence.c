/* Evidence: a child gathers it, its excerpts become events. After a crash the last lines are
 * read here, if they are in memory still: a restart waits for no disk. */
#include "base/log.h"
#include "base/text.h"
#include "monitord/gather.h"
#include "monitord/logfile.h"
#include "monitord/mount.h"
#include "monitord/process_state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PEEK 2048	 /* bytes of the log's end */
#define EXCERPTS_MOST 16 /* a gathering */
#define INQUIRIES 64	 /* at work, or killed and held by a dead disk */
#define LOOK_MS 1000
#define BESIDE_MS 2500	 /* for all but the answers to signals */

struct inquiry { /* one child at work */
	struct processes *ps;
	struct inquiry *next;
	char name[RULES_NAME_MAX + 1]; /* of the service: ids change with a reload */
	uint64_t token;
	pid_t pid;
	int out; /* -1: it is over, and its child not reaped yet */
	int pidfd;
	unsigned told;
	size_t used;
	char line[GATHER_LINE + 1];
	struct loop_io io;
	struct loop_timer limit;
};

/* ---- what the child says ---- */

static void
tell(struct inquiry *q, const char *text)
{
	struct event e = { .kind = EVENT_EVIDENCE,
			   .id = rules_find(q->ps->rules, OBJECT_SERVICE, q->name),
			   .token = q->token,
			   .text = text };
	if (e.id != RULES_NONE)
		process_tell(q->ps, &e);
}

static void
inquiry_free(struct inquiry *q)
{
	struct inquiry **at = &q->ps->inquiries;
	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	loop_io_stop(&q->io);
	loop_timer_stop(&q->limit);
	if (q->out != -1)
		close(q->out);
	if (q->pidfd != -1)
		close(q->pidfd);
	free(q);
}

static void
reap(struct inquiry *q)
{
	if (waitpid(q->pid, NULL, WNOHANG) != 0)
		inquiry_free(q);
}

static void
on_gone(struct loop_io *io, unsigned events)
{
	(void)events;
	reap(io->arg);
}

static void
on_look(struct loop_timer *timer)
{
	reap(timer->arg);
}

/* A dead disk may hold it in a system call for ever: nobody waits for it. */
static void
inquiry_end(struct inquiry *q)
{
	loop_io_stop(&q->io);
	loop_timer_stop(&q->limit);
	close(q->out);
	q->out = -1;
	kill(q->pid, SIGKILL); /* our child, not reaped yet: the number is its own */
	if (q->pidfd != -1)
		loop_io_start(q->ps->loop, &q->io, q->pidfd, LOOP_READ, on_gone, q);
	else /* no descriptor was left to see its end */
		loop_timer_start(q->ps->loop, &q->limit, LOOK_MS, LOOK_MS, on_look, q);
}

static void
take_line(struct inquiry *q, const char *text)
{
	if (*text != '\0' && q->told++ < EXCERPTS_MOST)
		tell(q, text);
}

static void
on_words(struct loop_io *io, unsigned events)
{
	struct inquiry *q = io->arg;
	char *end;
	ssize_t n = read(q->out, q->line + q->used, sizeof q->line - 1 - q->used);
	(void)events;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	q->used += n > 0 ? (size_t)n : 0;
	while ((end = memchr(q->line, '\n', q->used)) != NULL) {
		*end = '\0';
		take_line(q, q->line);
		q->used -= (size_t)(end + 1 - q->line);
		memmove(q->line, end + 1, q->used);
	}
	if (n > 0 && q->used < sizeof q->line - 1)
		return;
	inquiry_end(q);
	tell(q, NULL);
}

static void
on_limit(struct loop_timer *timer)
{
	struct inquiry *q = timer->arg;
	inquiry_end(q);
	tell(q, "gathering took too long, and was broken off");
	tell(q, NULL);
}

/* ---- the child ---- */

static int64_t
fill(struct gather *ask, const struct process *p, bool dead)
{
	const struct service *c = process_service(p);
	int64_t ms = BESIDE_MS;
	const char *other = NULL; /* a log that is not its own */
	memset(ask, 0, sizeof *ask);
	ask->from = p->log_from;
	ask->until = -1;
	ask->item_count = c->evidence_count;
	text_print(ask->name, sizeof ask->name, "%s", c->name);
	text_print(ask->folder, sizeof ask->folder, "%s/evidence",
		   p->owner->rules->settings.state);
	ask->account = *p->account;
	for (uint32_t i = 0; i < c->evidence_count; i++)
		other = other == NULL ? c->evidence[i].file : other;
	for (uint32_t i = 0; i < c->evidence_count; i++) {
		const struct evidence *x = &c->evidence[i];
		const char *log = x->file != NULL                               ? x->file
				  : x->kind == EVIDENCE_SIGNAL && other != NULL ? other
										: c->log;
		ask->items[i] = *x;
		if (x->kind == EVIDENCE_SIGNAL || x->kind == EVIDENCE_LOG)
			text_print(ask->logs[i], sizeof ask->logs[i], "%s", log);
		ms += x->within_ms;
	}
	ask->pidfd = dead ? -1 : p->pidfd;
	ask->pid = dead ? 0 : p->pid;
	if (!dead)
		ask->pid_count = process_pids(p, ask->pids, GATHER_PIDS);
	return ms;
}

static unsigned
count(const struct processes *ps)
{
	unsigned n = 0;
	for (const struct inquiry *q = ps->inquiries; q != NULL; q = q->next)
		n++;
	errno = EAGAIN;
	return n;
}

static void
begin(struct process *p, uint64_t token, const struct gather *ask, int64_t limit_ms)
{
	struct processes *ps = p->owner;
	struct inquiry *q = count(ps) < INQUIRIES ? calloc(1, sizeof *q) : NULL;
	int ends[2] = { -1, -1 };
	if (q == NULL || pipe2(ends, O_CLOEXEC) != 0 ||
	    fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0 || (q->pid = fork()) == -1) {
		log_error("%s: no evidence can be gathered: %s", ask->name,
			  strerror(errno));
		if (ends[0] != -1)
			close(ends[0]);
		if (ends[1] != -1)
			close(ends[1]);
		free(q);
		process_defer_evidence(ps, p->id, token, NULL);
		return;
	}
	if (q->pid == 0)
		gather(ask, ends[1]);
	close(ends[1]);
	q->ps = ps;
	q->out = ends[0];
	q->pidfd = pidfd_of(q->pid);
	q->token = token;
	text_print(q->name, sizeof q->name, "%s", ask->name);
	q->next = ps->inquiries;
	ps->inquiries = q;
	loop_io_start(ps->loop, &q->io, q->out, LOOP_READ, on_words, q);
	loop_timer_start(ps->loop, &q->limit, limit_ms, 0, on_limit, q);
}

/* ---- the end of the log, of who is dead ---- */

/* What it wrote itself lies in [p->log_from, size): what is not in memory is not waited for. */
static void
peek(struct process *p)
{
	char bytes[PEEK], text[GATHER_LINE];
	struct iovec at = { bytes, sizeof bytes };
	struct stat st;
	int fd = logfile_peek(process_service(p)->log, p->account);
	ssize_t n = -1;
	if (fd != -1 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		off_t from = p->log_from <= st.st_size ? p->log_from : 0;
		from = st.st_size - from > PEEK ? st.st_size - PEEK : from;
		n = from < st.st_size ? preadv2(fd, &at, 1, from, RWF_NOWAIT) : 0;
	}
	if (fd != -1)
		close(fd);
	if (n <= 0)
		return;
	gather_excerpt(text, "its last lines", bytes, bytes + n);
	process_defer_evidence(p->owner, p->id, 0, text);
}

void
process_evidence(struct processes *ps, uint32_t service, uint64_t token)
{
	static struct gather ask;
	struct process *p = ps->list[service];
	const struct service *c = process_service(p);
	struct stat st;
	char why[MSG_TEXT];
	/* who was adopted: by whose rights its log is read */
	if (process_account(p, why) != KNOWN_YES) {
		log_warning("%s: no evidence can be gathered: %s", c->name, why);
		process_defer_evidence(ps, service, token, NULL);
		return;
	}
	bool hangs = c->log != NULL && mount_may_hang(c->log);
	if (c->evidence_count == 0) {
		if (!hangs)
			peek(p);
		return;
	}
	int64_t limit_ms = fill(&ask, p, token == 0);
	if (token == 0 && c->log != NULL && !hangs && stat(c->log, &st) == 0)
		ask.until = st.st_size; /* what its successor writes is not its own */
	begin(p, token, &ask, limit_ms);
}

void
evidence_end(struct processes *ps)
{
	while (ps->inquiries != NULL) {
		kill(ps->inquiries->pid, SIGKILL); /* init reaps it */
		inquiry_free(ps->inquiries);
	}
}
