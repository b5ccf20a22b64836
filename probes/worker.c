#include "probes/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STACK 262144 /* bytes */

struct queue {
	struct work *first, **last;
};

struct place {
	uint64_t place; /* 0: free */
	unsigned count; /* of its works in todo and in threads */
};

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t wanted;
	/* under the lock: */
	struct queue todo, done;
	struct queue held; /* their places have all the threads that they may */
	unsigned threads, idle, waiting;
	unsigned late; /* threads that are given up */
	struct place *places;
	unsigned place_count;
	int bell; /* an eventfd: something is done */
	struct loop_io io;
};

static void
push(struct queue *q, struct work *w)
{
	w->next = NULL;
	*q->last = w;
	q->last = &w->next;
}

static bool
take_out(struct queue *q, struct work *w)
{
	for (struct work **at = &q->first; *at != NULL; at = &(*at)->next)
		if (*at == w) {
			*at = w->next;
			if (*at == NULL)
				q->last = at;
			return true;
		}
	return false;
}

static struct work *
pop(struct queue *q)
{
	struct work *w = q->first;
	if (w != NULL)
		take_out(q, w);
	return w;
}

/* ---- places ---- */

/* NULL: it has none, or out of memory, and is not counted. */
static struct place *
place_of(struct workers *ws, uint64_t place)
{
	struct place *spare = NULL;
	for (unsigned i = 0; i < ws->place_count && place != 0; i++) {
		if (ws->places[i].count > 0 && ws->places[i].place == place)
			return &ws->places[i];
		if (ws->places[i].count == 0)
			spare = &ws->places[i];
	}
	if (place == 0)
		return NULL;
	if (spare == NULL) {
		struct place *more =
			reallocarray(ws->places, ws->place_count + 1, sizeof *more);
		if (more == NULL)
			return NULL;
		ws->places = more;
		spare = &more[ws->place_count++];
	}
	*spare = (struct place){ .place = place };
	return spare;
}

static void
put_in(struct workers *ws, struct work *w, struct place *p)
{
	if (p != NULL)
		p->count++;
	w->counted = p != NULL;
	push(&ws->todo, w);
	ws->waiting++;
	pthread_cond_signal(&ws->wanted);
}

/* It is out of its place: the next one has its turn. */
static void
leave_place(struct workers *ws, const struct work *w)
{
	struct place *p = w->counted ? place_of(ws, w->place) : NULL;
	if (p == NULL)
		return;
	p->count--;
	for (struct work *next = ws->held.first; next != NULL; next = next->next)
		if (next->place == w->place) {
			take_out(&ws->held, next);
			put_in(ws, next, place_of(ws, next->place));
			return;
		}
}

/* ---- threads ---- */

static void *thread(void *arg);

/* When no thread can be made the work waits for one that there is. */
static void
more_threads(struct workers *ws)
{
	pthread_attr_t a;
	pthread_t id;
	if (ws->waiting <= ws->idle || ws->threads - ws->late >= WORKERS_MAX ||
	    pthread_attr_init(&a) != 0)
		return;
	pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&a, STACK);
	if (pthread_create(&id, &a, thread, ws) == 0)
		ws->threads++;
	pthread_attr_destroy(&a);
}

static void *
thread(void *arg)
{
	struct workers *ws = arg;
	uint64_t one = 1;
	pthread_mutex_lock(&ws->lock);
	/* one that was given up, and came back, is one too many */
	while (ws->threads - ws->late <= WORKERS_MAX) {
		struct work *w;
		ws->idle++;
		while ((w = pop(&ws->todo)) == NULL)
			pthread_cond_wait(&ws->wanted, &ws->lock);
		ws->idle--;
		ws->waiting--;
		w->stage = WORK_RUNS;
		pthread_mutex_unlock(&ws->lock);
		w->run(w);
		pthread_mutex_lock(&ws->lock);
		w->stage = WORK_ENDED;
		ws->late -= w->late;
		leave_place(ws, w);
		push(&ws->done, w);
		/* it cannot be full: the loop reads it to 0 */
		while (write(ws->bell, &one, sizeof one) == -1 && errno == EINTR)
			;
	}
	ws->threads--;
	pthread_mutex_unlock(&ws->lock);
	return NULL;
}

/* ---- in the loop ---- */

void
workers_give(struct workers *ws, struct work *w)
{
	pthread_mutex_lock(&ws->lock);
	struct place *p = place_of(ws, w->place);
	w->stage = WORK_WAITS;
	w->late = w->counted = false;
	if (p != NULL && p->count >= WORKERS_PLACE)
		push(&ws->held, w);
	else
		put_in(ws, w, p);
	more_threads(ws);
	pthread_mutex_unlock(&ws->lock);
}

bool
workers_late(struct workers *ws, struct work *w)
{
	pthread_mutex_lock(&ws->lock);
	bool waits = w->stage == WORK_WAITS;
	if (w->stage == WORK_RUNS && !w->late) {
		w->late = true;
		ws->late++;
	} else if (waits && !take_out(&ws->held, w)) {
		take_out(&ws->todo, w);
		ws->waiting--;
		leave_place(ws, w);
	}
	more_threads(ws);
	pthread_mutex_unlock(&ws->lock);
	return waits;
}

static void
on_bell(struct loop_io *io, unsigned events)
{
	struct workers *ws = io->arg;
	uint64_t count;
	(void)events;
	if (read(ws->bell, &count, sizeof count) == -1)
		return;
	for (;;) {
		pthread_mutex_lock(&ws->lock);
		struct work *w = pop(&ws->done);
		pthread_mutex_unlock(&ws->lock);
		if (w == NULL)
			return;
		w->done(w);
	}
}

struct workers *
workers_new(struct loop *loop)
{
	struct workers *ws = calloc(1, sizeof *ws);
	if (ws == NULL)
		return NULL;
	ws->todo.last = &ws->todo.first;
	ws->done.last = &ws->done.first;
	ws->held.last = &ws->held.first;
	ws->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ws->bell == -1 || pthread_mutex_init(&ws->lock, NULL) != 0 ||
	    pthread_cond_init(&ws->wanted, NULL) != 0) {
		if (ws->bell != -1)
			close(ws->bell);
		free(ws);
		return NULL;
	}
	loop_io_start(loop, &ws->io, ws->bell, LOOP_READ, on_bell, ws);
	return ws;
}
