/* The kernel's process connector (linux/cn_proc.h): a fault is told before its core is
 * written, an exec before any scan finds it. A socket filter lets nothing else wake us.
 */
#include "base/log.h"
#include "monitord/process_state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURN 64    /* messages in one turn of the loop */
#define HINT_MS 50 /* what finds no place of its own shares a look at all processes */

/* In the messages, behind both heads. */
#define AT_EVENT (NLMSG_HDRLEN + (uint32_t)sizeof(struct cn_msg))
#define AT_WHAT (AT_EVENT + (uint32_t)offsetof(struct proc_event, what))
#define AT_ACK (NLMSG_HDRLEN + (uint32_t)offsetof(struct cn_msg, ack))

/* Core dumps, execs if they are wanted, and the kernel's answer to our wish: to our number plus
 * one, as all who listen get the answers to all. */
static bool
filter(int fd, bool execs)
{
	/* words are loaded in network order; jumps count the instructions that they skip
	 */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, AT_WHAT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PROC_EVENT_COREDUMP), 5, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
			 htonl(execs ? PROC_EVENT_EXEC : PROC_EVENT_COREDUMP), 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PROC_EVENT_NONE), 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, AT_ACK),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl((uint32_t)getpid() + 1), 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog program = { sizeof code / sizeof *code, code };
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) ==
	       0;
}

static bool
listen_to(int fd)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC };
	struct {
		struct nlmsghdr head;
		struct cn_msg msg;
		uint32_t wish;
	} __attribute__((packed)) ask;
	memset(&ask, 0, sizeof ask);
	ask.head.nlmsg_len = sizeof ask;
	ask.head.nlmsg_type = NLMSG_DONE;
	ask.msg.id = (struct cb_id){ CN_IDX_PROC, CN_VAL_PROC };
	ask.msg.ack = (uint32_t)getpid();
	ask.msg.len = sizeof ask.wish;
	ask.wish = PROC_CN_MCAST_LISTEN;
	return bind(fd, (struct sockaddr *)&a, sizeof a) == 0 &&
	       send(fd, &ask, sizeof ask, 0) == (ssize_t)sizeof ask;
}

static void
tell_dying(struct processes *ps, pid_t pid)
{
	uint32_t i = 0;
	while (i < ps->count && ps->list[i]->pid != pid)
		i++;
	if (i == ps->count || !process_has_begun(ps->list[i]))
		return;
	struct event e = { .kind = EVENT_DYING,
			   .id = i,
			   .pid = pid,
			   .core_dumped = true,
			   .text = "it dumps core" };
	process_tell(ps, &e);
}

bool
connector_seeks(const struct process *p)
{
	return process_service(p)->match != NULL && p->pidfd == -1;
}

/* So many began that some went by unseen: the local helper looks at all. */
static void
on_hint(struct loop_timer *timer)
{
	struct processes *ps = timer->arg;
	for (uint32_t i = 0; i < ps->count; i++) {
		struct event e = { .kind = EVENT_FOUND, .id = i }; /* none yet */
		if (connector_seeks(ps->list[i]))
			process_tell(ps, &e);
	}
}

static void
look_at_all(struct processes *ps)
{
	if (!loop_timer_active(&ps->connector.hint))
		loop_timer_start(ps->loop, &ps->connector.hint, HINT_MS, 0, on_hint, ps);
}

static void
take(struct processes *ps, const struct proc_event *e)
{
	if ((uint32_t)e->what == PROC_EVENT_COREDUMP)
		tell_dying(ps, e->event_data.coredump.process_tgid);
	else if ((uint32_t)e->what == PROC_EVENT_EXEC &&
		 !proofs_exec(ps, e->event_data.exec.process_tgid))
		look_at_all(ps);
}

/* The next message of the kernel; e->what of any other is none that is known. False with
 * errno: nothing more waits. */
static bool
next_event(int fd, struct proc_event *e)
{
	_Alignas(struct nlmsghdr) unsigned char bytes[512];
	struct sockaddr_nl from = { .nl_pid = 1 };
	socklen_t size = sizeof from;
	ssize_t n = recvfrom(fd, bytes, sizeof bytes, MSG_DONTWAIT,
			     (struct sockaddr *)&from, &size);
	if (n == -1)
		return false;
	memset(e, 0xff, sizeof *e);
	if (from.nl_pid == 0 && (size_t)n >= AT_EVENT + sizeof *e)
		memcpy(e, bytes + AT_EVENT, sizeof *e);
	return true;
}

void
connector_drain(struct processes *ps)
{
	for (int i = 0; i < TURN && ps->connector.fd != -1; i++) {
		struct proc_event e;
		if (next_event(ps->connector.fd, &e)) {
			take(ps, &e);
			continue;
		}
		if (errno == ENOBUFS && ps->connector.execs)
			look_at_all(ps);
		/* of the faults that were lost the descriptors tell all the same */
		return;
	}
}

/* The kernel answers before send(2) returns. It does not answer who is in a process id
 * namespace: such a one would get what others asked for, with ids that mean somebody else
 * to him. */
static bool
answered(int fd)
{
	struct proc_event e;
	for (int i = 0; i < TURN && next_event(fd, &e); i++)
		if ((uint32_t)e.what == PROC_EVENT_NONE) {
			errno = (int)e.event_data.ack.err;
			return errno == 0;
		}
	errno = EPERM;
	return false;
}

static void
on_message(struct loop_io *io, unsigned events)
{
	(void)events;
	connector_drain(io->arg);
}

void
connector_begin(struct processes *ps)
{
	struct connector *c = &ps->connector;
	c->fd = socket(PF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       NETLINK_CONNECTOR);
	c->execs = false;
	if (c->fd == -1 || !filter(c->fd, false) || !listen_to(c->fd) ||
	    !answered(c->fd)) {
		log_info("the kernel tells of no faults: %s", strerror(errno));
		connector_end(ps);
		return;
	}
	loop_io_start(ps->loop, &c->io, c->fd, LOOP_READ, on_message, ps);
}

void
connector_seek(struct processes *ps)
{
	struct connector *c = &ps->connector;
	c->sought = 0;
	for (uint32_t i = 0; i < ps->count; i++)
		c->sought += connector_seeks(ps->list[i]);
	bool execs = c->sought > 0;
	if (c->fd == -1 || execs == c->execs)
		return;
	if (filter(c->fd, execs))
		c->execs = execs;
}

void
connector_end(struct processes *ps)
{
	loop_io_stop(&ps->connector.io);
	loop_timer_stop(&ps->connector.hint);
	if (ps->connector.fd != -1)
		close(ps->connector.fd);
	ps->connector.fd = -1;
}
