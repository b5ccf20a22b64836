#include "probes/sockets.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 128 /* in one turn: those of others come between */

static void
forget(struct sockets *s, struct socket *k)
{
	k->owner = NULL;
	k->fd = -1;
	if (!s->busy) {
		pool_give(&s->pool, k);
		return;
	}
	k->next = s->gone;
	s->gone = k;
}

/* What came before it was taken says nothing of this connection. */
static void
tell(struct sockets *s, struct socket *k, unsigned events)
{
	for (int times = 0; times < 2; times++)
		if (k->owner == NULL || k->turn == s->turn || !s->event(k->owner, events))
			return;
}

static void
on_events(struct loop_io *io, unsigned events)
{
	static struct epoll_event list[EVENTS];
	struct sockets *s = io->arg;
	int n = epoll_wait(s->set, list, EVENTS, 0);
	(void)events;
	s->turn++;
	s->busy = true;
	for (int i = 0; i < n; i++) {
		bool ended = (list[i].events & (EPOLLERR | EPOLLHUP)) != 0;
		tell(s, list[i].data.ptr,
		     (ended || (list[i].events & EPOLLIN) != 0 ? LOOP_READ : 0u) |
			     (ended || (list[i].events & EPOLLOUT) != 0 ? LOOP_WRITE
									: 0u));
	}
	s->busy = false;
	while (s->gone != NULL) {
		struct socket *k = s->gone;
		s->gone = k->next;
		pool_give(&s->pool, k);
	}
}

void
sockets_begin(struct sockets *s, struct loop *loop, bool (*event)(void *owner, unsigned events))
{
	s->event = event;
	s->turn = 1;
	s->pool.size = sizeof(struct socket);
	s->set = epoll_create1(EPOLL_CLOEXEC);
	if (s->set != -1)
		loop_io_start(loop, &s->io, s->set, LOOP_READ, on_events, s);
}

void
sockets_end(struct sockets *s)
{
	while (s->spares > 0)
		sockets_trim(s);
	if (s->set == -1)
		return;
	loop_io_stop(&s->io);
	close(s->set);
	s->set = -1;
}

static struct socket *
make(struct sockets *s, bool v6)
{
	struct socket *k = pool_take(&s->pool);
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = k };
	if (k == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	k->v6 = v6;
	k->owner = NULL;
	k->fd = socket(v6 ? AF_INET6 : AF_INET,
		       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (k->fd != -1 && epoll_ctl(s->set, EPOLL_CTL_ADD, k->fd, &e) == 0)
		return k;
	int error = errno;
	if (k->fd != -1)
		close(k->fd);
	pool_give(&s->pool, k);
	errno = error;
	return NULL;
}

struct socket *
sockets_take(struct sockets *s, bool v6, void *owner)
{
	struct socket *k = s->spare[v6];
	assert(owner != NULL);
	if (s->set == -1) {
		errno = ENOSYS;
		return NULL;
	}
	if (k != NULL) {
		s->spare[v6] = k->next;
		s->spares--;
	} else if ((k = make(s, v6)) == NULL) {
		return NULL;
	}
	k->owner = owner;
	k->turn = s->turn;
	return k;
}

bool
sockets_keep(struct sockets *s, struct socket *k)
{
	static const struct sockaddr none = { .sa_family = AF_UNSPEC };
	if (s->spares >= SOCKETS_SPARE || connect(k->fd, &none, sizeof none) != 0)
		return false;
	k->owner = NULL;
	k->next = s->spare[k->v6];
	s->spare[k->v6] = k;
	s->spares++;
	return true;
}

void
sockets_close(struct sockets *s, struct socket *k)
{
	close(k->fd);
	forget(s, k);
}

int
sockets_part(struct sockets *s, struct socket *k)
{
	int fd = k->fd;
	epoll_ctl(s->set, EPOLL_CTL_DEL, fd, NULL);
	forget(s, k);
	return fd;
}

void
sockets_trim(struct sockets *s)
{
	bool v6 = s->spare[0] == NULL;
	struct socket *k = s->spare[v6];
	if (k == NULL)
		return;
	s->spare[v6] = k->next;
	s->spares--;
	sockets_close(s, k);
}
