/* Whether a process is what a `match` means. The local helper names one; it may have been
 * taken over, and whatever is held here gets our signals: its command line is compared
 * once more, before it is held. The kernel names whoever begins a program while some are
 * looked for: those are compared as well, and nobody else is. Reading a command line may
 * block for ever, so that a child does it, with the rights of the probes; what it had not
 * answered at its deadline is put off, not believed. */
#include "base/text.h"
#include "monitord/process_state.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <fcntl.h>
#include <pcre2.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LIMIT_MS 1000
#define EXEC_MS 10    /* execs within it share a child */
#define SOUGHT_MOST 16 /* for more of them a look at all costs less */
#define PAUSE_MS 20   /* between two children: a helper that says much makes us no work */
#define AGAIN_MS 1000 /* what was not believed is looked for anew */
#define COMMAND_MAX 8192 /* bytes of a command line that are looked at, as probes does */

/* ---- in the child ---- */

static ssize_t
read_proc(pid_t pid, const char *file, char *out, size_t cap)
{
	char path[64];
	text_print(path, sizeof path, "/proc/%d/%s", (int)pid, file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t size = 0;
	for (ssize_t n = 1; fd != -1 && n > 0 && size<cap; size += n> 0 ? (size_t)n : 0)
		n = read(fd, out + size, cap - size);
	if (fd != -1)
		close(fd);
	return fd != -1 ? (ssize_t)size : -1;
}

static bool
fits(const pcre2_code *code, const char *line, size_t size)
{
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	return data != NULL &&
	       pcre2_match(code, (PCRE2_SPTR)line, size, 0, 0, data, NULL) >= 0;
}

struct words { /* of a process, joined by blanks */
	pid_t pid;
	size_t size, all; /* of its words; with the room that a title leaves */
	char line[COMMAND_MAX];
};

/* Who has none goes by his name in brackets. */
static void
read_words(pid_t pid, struct words *w)
{
	char name[32], *line = w->line;
	w->pid = pid;
	w->size = w->all = 0;
	ssize_t n = read_proc(pid, "cmdline", line, sizeof w->line - 1);
	if (n == 0) {
		n = read_proc(pid, "comm", name, sizeof name);
		while (n > 0 && name[n - 1] == '\n')
			n--;
		if (n > 0)
			n = (ssize_t)text_print(line, sizeof w->line, "[%.*s]", (int)n,
						name);
	}
	if (n <= 0)
		return;
	w->all = w->size = (size_t)n;
	for (size_t i = 0; i < w->all; i++)
		if (line[i] == '\0')
			line[i] = ' ';
	if (line[w->all - 1] == ' ')
		w->all--; /* the end of its last word */
	while (w->size > 0 && line[w->size - 1] == ' ')
		w->size--;
}

static bool
is_meant(pid_t pid, const pcre2_code *code)
{
	static struct words w;
	if (w.pid != pid) /* those of one process come one after another */
		read_words(pid, &w);
	return w.all > 0 && (fits(code, w.line, w.all) || fits(code, w.line, w.size));
}

static _Noreturn void
answer_all(const struct proofs *f, const struct account *account, int out)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (out != 3 && dup2(out, 3) == -1)
		_exit(1);
	syscall(SYS_close_range, 4u, ~0u, 0u); /* or our lock outlives us in it */
	if (!account_become(account))
		_exit(1);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* the change of user cleared it */
	for (unsigned i = 0; i < f->count; i++) {
		const struct proof *x = &f->list[i];
		char word = is_meant(x->pid, f->codes[x->code]) ? 'y' : 'n';
		if (write(3, &word, 1) != 1)
			_exit(1);
	}
	_exit(0);
}

/* ---- in monitord ---- */

static void begin(struct loop_timer *timer);

static void
on_again(struct loop_timer *timer)
{
	struct processes *ps = timer->arg;
	for (uint32_t i = 0; i < ps->count; i++) {
		struct event e = { .kind = EVENT_FOUND,
				   .id = i }; /* none yet: it looks anew */
		if (ps->list[i]->refused) {
			ps->list[i]->refused = false;
			process_tell(ps, &e);
		}
	}
}

static void
look_anew(struct process *p)
{
	struct processes *ps = p->owner;
	p->refused = true;
	if (!loop_timer_active(&ps->proofs.again))
		loop_timer_start(ps->loop, &ps->proofs.again, AGAIN_MS, 0, on_again, ps);
}

static void
refuse(struct process *p)
{
	p->hinted = 0;
	look_anew(p);
}

/* Of who began a program some were not looked at. */
static void
look_at_all(struct processes *ps)
{
	for (uint32_t i = 0; i < ps->count; i++)
		if (connector_seeks(ps->list[i]))
			look_anew(ps->list[i]);
}

/* Of the child that is at work; it may be stuck, and is not waited for. */
static void
let_go(struct processes *ps)
{
	struct proofs *f = &ps->proofs;
	loop_io_stop(&f->io);
	loop_timer_stop(&f->limit);
	if (f->out == -1)
		return;
	close(f->out);
	f->out = -1;
	dying_add(&f->dying, ps->loop, f->child, f->pidfd);
}

static void
end(struct processes *ps)
{
	struct proofs *f = &ps->proofs;
	let_go(ps);
	if (f->told < f->count) { /* whoever it was at has taken it all its time */
		struct process *p = ps->list[f->list[f->told].id];
		if (p->hinted == f->list[f->told].pid)
			refuse(p);
		if (f->list[f->count - 1].exec) /* they come last */
			look_at_all(ps);
	}
	f->count = 0;
	loop_timer_start(ps->loop, &f->next, PAUSE_MS, 0, begin, ps);
}

static void
take(struct processes *ps, const struct proof *x, bool good)
{
	struct process *p = ps->list[x->id];
	if (x->exec) {
		if (good && connector_seeks(p))
			process_found(ps, p->id, x->pid, x->ticks);
		return;
	}
	if (p->hinted != x->pid || p->hinted_ticks != x->ticks)
		return; /* another was named meanwhile, or none */
	if (!good) {
		refuse(p);
		return;
	}
	p->hinted = 0;
	process_found(ps, p->id, x->pid, x->ticks);
}

static void
on_words(struct loop_io *io, unsigned events)
{
	struct processes *ps = io->arg;
	struct proofs *f = &ps->proofs;
	char words[PROOFS];
	ssize_t n = read(f->out, words, sizeof words);
	(void)events;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	for (ssize_t i = 0; i < n && f->told < f->count; i++)
		take(ps, &f->list[f->told++], words[i] == 'y');
	if (n <= 0 || f->told == f->count)
		end(ps);
}

static void
on_limit(struct loop_timer *timer)
{
	end(timer->arg);
}

/* The rules' arena is not there in the child: what it needs of them is made here. Which of
 * the codes this service's is; PROOFS: none can be made. */
static unsigned
code_of(struct processes *ps, const struct process *p)
{
	struct proofs *f = &ps->proofs;
	int code;
	size_t at;
	for (unsigned i = f->count; i-- > 0;)
		if (f->list[i].id == p->id)
			return f->list[i].code;
	f->codes[f->code_count] =
		pcre2_compile((PCRE2_SPTR)process_service(p)->match,
			      PCRE2_ZERO_TERMINATED,
			      PCRE2_NEVER_BACKSLASH_C | PCRE2_MATCH_INVALID_UTF, &code,
			      &at, NULL);
	return f->codes[f->code_count] != NULL ? f->code_count++ : PROOFS;
}

static bool
put(struct processes *ps, const struct proof *what)
{
	struct proofs *f = &ps->proofs;
	if (f->count == PROOFS)
		return false;
	unsigned code = code_of(ps, ps->list[what->id]);
	if (code == PROOFS)
		return false;
	f->list[f->count] = *what;
	f->list[f->count++].code = code;
	return true;
}

static void
collect_hinted(struct processes *ps)
{
	struct proofs *f = &ps->proofs;
	for (uint32_t k = 0; k < ps->count && f->count < PROOFS; k++) {
		struct process *p = ps->list[(f->from + k) % ps->count];
		struct proof x = { .id = p->id,
				   .pid = p->hinted,
				   .ticks = p->hinted_ticks };
		if (p->hinted != 0 && !put(ps, &x))
			refuse(p);
	}
	if (f->count > 0)
		f->from = (f->list[f->count - 1].id + 1) % ps->count;
}

/* False: there are too many for one child. */
static bool
collect_execs(struct processes *ps)
{
	struct proofs *f = &ps->proofs;
	bool room = true;
	for (unsigned i = 0; i < f->exec_count && room; i++) {
		struct proof x = { .pid = f->execs[i], .exec = true };
		x.ticks = process_start_ticks(x.pid, true);
		for (x.id = 0; x.id < ps->count && room && x.ticks != 0; x.id++)
			if (connector_seeks(ps->list[x.id]) &&
			    watched_may_be(ps->list[x.id], x.pid))
				room = put(ps, &x);
	}
	f->exec_count = 0;
	return room;
}

static bool
start(struct processes *ps)
{
	struct proofs *f = &ps->proofs;
	const struct account *account = process_probes(ps);
	int ends[2];
	if (account == NULL || !dying_room(&f->dying) || pipe2(ends, O_CLOEXEC) != 0)
		return false;
	f->child = fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 ? fork() : -1;
	if (f->child == 0)
		answer_all(f, account, ends[1]);
	close(ends[1]);
	if (f->child == -1) {
		close(ends[0]);
		return false;
	}
	f->out = ends[0];
	f->pidfd = pidfd_of(f->child);
	loop_io_start(ps->loop, &f->io, f->out, LOOP_READ, on_words, ps);
	loop_timer_start(ps->loop, &f->limit, LIMIT_MS, 0, on_limit, ps);
	return true;
}

static void
begin(struct loop_timer *timer)
{
	struct processes *ps = timer->arg;
	struct proofs *f = &ps->proofs;
	f->count = f->told = f->code_count = 0;
	collect_hinted(ps);
	if (!collect_execs(ps))
		look_at_all(ps);
	if (f->count == 0)
		return;
	bool begun = start(ps);
	for (unsigned i = 0; i < f->code_count; i++)
		pcre2_code_free(f->codes[i]);
	if (begun)
		return;
	f->count = 0; /* no descriptor, or all children are stuck: later */
	look_at_all(ps);
	loop_timer_start(ps->loop, &f->next, AGAIN_MS, 0, begin, ps);
}

void
process_hint(struct processes *ps, uint32_t service, pid_t pid, uint64_t start_ticks)
{
	struct process *p = ps->list[service];
	struct proofs *f = &ps->proofs;
	if (start_ticks == 0 || process_start_ticks(pid, true) != start_ticks ||
	    !watched_takes(p, pid))
		return;
	p->hinted = pid;
	p->hinted_ticks = start_ticks;
	p->refused = false;
	if (f->out == -1 && !loop_timer_active(&f->next))
		loop_timer_start(ps->loop, &f->next, 0, 0, begin, ps);
}

bool
proofs_exec(struct processes *ps, pid_t pid)
{
	struct proofs *f = &ps->proofs;
	for (unsigned i = 0; i < f->exec_count; i++)
		if (f->execs[i] == pid)
			return true; /* it is looked at as it is by then */
	if (f->exec_count == EXECS || ps->connector.sought > SOUGHT_MOST)
		return false;
	f->execs[f->exec_count++] = pid;
	if (f->out == -1 && !loop_timer_active(&f->next))
		loop_timer_start(ps->loop, &f->next, EXEC_MS, 0, begin, ps);
	return true;
}

void
proofs_forget(struct processes *ps)
{
	struct proofs *f = &ps->proofs;
	let_go(ps);
	f->count = f->from = f->exec_count = 0;
	loop_timer_stop(&f->next);
	loop_timer_stop(&f->again);
	for (uint32_t i = 0; ps->list != NULL && i < ps->count; i++) {
		ps->list[i]->hinted = 0;
		ps->list[i]->refused = false;
	}
}

void
proofs_end(struct processes *ps)
{
	proofs_forget(ps);
	dying_forget(&ps->proofs.dying);
}
