#include "status/recorder.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum work { WORK_NONE, WORK_WAITS, WORK_FAILED };

struct recorder {
	struct loop *loop;
	struct loop_io io;
	void (*answered)(void *arg, struct ask *ask);
	void *arg;
	int bell; /* eventfd: the thread has done something */
	pthread_t thread;
	struct archive *archive; /* the thread's own */

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake, idle;
	bool ends, ended;
	enum work work;
	struct batch batch;
	struct ask *asks, **asks_end, *done, **done_end;
	unsigned asked;
	struct recorder_state state;
};

void
ask_free(struct ask *ask)
{
	batch_empty(&ask->known);
	free(ask->answer);
	free(ask);
}

static void
ring(struct recorder *r)
{
	uint64_t one = 1;
	while (write(r->bell, &one, sizeof one) == -1 && errno == EINTR)
		;
}

/* ---- in the thread ---- */

static void
answer(struct recorder *r, struct ask *ask)
{
	r->asks = ask->next;
	if (r->asks == NULL)
		r->asks_end = &r->asks;
	ask->next = NULL;
	pthread_mutex_unlock(&r->lock);
	(ask->incidents ? past_answer : series_answer)(r->archive, ask);
	pthread_mutex_lock(&r->lock);
	*r->done_end = ask;
	r->done_end = &ask->next;
	ring(r);
}

/* Nobody else touches the batch while it waits. */
static void
write_batch(struct recorder *r)
{
	pthread_mutex_unlock(&r->lock);
	bool good = archive_write(r->archive, &r->batch, clock_real_ms() / 1000);
	uint64_t size = archive_size(r->archive);
	pthread_mutex_lock(&r->lock);
	const char *why = archive_why(r->archive);
	if (!good && strcmp(r->state.why, why) != 0) /* once, not each time it is tried */
		log_warning("history is not written: %s", why);
	else if (good && r->state.why[0] != '\0')
		log_info("history is written again");
	text_print(r->state.why, sizeof r->state.why, "%s", good ? "" : why);
	r->state.size = size;
	r->state.set_aside = archive_set_aside(r->archive);
	r->work = good ? WORK_NONE : WORK_FAILED;
	if (good)
		batch_empty(&r->batch);
	pthread_cond_broadcast(&r->idle);
}

static void *
work(void *arg)
{
	struct recorder *r = arg;
	pthread_mutex_lock(&r->lock);
	while (!r->ends || r->work == WORK_WAITS)
		if (r->work == WORK_WAITS) /* first: what is asked for may be in it */
			write_batch(r);
		else if (r->asks != NULL)
			answer(r, r->asks);
		else
			pthread_cond_wait(&r->wake, &r->lock);
	r->ended = true;
	pthread_cond_broadcast(&r->idle);
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

/* ---- in the loop ---- */

static void
on_bell(struct loop_io *io, unsigned events)
{
	struct recorder *r = io->arg;
	uint64_t count;
	struct ask *next;
	(void)events;
	if (read(r->bell, &count, sizeof count) == -1)
		return;
	pthread_mutex_lock(&r->lock);
	struct ask *list = r->done;
	r->done = NULL;
	r->done_end = &r->done;
	for (struct ask *a = list; a != NULL; a = a->next)
		r->asked--;
	pthread_mutex_unlock(&r->lock);
	for (struct ask *a = list; a != NULL; a = next) {
		next = a->next;
		r->answered(r->arg, a);
	}
}

static void
forget(struct recorder *r)
{
	archive_free(&r->archive);
	if (r->bell != -1)
		close(r->bell);
	free(r);
}

/* Signals are for the loop's thread. */
static bool
begin_thread(struct recorder *r)
{
	sigset_t all, old;
	pthread_condattr_t monotonic;
	sigfillset(&all);
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&r->wake, NULL);
	pthread_cond_init(&r->idle, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int error = pthread_create(&r->thread, NULL, work, r);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return error == 0;
}

struct recorder *
recorder_new(struct loop *loop, const char *path, uint64_t limit,
	     void (*answered)(void *arg, struct ask *ask), void *arg)
{
	struct recorder *r = calloc(1, sizeof *r);
	if (r == NULL)
		return NULL;
	r->loop = loop;
	r->answered = answered;
	r->arg = arg;
	r->asks_end = &r->asks;
	r->done_end = &r->done;
	r->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r->archive = archive_new(path, limit);
	if (r->bell == -1 || r->archive == NULL || !begin_thread(r)) {
		forget(r);
		return NULL;
	}
	loop_io_start(loop, &r->io, r->bell, LOOP_READ, on_bell, r);
	return r;
}

bool
recorder_write(struct recorder *r, struct batch *b)
{
	pthread_mutex_lock(&r->lock);
	bool taken = r->work == WORK_NONE && b->size > 0;
	if (taken) {
		r->state.lost += b->lost;
		r->batch = *b;
		*b = (struct batch){ 0 };
	}
	if (taken || r->work == WORK_FAILED) {
		r->work = WORK_WAITS;
		pthread_cond_signal(&r->wake);
	}
	pthread_mutex_unlock(&r->lock);
	return taken;
}

bool
recorder_ask(struct recorder *r, struct ask *ask)
{
	pthread_mutex_lock(&r->lock);
	bool taken = r->asked < ASKS_MAX;
	if (taken) {
		r->asked++;
		ask->next = NULL;
		*r->asks_end = ask;
		r->asks_end = &ask->next;
		pthread_cond_signal(&r->wake);
	}
	pthread_mutex_unlock(&r->lock);
	return taken;
}

void
recorder_state(struct recorder *r, struct recorder_state *out)
{
	pthread_mutex_lock(&r->lock);
	*out = r->state;
	pthread_mutex_unlock(&r->lock);
}

void
recorder_free(struct recorder **rp, int64_t patience_ms)
{
	struct recorder *r = *rp;
	struct timespec until;
	if (r == NULL)
		return;
	*rp = NULL;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += patience_ms / 1000;
	until.tv_nsec += patience_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&r->lock);
	r->ends = true;
	pthread_cond_signal(&r->wake);
	int error = 0;
	while (!r->ended && error == 0)
		error = pthread_cond_timedwait(&r->idle, &r->lock, &until);
	bool ended = r->ended;
	pthread_mutex_unlock(&r->lock);
	loop_io_stop(&r->io);
	if (!ended) { /* the disk hangs: the thread, and what it uses, go with the program
		       */
		pthread_detach(r->thread);
		return;
	}
	pthread_join(r->thread, NULL);
	for (struct ask *a; (a = r->asks != NULL ? r->asks : r->done) != NULL;
	     ask_free(a))
		*(r->asks != NULL ? &r->asks : &r->done) = a->next;
	batch_empty(&r->batch);
	forget(r);
}
