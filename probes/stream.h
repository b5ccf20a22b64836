/* probes/stream.h: the one engine of all checks over a connection: resolve, connect, TLS,
 * send, read, judge; one total deadline; never blocks.
 *
 * A run is a check's life and holds little; what is under way is an exchange, taken from
 * a pool. Each measurement is reported once, whatever ended it. */
#ifndef PROBES_STREAM_H
#define PROBES_STREAM_H

#include "probes/kind.h"
#include "probes/pool.h"
#include "probes/resolve.h"
#include "probes/schedule.h"
#include "probes/sockets.h"

#define STREAM_LATE_MS 100 /* so late we may be before a verdict is no verdict */

enum phase {
	PHASE_WAIT,    /* as many as may be are under way: it has its turn */
	PHASE_FILES,   /* monitord opens what the rules name */
	PHASE_RESOLVE,
	PHASE_OPEN,    /* monitord opens the Unix socket */
	PHASE_CONNECT,
	PHASE_TLS,
	PHASE_EXCHANGE,
	PHASES
};
extern const char *const phase_name[PHASES];

struct exchange;
struct run;

struct stream { /* what all runs of the program share */
	struct loop *loop;
	const struct rules *rules;
	uint64_t *active; /* by route: what carries its traffic, 0: not known */
	void *arg;
	/* run_opened() is due, now or later. False: it cannot be asked for now. */
	bool (*open)(struct stream *s, const struct msg_open *o);
	/* news: monitord may wait for it, or it says other than the last one. */
	void (*report)(struct stream *s, const struct msg_result *m, bool news);
	/* NULL, or told of each phase that begins, of what is sent and received, and of
	 * what was measured, before it is reported. */
	void (*phase)(struct stream *s, enum phase phase, const char *detail);
	void (*bytes)(struct stream *s, bool sent, const char *bytes, size_t size);
	void (*answer)(struct stream *s, const struct plan *p, const struct answer *a);
	unsigned most; /* exchanges that may be under way at once, set by stream_begin */

	/* the engine's own */
	uint64_t token, unique;
	struct exchange *opening; /* list of those that wait for OPENED */
	struct pool plain, keeping; /* of exchanges, by whether their kind keeps something */
	struct sockets sockets;
	struct timetable timetable;
	struct exchange *first_waiting, **last_waiting;
	unsigned busy;
	struct loop_timer beat;
	unsigned beats;
	int64_t beat_ms;     /* when the next beat is due */
	int64_t stalled_ns;  /* what began before this proves nothing */
};

struct run { /* one check; there may be ten thousand: each byte counts */
	struct plan plan;
	struct schedule schedule;  /* of the stream's timetable; none: not begun, or ended */
	struct exchange *exchange; /* NULL: idle */
	struct check_files *files; /* NULL: none */
	struct tls_peer *tls;      /* NULL: none, or not yet */
};

/* loop, rules, active, open and report are filled in. */
void stream_begin(struct stream *s);

/* r is zero-filled and stays where it is. False: out of memory. */
bool run_begin(struct run *r, struct stream *s, uint32_t check);
/* The same measurement after a reload: the exchange in flight goes on. False: out of
 * memory. */
bool run_carry(struct run *r, uint32_t check);
void run_end(struct run *r); /* gives up what it does, frees what it holds */
/* OPENED came: fd (taken, may be -1), or error as an errno. */
void stream_opened(struct stream *s, const struct msg_opened *o, int fd);

#endif
