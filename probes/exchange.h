/* probes/exchange.h: one measurement under way; for the parts of the engine only: stream.c
 * begins and ends it, connect_files.c has its files, connect.c gets it a connection,
 * exchange_ask.c asks, exchange_read.c reads, exchange.c judges. */
#ifndef PROBES_EXCHANGE_H
#define PROBES_EXCHANGE_H

#include "probes/h2.h"
#include "probes/stream.h"

static inline struct stream *
run_stream(const struct run *r)
{
	return (struct stream *)((char *)r->schedule.table -
				 offsetof(struct stream, timetable));
}

struct exchange {
	struct run *run;
	struct loop_io io;
	unsigned watched; /* LOOP_READ | LOOP_WRITE, 0: not */
	struct loop_timer deadline;
	enum phase phase;
	int fd; /* -1: none */
	struct socket *socket; /* the descriptor is its; NULL: our own */
	int64_t began_ns, deadline_ms;
	unsigned address; /* the next to be tried */
	bool streamed;    /* datagrams were not enough */
	uint8_t askings;  /* datagrams of this step that went out */
	bool moved;       /* the peer named somebody else: the reply's host and port */
	struct lookup *lookup;
	uint64_t token;        /* of its OPENs */
	unsigned awaited;      /* of its OPENs, so many have no answer */
	struct exchange *next; /* opening or waiting */
	uint64_t unique;
	size_t sent, came; /* bytes of this step's request, of all answers */
	bool unsent;       /* not all of the request is out */
	bool silent;       /* nobody is heard: a failure may be the network's */
	SSL *ssl;          /* NULL: not encrypted */
	struct h2 *h2;     /* NULL: no HTTP/2 is spoken */
	struct elsewhere *elsewhere; /* a redirect led us there; NULL: the check's address */
	double days_left;
	struct reply reply;
	size_t cap; /* of reply.bytes when it is its own, 0: it is the shared buffer */
	/* not zeroed when it begins: */
	struct addresses addresses; /* of the check */
	struct addresses others;    /* of one that the peer named */
	_Alignas(16) unsigned char kept[]; /* reply.kept, of kinds that keep something */
};

struct elsewhere {
	struct hop hop;
	struct addresses addresses;
};

/* What monitord opened: contents, read anew once a minute. */
struct check_files {
	struct blob of[CHECK_FILES];
	int64_t read_ms; /* 0: never */
	bool changed;    /* since it was last made use of */
};

/* ---- stream.c ---- */
void exchange_phase(struct exchange *x, enum phase phase, const char *detail);
void exchange_finish(struct exchange *x, enum outcome outcome, const struct answer *a,
		     const char *why);
void exchange_fail(struct exchange *x, enum outcome outcome, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The deadline is so long after it began. */
void exchange_arm(struct exchange *x, int64_t limit_ms);
bool exchange_is_stream(const struct exchange *x);
const char *exchange_host(const struct exchange *x); /* NULL: a Unix socket */
/* "127.0.0.1:80" or the path. */
const char *exchange_place(const struct exchange *x, char *out, size_t cap);

/* ---- exchange_socket.c ---- */
/* events: LOOP_READ | LOOP_WRITE; 0: nothing more of this descriptor. */
void exchange_watch(struct exchange *x, unsigned events);
/* Its socket is not to be used again: for what sends more than fits, or reads without end. */
void exchange_own(struct exchange *x);
void exchange_drop(struct exchange *x);             /* closes it as it is */
void exchange_close(struct exchange *x, bool good); /* the connection, as peers expect it */

/* ---- connect_files.c ---- */
void exchange_open(struct exchange *x); /* from the beginning */
void exchange_file_opened(struct exchange *x, const struct msg_opened *o, int fd);
void files_free(struct check_files **fp);

/* ---- connect.c ---- */
/* So many answers to OPENs are awaited in this phase; each is asked for then. */
void exchange_await(struct exchange *x, enum phase phase, unsigned count);
/* False: the exchange has ended. */
bool exchange_ask_to_open(struct exchange *x, enum open_what what);
void exchange_resolve(struct exchange *x); /* the check's host, then to connect */
void exchange_go(struct exchange *x); /* to the address of x->elsewhere */
void exchange_connect_io(struct exchange *x);
void exchange_move(struct exchange *x); /* over a new connection, to the reply's host */
void exchange_opened(struct exchange *x, const struct msg_opened *o, int fd);
void exchange_forget(struct exchange *x); /* no answer to its OPENs is awaited */

/* ---- exchange.c ---- */
void exchange_connected(struct exchange *x);
/* At the deadline: is what came enough? True: the exchange has ended. */
bool exchange_enough(struct exchange *x);
/* Goes on with the handshake. False: the exchange has ended, or the handshake goes on. */
bool exchange_shake_hands(struct exchange *x);
/* What has come, by the kind's judge. True: the exchange has ended, or goes on otherwise than by
 * reading. */
bool exchange_judge(struct exchange *x);

/* ---- exchange_read.c ---- */
void exchange_io(struct loop_io *io, unsigned events);
bool exchange_event(void *x, unsigned events); /* of its socket */

/* ---- exchange_ask.c ---- */
/* Sends what is left of the step's request. False: the exchange has ended. */
bool exchange_ask(struct exchange *x);
/* Sends what HTTP/2 has to say. */
void exchange_push(struct exchange *x);
/* No right answer has come: is the datagram to be sent once more? True: it was, or the exchange has
 * ended. */
bool exchange_ask_again(struct exchange *x);
/* Sends at once, perhaps before the connection stands. 0: it is out, and the exchange goes
 * on; EAGAIN: it has to stand first; else an errno of connect(2). */
int exchange_early(struct exchange *x);
int64_t exchange_real_ns(void); /* only datagrams are asked for times */

#endif
