/* What a service says of itself: a newline on a descriptor, or datagrams as sd_notify(3)
 * sends them. Only what comes from the service is believed. */
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "monitord/process_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define TURN 16            /* datagrams, or reads, in one turn of the loop */
#define DATAGRAM_MAX 4096  /* longer ones are no news */
#define SAYS_EVERY_MS 1000 /* a status that changes faster is not told */

static void
tell_ready(struct process *p)
{
	struct event e = { .kind = EVENT_READY, .id = p->id };
	process_tell(p->owner, &e);
}

/* ---- fd N ---- */

static void
on_descriptor(struct loop_io *io, unsigned events)
{
	struct process *p = io->arg;
	char bytes[256];
	ssize_t n = read(p->ready, bytes, sizeof bytes);
	(void)events;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	bool said = n > 0 && memchr(bytes, '\n', (size_t)n) != NULL;
	if (said || n <= 0)
		ready_end(p); /* one newline is all that is awaited */
	if (said && process_has_begun(p))
		tell_ready(p);
}

/* The service gets both ends: its newline raises no SIGPIPE when we are dead by then. */
static bool
open_pipe(struct process *p, struct spawn *s, char *why, size_t cap)
{
	int ends[2];
	char path[64];
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", ends[1]);
		s->ready = open(path, O_RDWR | O_CLOEXEC);
		close(ends[1]);
		p->ready = ends[0];
	}
	if (s->ready == -1) {
		text_print(why, cap, "its descriptor for ready: %s", strerror(errno));
		return false;
	}
	loop_io_start(p->owner->loop, &p->saying, p->ready, LOOP_READ, on_descriptor, p);
	return true;
}

/* ---- notify ---- */

static bool
socket_path(const struct process *p, char *out, size_t cap)
{
	size_t n = text_print(out, cap, "%s/notify/%s", p->owner->run_dir,
			      process_service(p)->name);
	return n + 1 < cap;
}

static void
says(struct process *p, const char *status)
{
	char text[300];
	struct said *said = process_said(p);
	int64_t now = clock_ms();
	if (strcmp(said->status, status) == 0 || now - said->status_ms < SAYS_EVERY_MS)
		return;
	text_print(said->status, sizeof said->status, "%s", status);
	said->status_ms = now;
	text_print(text, sizeof text, "service-says %s: %s", process_service(p)->name,
		   status);
	struct event e = {
		.kind = EVENT_NOTE, .object = OBJECT_SERVICE, .id = p->id, .text = text
	};
	process_tell(p->owner, &e);
}

static void
tell_stopping(struct process *p)
{
	struct event e = { .kind = EVENT_DYING,
			   .id = p->id,
			   .text = "it says that it is stopping" };
	process_tell(p->owner, &e);
}

/* One datagram: assignments, a line each; what is not known is skipped. */
static void
take_news(struct process *p, char *bytes, size_t size)
{
	char status[sizeof p->said->status];
	char *line, *rest = bytes;
	bytes[size] = '\0';
	if (!process_has_begun(p))
		return;
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (strncmp(line, "STATUS=", 7) == 0) {
			text_clean(status, sizeof status, line + 7, strlen(line + 7));
			says(p, status);
		} else if (strcmp(line, "STOPPING=1") == 0) {
			tell_stopping(p);
		} else if (strcmp(line, "READY=1") == 0) {
			tell_ready(p);
		}
	}
}

static pid_t
sender(struct msghdr *m)
{
	pid_t pid = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS) {
			struct ucred peer;
			memcpy(&peer, CMSG_DATA(c), sizeof peer);
			pid = peer.pid;
		} else if (c->cmsg_type ==
			   SCM_RIGHTS) { /* a barrier: closing it is the answer */
			int fd;
			for (size_t at = CMSG_LEN(0); at + sizeof fd <= c->cmsg_len;
			     at += sizeof fd) {
				memcpy(&fd, (unsigned char *)c + at, sizeof fd);
				close(fd);
			}
		}
	}
	return pid;
}

static void
on_datagram(struct loop_io *io, unsigned events)
{
	struct process *p = io->arg;
	(void)events;
	for (int i = 0; i < TURN && p->ready != -1; i++) {
		char bytes[DATAGRAM_MAX + 1];
		_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred)) +
						      CMSG_SPACE(16 * sizeof(int))];
		struct iovec at = { bytes, DATAGRAM_MAX };
		struct msghdr m = { .msg_iov = &at,
				    .msg_iovlen = 1,
				    .msg_control = control,
				    .msg_controllen = sizeof control };
		ssize_t n = recvmsg(p->ready, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n == -1)
			return;
		pid_t pid = sender(&m);
		if ((m.msg_flags & MSG_TRUNC) != 0)
			continue;
		if (pid > 0 && (pid == p->pid || process_has(p, pid))) {
			take_news(p, bytes, (size_t)n);
		} else if (!process_said(p)->stranger) {
			process_said(p)->stranger = true;
			log_warning("%s: process %d speaks for it, but is none of it: "
				    "not believed",
				    process_service(p)->name, (int)pid);
		}
	}
}

/* Its own socket, which only its user may write to. */
static bool
open_socket(struct process *p)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const int on = 1;
	char folder[4096 + 16];
	if (!socket_path(p, a.sun_path, sizeof a.sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	text_print(folder, sizeof folder, "%s/notify", p->owner->run_dir);
	if (mkdir(folder, 0711) != 0 && errno != EEXIST)
		return false;
	unlink(a.sun_path);
	p->ready = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->ready == -1 ||
	    setsockopt(p->ready, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ||
	    fchmod(p->ready, 0600) != 0 ||
	    bind(p->ready, (struct sockaddr *)&a, sizeof a) != 0)
		return false;
	return !p->account->set || geteuid() != 0 ||
	       lchown(a.sun_path, p->account->uid, p->account->gid) == 0;
}

static bool
begin_socket(struct process *p, char *why, size_t cap)
{
	if (!open_socket(p)) {
		text_print(why, cap, "its notify socket: %s", strerror(errno));
		ready_end(p);
		return false;
	}
	loop_io_start(p->owner->loop, &p->saying, p->ready, LOOP_READ, on_datagram, p);
	return true;
}

/* ---- both ---- */

bool
ready_open(struct process *p, struct spawn *s, char *why, size_t cap)
{
	const struct service *c = process_service(p);
	ready_end(p);
	if (c->ready.kind == READY_FD)
		return open_pipe(p, s, why, cap);
	if (c->ready.kind != READY_NOTIFY)
		return true;
	if (!begin_socket(p, why, cap))
		return false;
	static char path[108]; /* until the spawn that follows */
	socket_path(p, path, sizeof path);
	s->notify = path;
	return true;
}

void
ready_adopted(struct process *p)
{
	const struct service *c = process_service(p);
	char why[MSG_TEXT];
	/* who is adopted was begun as its user: the socket belongs to that user again */
	if (c->ready.kind != READY_NOTIFY)
		return;
	enum known known = process_account(p, why);
	p->socket_waits = known == KNOWN_LATER;
	if (known == KNOWN_LATER)
		return;
	if (known != KNOWN_YES || !begin_socket(p, why, sizeof why))
		log_warning("%s: %s", c->name, why);
}

void
ready_drain(struct process *p)
{
	if (p->ready == -1)
		return;
	if (process_service(p)->ready.kind == READY_NOTIFY)
		on_datagram(&p->saying, LOOP_READ);
	else
		on_descriptor(&p->saying, LOOP_READ);
}

void
ready_end(struct process *p)
{
	loop_io_stop(&p->saying);
	if (p->ready != -1)
		close(p->ready);
	p->ready = -1;
	p->socket_waits = false;
	if (p->said != NULL) {
		p->said->status[0] = '\0';
		p->said->status_ms = 0;
		p->said->stranger = false;
	}
}
