#include "base/helper.h"

#include "base/log.h"
#include "base/sandbox.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_channel(struct loop_io *io, unsigned events);

static void
gone(void)
{
	exit(0); /* monitord is gone: so are we */
}

static void
watch(struct helper *h)
{
	loop_io_start(h->loop, &h->io, HELPER_CHANNEL,
		      LOOP_READ | (h->full ? LOOP_WRITE : 0u), on_channel, h);
}

static enum msg_sent
send_packet(struct helper *h, enum msg_kind kind, const void *items, size_t count, int fd)
{
	enum msg_sent sent = msg_send(HELPER_CHANNEL, h->role, ROLE_MONITORD, kind,
				      h->generation, items, count, fd);
	if (sent == MSG_GONE)
		gone();
	if (sent == MSG_FULL && !h->full) {
		h->full = true;
		watch(h);
	}
	return sent;
}

enum msg_sent
helper_send_fd(struct helper *h, enum msg_kind kind, const void *item, int fd)
{
	return send_packet(h, kind, item, 1, fd);
}

enum msg_sent
helper_send(struct helper *h, enum msg_kind kind, const void *items, size_t count)
{
	return send_packet(h, kind, items, count, -1);
}

/* What monitord waits for goes as soon as there is room: whoever is silent is replaced. */
static void
pay(struct helper *h)
{
	struct msg_loaded loaded = { .generation = h->generation };
	if (h->owes_loaded)
		h->owes_loaded = helper_send(h, MSG_LOADED, &loaded, 1) != MSG_SENT;
	if (h->owes_pong && !h->owes_loaded)
		h->owes_pong = helper_send(h, MSG_PONG, &h->pong, 1) != MSG_SENT;
}

static void
answer_ping(struct helper *h, const struct msg_packet *p)
{
	memcpy(&h->pong, p->items, sizeof h->pong);
	h->owes_pong = true;
	pay(h);
}

static bool
current(const struct helper *h, const struct msg_head *head)
{
	return head->generation == h->generation || head->kind == MSG_RULES ||
	       head->kind == MSG_JOURNAL || head->kind == MSG_BELL;
}

static void
read_channel(struct helper *h)
{
	char why[MSG_TEXT];
	/* then let the other watchers have theirs */
	for (int turn = 0; turn < 64; turn++) {
		switch (msg_receive(HELPER_CHANNEL, ROLE_MONITORD, h->role, &h->in,
				    why)) {
		case MSG_NONE:
			return;
		case MSG_LOST:
			log_error(
				"no descriptor is left: an answer of monitord's is lost");
			continue;
		case MSG_END:
			gone();
			return;
		case MSG_FORBIDDEN:
			log_error("monitord sent %s", why);
			exit(1);
		case MSG_GOT:
			break;
		}
		if (h->in.head.kind == MSG_PING)
			answer_ping(h, &h->in);
		else if (current(h, &h->in.head))
			h->packet(h, &h->in);
		if (h->in.fd != -1)
			close(h->in.fd);
		h->in.fd = -1;
	}
}

static void
on_channel(struct loop_io *io, unsigned events)
{
	struct helper *h = io->arg;
	if ((events & LOOP_WRITE) != 0 && h->full) {
		h->full = false;
		watch(h);
		pay(h);
		if (h->writable != NULL && !h->full)
			h->writable(h);
	}
	if ((events & LOOP_READ) != 0)
		read_channel(h);
}

bool
helper_begin(struct helper *h, uint64_t cursor)
{
	int type = 0;
	socklen_t size = sizeof type;
	if (getsockopt(HELPER_CHANNEL, SOL_SOCKET, SO_TYPE, &type, &size) != 0 ||
	    type != SOCK_SEQPACKET) {
		log_error("this program is started by monitord, not by hand");
		return false;
	}
	pid_t parent = getppid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		gone();
	signal(SIGPIPE, SIG_IGN);
	sandbox_enter(h->role);
	h->in.fd = -1;
	watch(h);
	struct msg_hello hello = { .version = MSG_VERSION,
				   .role = h->role,
				   .cursor = cursor };
	return helper_send(h, MSG_HELLO, &hello, 1) == MSG_SENT;
}

void
helper_loaded(struct helper *h, uint32_t generation)
{
	h->generation = generation;
	h->owes_loaded = true;
	pay(h);
}
