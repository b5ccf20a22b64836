/* probes/stream.h: the one engine of all checks over a connection: resolve, connect,
 * send, read, judge; one total deadline; never blocks. */
#ifndef PROBES_STREAM_H
#define PROBES_STREAM_H

#include "probes/kind.h"
#include "probes/resolve.h"
#include "probes/results.h"
#include "probes/schedule.h"

enum phase { PHASE_IDLE, PHASE_RESOLVE, PHASE_OPEN, PHASE_CONNECT, PHASE_EXCHANGE };

struct stream { /* what all runs of the program share */
	struct helper *helper;
	struct results *results;
	const struct rules *rules;
	uint64_t *active;    /* by route: what carries its traffic, 0: not known */
	struct run *opening; /* list of those that wait for OPENED */
	uint64_t token, unique;
};

struct run { /* one check */
	struct stream *stream;
	uint32_t check;
	struct plan plan;
	struct schedule schedule;
	struct loop_io io;
	struct loop_timer deadline;
	enum phase phase;
	int fd; /* -1: none */
	int64_t began_ns, deadline_ms;
	struct addresses addresses;
	unsigned address; /* the one being tried */
	struct lookup *lookup;
	uint64_t token; /* of its OPEN */
	struct run *next_opening;
	uint64_t unique;
	size_t sent, came; /* bytes of this step's request, of all answers */
	struct reply reply;
	size_t cap; /* of reply.bytes when it is its own, 0: it is the shared buffer */
};

/* r is zero-filled and stays where it is. False: out of memory. */
bool run_begin(struct run *r, struct stream *s, uint32_t check);
/* The same measurement after a reload: the exchange in flight goes on. False: out of
 * memory. */
bool run_carry(struct run *r, uint32_t check);
void run_end(struct run *r); /* gives up what it does, frees what it holds */
/* OPENED came: fd (taken), or -errno. */
void run_opened(struct run *r, int fd);
struct run *run_of_token(const struct stream *s, uint64_t token);

#endif
