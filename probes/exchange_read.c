/* What comes on an exchange's descriptor: by TLS, as HTTP/2, or as it is. */
#include "probes/exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define READ_TURNS 16 /* reads of one peer before the others have theirs */
#define REPLY_MAX (2 * (HTTP_HEAD_MAX + HTTP_BODY_MAX + 65536u))

static char
	shared[65536]; /* most answers come whole: these need no memory of their own */

/* Room behind reply.size. False: out of memory, and the exchange has ended. */
static bool
make_room(struct exchange *x)
{
	struct reply *p = &x->reply;
	size_t cap = x->cap == 0 ? 8192 : x->cap * 2;
	if (x->cap > 0 && p->size < x->cap)
		return true;
	while (cap < p->size + 4096)
		cap *= 2;
	char *bytes = NULL;
	if (cap <= REPLY_MAX)
		bytes = x->cap > 0 ? realloc(p->bytes, cap) : malloc(cap);
	if (bytes == NULL) {
		exchange_fail(x, OUTCOME_UNKNOWN, "out of memory");
		return false;
	}
	if (x->cap == 0)
		memcpy(bytes, p->bytes, p->size);
	p->bytes = bytes;
	x->cap = cap;
	return true;
}

/* TLS_DONE: n bytes came; 0 bytes: the peer's end. TLS_BAD: the exchange has ended. */
static enum tls_got
get(struct exchange *x, char *bytes, size_t room, size_t *n)
{
	char why[MSG_TEXT];
	*n = 0;
	if (x->ssl != NULL) {
		enum tls_got got = tls_read(x->ssl, bytes, room, n, why);
		if (got == TLS_BAD)
			exchange_fail(x, OUTCOME_BAD, "%s (%zu bytes came)", why,
				      x->came);
		x->came += *n;
		return got == TLS_ENDED ? TLS_DONE : got;
	}
	ssize_t size = recv(x->fd, bytes, room, 0);
	if (size >= 0) {
		*n = (size_t)size;
		x->came += *n;
		return TLS_DONE;
	}
	if (errno == EAGAIN || errno == EINTR)
		return TLS_WANTS_READ;
	exchange_fail(x, OUTCOME_BAD, "the connection broke after %zu bytes: %s", x->came,
		      strerror(errno));
	return TLS_BAD;
}

/* The same of HTTP/2: what is read of its frames, of one read at most; over: no more comes. */
static enum tls_got
get_h2(struct exchange *x, char *bytes, size_t room, size_t *n, bool *over)
{
	static char frames[16384];
	char why[MSG_TEXT];
	size_t came = 0;
	if (!h2_holds(x->h2) && !h2_ended(x->h2)) {
		enum tls_got got = get(x, frames, sizeof frames, &came);
		if (got != TLS_DONE)
			return got;
		*over = came == 0;
		h2_take(x->h2, frames, came);
		exchange_push(x);
		if (h2_failed(x->h2, why)) {
			exchange_fail(x, OUTCOME_BAD, "%s", why);
			return TLS_BAD;
		}
	}
	*n = h2_text(x->h2, bytes, room);
	*over = *over || h2_ended(x->h2);
	return TLS_DONE;
}

/* One read. False: no more for now, or the exchange has ended. */
static bool
read_once(struct exchange *x)
{
	struct reply *p = &x->reply;
	bool over = false;
	size_t n = 0;
	if (x->cap == 0 && p->size == 0)
		p->bytes = shared;
	else if (!make_room(x))
		return false;
	size_t room = x->cap > 0 ? x->cap - p->size : sizeof shared;
	enum tls_got got = x->h2 != NULL ? get_h2(x, p->bytes + p->size, room, &n, &over)
					 : get(x, p->bytes + p->size, room, &n);
	if (got != TLS_DONE) {
		if (got != TLS_BAD && x->cap == 0)
			p->bytes = NULL;
		return false;
	}
	const struct stream *s = run_stream(x->run);
	if (x->h2 != NULL && n == 0 && !over)
		return true; /* frames of which the judge knows nothing */
	if (s->bytes != NULL)
		s->bytes(run_stream(x->run), false, p->bytes + p->size, n);
	p->size += n;
	p->ended = x->h2 != NULL ? over : n == 0 && exchange_is_stream(x);
	if (exchange_judge(x))
		return false;
	/* the shared buffer is not ours to keep */
	return x->cap > 0 || p->size == 0 || make_room(x);
}

static void
read_some(struct exchange *x)
{
	/* what TLS or HTTP/2 holds already the descriptor will not tell of */
	for (int turn = 0; turn < READ_TURNS || (x->ssl != NULL && tls_holds(x->ssl)) ||
			   (x->h2 != NULL && h2_holds(x->h2));
	     turn++)
		if (!read_once(x))
			return;
	exchange_own(x); /* what is left tells of itself */
}

static void
proceed(struct exchange *x, unsigned events)
{
	if (x->phase == PHASE_CONNECT) {
		exchange_connect_io(x);
		return;
	}
	if (x->phase == PHASE_TLS) {
		if (exchange_shake_hands(x))
			read_some(x);
		return;
	}
	if (x->unsent && (events & LOOP_WRITE) != 0 && !exchange_ask(x))
		return;
	if ((events & LOOP_READ) != 0)
		read_some(x);
}

void
exchange_io(struct loop_io *io, unsigned events)
{
	proceed(io->arg, events);
}

bool
exchange_event(void *arg, unsigned events)
{
	struct exchange *x = arg;
	bool connecting = x->phase == PHASE_CONNECT;
	events &= x->watched;
	if (events != 0)
		proceed(x, events);
	return connecting && events != 0;
}
