/* A helper's channel: what comes on it, what goes, and what waits for room. */
#include "monitord/helpers.h"

#include "base/log.h"
#include "monitord/beat.h"
#include "monitord/core.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* ---- what comes ---- */

static void
on_channel(struct loop_io *io, unsigned events)
{
	struct helper_slot *h = io->arg;
	char why[MSG_TEXT];
	if ((events & LOOP_WRITE) != 0 && h->full) {
		h->full = false;
		helper_watch(h); /* the flush before the next sleep sends what waits */
	}
	for (int turn = 0; turn < 64 && h->channel != -1; turn++) {
		switch (msg_receive(h->channel, h->role, ROLE_MONITORD, &h->in, why)) {
		case MSG_NONE:
			return;
		case MSG_LOST:
			log_error("no descriptor is left: what %s asked is lost",
				  role_name(h->role));
			continue;
		case MSG_END:
			loop_io_stop(&h->io); /* its pidfd tells the rest */
			kill(h->pid, SIGKILL);
			return;
		case MSG_FORBIDDEN:
			helper_drop(h, why);
			return;
		case MSG_GOT:
			break;
		}
		bool good = inbox_packet(h, &h->in, why);
		if (h->in.fd != -1)
			close(h->in.fd);
		h->in.fd = -1;
		if (!good) {
			helper_drop(h, why);
			return;
		}
	}
}

void
helper_watch(struct helper_slot *h)
{
	loop_io_start(h->core->loop, &h->io, h->channel,
		      LOOP_READ | (h->full ? LOOP_WRITE : 0u), on_channel, h);
}

/* ---- what goes ---- */

static enum msg_sent
put(struct helper_slot *h, enum msg_kind kind, const void *items, size_t count, int fd)
{
	if (h->channel == -1)
		return MSG_GONE;
	enum msg_sent sent = msg_send(h->channel, ROLE_MONITORD, h->role, kind,
				      h->generation, items, count, fd);
	if (sent == MSG_FULL && !h->full) {
		h->full = true;
		helper_watch(h);
	}
	if (kind != MSG_PING) {
		h->unsettled = true;
		beat_begin(h->core);
	}
	return sent;
}

enum msg_sent
helper_put(struct helper_slot *h, enum msg_kind kind, const void *item, int fd)
{
	return put(h, kind, item, 1, fd);
}

enum msg_sent
helper_put_many(struct helper_slot *h, enum msg_kind kind, const void *items, size_t count)
{
	return put(h, kind, items, count, -1);
}

bool
helper_control(struct helper_slot *h, enum msg_kind kind, const void *item, size_t size, int fd)
{
	if (h->channel == -1 || h->queue == NULL || h->queue_count == CONTROL_QUEUE) {
		if (fd != -1)
			close(fd);
		return false;
	}
	uint32_t at = (h->queue_first + h->queue_count++) % CONTROL_QUEUE;
	/* what waits is answered under the new generation */
	if (kind == MSG_RULES || kind == MSG_JOURNAL)
		at = h->queue_first =
			(h->queue_first + CONTROL_QUEUE - 1) % CONTROL_QUEUE;
	struct control *q = &h->queue[at];
	q->kind = kind;
	q->fd = fd;
	memset(q->item, 0, sizeof q->item);
	memcpy(q->item, item, size);
	return true;
}

void
helper_queue_empty(struct helper_slot *h)
{
	for (; h->queue_count > 0; h->queue_count--) {
		struct control *q = &h->queue[h->queue_first];
		if (q->fd != -1)
			close(q->fd);
		h->queue_first = (h->queue_first + 1) % CONTROL_QUEUE;
	}
	h->queue_first = 0;
}
