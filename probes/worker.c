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

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t wanted;
	struct queue todo, done; /* under the lock, as the counts are */
	unsigned threads, idle, waiting;
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

static struct work *
pop(struct queue *q)
{
	struct work *w = q->first;
	if (w == NULL)
		return NULL;
	q->first = w->next;
	if (q->first == NULL)
		q->last = &q->first;
	return w;
}

static void *
thread(void *arg)
{
	struct workers *ws = arg;
	uint64_t one = 1;
	pthread_mutex_lock(&ws->lock);
	for (;;) {
		struct work *w;
		ws->idle++;
		while ((w = pop(&ws->todo)) == NULL)
			pthread_cond_wait(&ws->wanted, &ws->lock);
		ws->idle--;
		ws->waiting--;
		pthread_mutex_unlock(&ws->lock);
		w->run(w);
		pthread_mutex_lock(&ws->lock);
		push(&ws->done, w);
		/* it cannot be full: the loop reads it to 0 */
		while (write(ws->bell, &one, sizeof one) == -1 && errno == EINTR)
			;
	}
	return NULL;
}

/* When no thread can be made the work waits for one that there is. */
static void
more_threads(struct workers *ws)
{
	pthread_attr_t a;
	pthread_t id;
	if (pthread_attr_init(&a) != 0)
		return;
	pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&a, STACK);
	if (pthread_create(&id, &a, thread, ws) == 0)
		ws->threads++;
	pthread_attr_destroy(&a);
}

void
workers_give(struct workers *ws, struct work *w)
{
	pthread_mutex_lock(&ws->lock);
	push(&ws->todo, w);
	ws->waiting++;
	if (ws->waiting > ws->idle && ws->threads < WORKERS_MAX)
		more_threads(ws);
	pthread_cond_signal(&ws->wanted);
	pthread_mutex_unlock(&ws->lock);
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
