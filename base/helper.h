/* base/helper.h: what every helper does alike: its channel to monitord on descriptor 3.
 *
 * helper_begin says HELLO and hands every later packet to packet(); the packet's descriptor
 * then belongs to the callback (set p->fd to -1 when it is kept, else it is closed after).
 * RULES packets arrive there too: parse the bundle (sources_from_fd), take the generation
 * with helper_loaded, which answers LOADED. Packets of another generation than the helper's
 * are dropped before the callback, RULES, JOURNAL and BELL excepted. End of file, or a
 * forbidden packet, ends the program.
 */
#ifndef BASE_HELPER_H
#define BASE_HELPER_H

#include "base/loop.h"
#include "base/msg.h"

#define HELPER_CHANNEL 3

struct helper {
	struct loop *loop;
	enum role role;
	uint32_t generation; /* 0: no rules yet */
	void (*packet)(struct helper *h, struct msg_packet *p);
	void (*writable)(struct helper *h); /* after a MSG_FULL: try again; may be NULL */
	void *arg;
	struct loop_io io;
	bool full;
	bool owes_loaded, owes_pong; /* answers that the channel had no room for */
	struct msg_ping pong;
	struct msg_packet in;
};

/* Fill loop, role, packet, writable, arg first. Sets PR_SET_PDEATHSIG, checks the parent, enters
 * the role's sandbox (base/sandbox.h), sends HELLO. False (and logs): descriptor 3 is no channel. */
bool helper_begin(struct helper *h, uint64_t cursor);
void helper_loaded(struct helper *h, uint32_t generation);

/* MSG_FULL: writable() will be called, once LOADED and PONG are out. Ends the program when monitord is gone. */
enum msg_sent helper_send(struct helper *h, enum msg_kind kind, const void *items, size_t count);
enum msg_sent helper_send_fd(struct helper *h, enum msg_kind kind, const void *item, int fd);

#endif
