#include "monitord/known.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "monitord/process_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ANSWER_MS 5000  /* for one answer */
#define HASTE_MS 1000   /* when there was none to another of late */
#define SILENT_MS 60000 /* a database that did not answer is not asked for so long */
#define MISSING_MS 1000 /* who is not there may be made */

struct known_account { /* one for each pair of user and group that sections name */
	struct known_account *next;
	char user[64], group[64]; /* "": none */
	struct account account;
	bool has;   /* account is an answer, if of an earlier reload */
	bool asked; /* waits for an answer */
	enum known last;
	uint32_t age; /* of the reload that last is of; 0: none */
	int64_t last_ms;
	int code; /* KNOWN_MISSING: see account_why */
};

struct answer {
	int code;
	struct account account;
};

static void ask(struct processes *ps);

/* ---- in the child ---- */

static _Noreturn void
answer_all(const struct asking *a, int out)
{
	struct answer r;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* it may hang, and not beyond our death */
	if (out != 3 && dup2(out, 3) == -1)
		_exit(1);
	syscall(SYS_close_range, 4u, ~0u, 0u); /* or our lock outlives us in it */
	for (unsigned i = 0; i < a->count; i++) {
		const struct known_account *k = a->list[i];
		memset(&r, 0, sizeof r);
		r.code = account_look_up(*k->user != '\0' ? k->user : NULL,
					 *k->group != '\0' ? k->group : NULL, &r.account);
		if (write(3, &r, sizeof r) != (ssize_t)sizeof r)
			_exit(1);
	}
	_exit(0);
}

/* ---- in monitord ---- */

static void
settle(struct processes *ps, struct known_account *k, enum known last)
{
	k->asked = false;
	k->last = last;
	k->age = ps->accounts_age;
	k->last_ms = clock_ms();
	if (last == KNOWN_SILENT)
		ps->asking.silent_ms = k->last_ms;
	if (last == KNOWN_SILENT)
		log_warning("%s %s: no answer from the user database%s",
			    *k->user != '\0' ? "user" : "group",
			    *k->user != '\0' ? k->user : k->group,
			    k->has ? ": it keeps the numbers that it had" : "");
}

static void
let_go(struct processes *ps)
{
	struct asking *a = &ps->asking;
	loop_io_stop(&a->io);
	loop_timer_stop(&a->limit);
	if (a->out == -1)
		return;
	close(a->out);
	a->out = -1;
	dying_add(&a->dying, ps->loop, a->child, a->pidfd);
}

static void
on_next(struct loop_timer *timer)
{
	ask(timer->arg);
}

/* Its child has said all, or nothing for too long: then the one it was at gets no answer,
 * and the others another child. */
static void
end(struct processes *ps)
{
	struct asking *a = &ps->asking;
	let_go(ps);
	if (a->told < a->count)
		settle(ps, a->list[a->told], KNOWN_SILENT);
	a->count = 0;
	loop_timer_start(ps->loop, &a->limit, 0, 0, on_next, ps);
	process_accounts_came(ps);
	if (ps->on_accounts != NULL)
		ps->on_accounts(ps->arg);
}

static void
on_limit(struct loop_timer *timer)
{
	end(timer->arg);
}

static void
arm(struct processes *ps)
{
	struct asking *a = &ps->asking;
	bool haste = a->silent_ms != 0 && clock_ms() - a->silent_ms < SILENT_MS;
	loop_timer_start(ps->loop, &a->limit, haste ? HASTE_MS : ANSWER_MS, 0, on_limit,
			 ps);
}

static void
take(struct processes *ps, struct known_account *k, const struct answer *r)
{
	k->code = r->code;
	if (r->code == 0) {
		k->account = r->account;
		k->has = true;
	}
	settle(ps, k, r->code == 0 ? KNOWN_YES : KNOWN_MISSING);
}

static void
on_answers(struct loop_io *io, unsigned events)
{
	struct processes *ps = io->arg;
	struct asking *a = &ps->asking;
	struct answer r;
	ssize_t n = 1;
	(void)events;
	while (a->told < a->count &&
	       (n = read(a->out, &r, sizeof r)) == (ssize_t)sizeof r)
		take(ps, a->list[a->told++], &r);
	if (a->told == a->count || (n != -1 || (errno != EAGAIN && errno != EINTR)))
		end(ps);
	else
		arm(ps);
}

/* False: errno. */
static bool
start(struct processes *ps)
{
	struct asking *a = &ps->asking;
	int ends[2];
	if (!dying_room(&a->dying)) {
		errno = EBUSY;
		return false;
	}
	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	a->child = fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 ? fork() : -1;
	if (a->child == 0)
		answer_all(a, ends[1]);
	int error = errno;
	close(ends[1]);
	if (a->child == -1) {
		close(ends[0]);
		errno = error;
		return false;
	}
	a->out = ends[0];
	a->pidfd = pidfd_of(a->child);
	loop_io_start(ps->loop, &a->io, a->out, LOOP_READ, on_answers, ps);
	arm(ps);
	return true;
}

/* One child for all that wait, as many as it can take. */
static void
ask(struct processes *ps)
{
	struct asking *a = &ps->asking;
	if (a->out != -1)
		return;
	a->count = a->told = 0;
	for (struct known_account *k = ps->accounts;
	     k != NULL && a->count < ASKED_AT_ONCE; k = k->next)
		if (k->asked)
			a->list[a->count++] = k;
	if (a->count == 0 || start(ps))
		return;
	for (; a->told < a->count; a->told++) {
		a->list[a->told]->code = -errno;
		settle(ps, a->list[a->told], KNOWN_MISSING);
	}
	end(ps);
}

static struct known_account *
place(struct processes *ps, const char *user, const char *group)
{
	struct known_account **at = &ps->accounts, *k;
	while ((k = *at) != NULL &&
	       (strcmp(k->user, user) != 0 || strcmp(k->group, group) != 0))
		at = &k->next;
	if (k != NULL)
		return k;
	errno = E2BIG;
	if (strlen(user) >= sizeof k->user || strlen(group) >= sizeof k->group)
		return NULL;
	k = calloc(1, sizeof *k);
	if (k == NULL)
		return NULL;
	text_print(k->user, sizeof k->user, "%s", user);
	text_print(k->group, sizeof k->group, "%s", group);
	*at = k;
	return k;
}

static bool
is_fresh(const struct processes *ps, const struct known_account *k)
{
	int64_t ago_ms = clock_ms() - k->last_ms;
	if (k->age == 0)
		return false;
	if (k->last == KNOWN_SILENT)
		return ago_ms < SILENT_MS;
	return k->age == ps->accounts_age &&
	       (k->last == KNOWN_YES || ago_ms < MISSING_MS);
}

enum known
known_account(struct processes *ps, const char *user, const char *group,
	      const struct account **out, char why[MSG_TEXT])
{
	static const struct account own;
	*out = &own;
	if (user == NULL && group == NULL)
		return KNOWN_YES;
	struct known_account *k =
		place(ps, user != NULL ? user : "", group != NULL ? group : "");
	*out = k != NULL && k->has ? &k->account : NULL;
	if (k == NULL) {
		text_print(why, MSG_TEXT, "user %s: %s", user != NULL ? user : "(own)",
			   strerror(errno));
		return KNOWN_MISSING;
	}
	if (!is_fresh(ps, k)) {
		text_print(why, MSG_TEXT,
			   "user %s: the user database has not answered yet",
			   user != NULL ? user : "(own)");
		k->asked = true;
		if (ps->asking.out == -1 && !loop_timer_active(&ps->asking.limit))
			loop_timer_start(ps->loop, &ps->asking.limit, 0, 0, on_next, ps);
		return KNOWN_LATER;
	}
	if (k->last == KNOWN_MISSING) {
		*out = NULL;
		account_why(k->code, user, why);
	} else if (k->last == KNOWN_SILENT && k->has) {
		return KNOWN_YES;
	} else if (k->last == KNOWN_SILENT) {
		text_print(why, MSG_TEXT, "user %s: no answer from the user database",
			   user != NULL ? user : "(own)");
	}
	return k->last;
}

enum known
known_helper(struct processes *ps, const char *user, uid_t uid, struct account *out)
{
	const struct account *a;
	char why[MSG_TEXT];
	*out = (struct account){ .set = false };
	if (geteuid() != 0)
		return KNOWN_YES;
	enum known known = known_account(ps, user, NULL, &a, why);
	if (known == KNOWN_LATER && a == NULL)
		return KNOWN_LATER;
	*out = a != NULL ? *a : (struct account){ .set = true, .uid = uid, .gid = uid };
	out->group_count = 0;
	return KNOWN_YES;
}

enum known
process_account(struct process *p, char why[MSG_TEXT])
{
	const struct service *c = process_service(p);
	const struct account *a;
	if (p->account_good)
		return KNOWN_YES;
	enum known known = known_account(p->owner, c->user, c->group, &a, why);
	if (known != KNOWN_YES)
		return known;
	p->account = a;
	p->account_good = true;
	return KNOWN_YES;
}

const struct account *
process_probes(struct processes *ps)
{
	if (!ps->probes_known)
		ps->probes_known =
			known_helper(ps, "monitord-probes", ps->rules->settings.uid_base,
				     &ps->probes) == KNOWN_YES;
	return ps->probes_known ? &ps->probes : NULL;
}

void
known_on_news(struct processes *ps, void (*fn)(void *arg))
{
	ps->on_accounts = fn;
}

void
known_prefetch(struct processes *ps)
{
	const struct rules *r = ps->rules;
	const struct account *a;
	char why[MSG_TEXT];
	for (uint32_t i = 0; i < r->service_count; i++)
		known_account(ps, r->services[i].user, r->services[i].group, &a, why);
	for (uint32_t i = 0; i < r->rule_count; i++)
		known_account(ps, r->rules[i].user, NULL, &a, why);
	for (uint32_t i = 0; i < r->check_count; i++)
		known_account(ps, r->checks[i].more->user, NULL, &a, why);
	for (uint32_t i = 0; i < r->route_count; i++)
		known_account(ps, r->routes[i].user, NULL, &a, why);
}

void
known_free(struct processes *ps)
{
	let_go(ps);
	dying_forget(&ps->asking.dying);
	while (ps->accounts != NULL) {
		struct known_account *next = ps->accounts->next;
		free(ps->accounts);
		ps->accounts = next;
	}
}
