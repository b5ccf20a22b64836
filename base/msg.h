/* base/msg.h: the messages between monitord and its helpers, and the channel that carries them.
 *
 * A packet is one head and one or more items of one kind. The receiver drops a peer that
 * sends a kind it may not send, a size that is no whole number of items, or a descriptor
 * where none is due; ids are checked by the handler with the counts of its rules. Items
 * hold ids and plain values only: never a path, a command, or a pid to obey.
 *
 * Ids are indexes into the arrays of struct rules (rules/rules.h) of the packet's
 * generation; a packet of another generation is dropped without reproach.
 * Times that end in _ns or _ms are CLOCK_MONOTONIC unless they say real.
 */
#ifndef BASE_MSG_H
#define BASE_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum role { ROLE_MONITORD, ROLE_NET, ROLE_LOCAL, ROLE_ROUTES, ROLE_ALERTS, ROLE_STATUS, ROLES };

#define TO(role) (1u << (role))
#define PROBES (TO(ROLE_NET) | TO(ROLE_LOCAL))
#define HELPERS (PROBES | TO(ROLE_ROUTES) | TO(ROLE_ALERTS) | TO(ROLE_STATUS))
#define READERS (TO(ROLE_ALERTS) | TO(ROLE_STATUS)) /* they read the journal */
#define CENTRE TO(ROLE_MONITORD)

#define MSG_VERSION 1u
#define MSG_PACKET_MAX 16384u /* bytes */
#define MSG_TEXT 128	       /* a reason, cleaned, NUL-ended */
#define MSG_SECRET 136	       /* of http-token-file, NUL-ended */
#define MSG_PERSON 64	       /* who acknowledged, or silenced; cleaned, NUL-ended */
#define MSG_VALUES 20       /* measured values in one result */
#define MSG_BACKENDS 64	       /* backends of one route */

struct msg_hello {
	uint32_t version; /* MSG_VERSION */
	uint32_t role;	  /* enum role */
	uint64_t cursor;  /* alerts, status: id of the last event committed; else 0 */
};

/* With a descriptor: the sealed bundle of accepted rule text (sources_write, rules/parse.h). */
struct msg_rules {
	uint32_t generation;
	uint32_t dry_run; /* 1: asked for when monitord was started, whatever the text says */
};

struct msg_loaded {
	uint32_t generation; /* the helper now works with these rules */
	uint32_t pad;
};

/* With a descriptor: the journal, read-only (base/journal.h). */
struct msg_journal {
	uint64_t last_id;
};

struct msg_bell {
	uint64_t last_id; /* the newest event; read on */
};

/* What a helper may ask monitord to open for it: always by the id of a configured thing. */
enum open_what {
	OPEN_CHECK_SOCKET,  /* net: check id; a Unix socket, connected */
	OPEN_CHECK_SCRIPT,  /* local: check id; spawn the script, get its output */
	OPEN_CHECK_FILE,    /* local: check id; the file, directory or log, read-only */
	OPEN_CHECK_SECRET,  /* net: check id; the password or token, as enum check_file */
	OPEN_CHECK_CA,	    /* net: check id; tls-ca */
	OPEN_CHECK_CERT,    /* net: check id; tls-cert */
	OPEN_CHECK_KEY,	    /* net: check id; tls-key */
	OPEN_CHECK_BODY,    /* net: check id; body-file */
	OPEN_CHECK_PING4,   /* net: check id of a ping; a socket for ICMP echo, IPv4 */
	OPEN_CHECK_PING6,   /* the same, IPv6 */
	OPEN_ROUTE_SOCKET,  /* routes: route id; the front's Unix socket, connected */
	OPEN_ROUTE_SECRET,  /* routes: route id; e.g. Varnish's secret file */
	OPEN_ROUTE_FILE,    /* routes: route id; the switch's or front's file, read-only; of a link a handle */
	OPEN_ROUTE_GET,	    /* routes: route id; run its command with `get`: the output */
	OPEN_SMTP_PASSWORD, /* alerts: id 0 */
	OPEN_CONTACT_KEY,   /* alerts: contact id; the secret of its pages */
	OPEN_CONTACT_BODY,  /* alerts: contact id; its template */
	OPEN_LISTENER,	    /* status: id 0 the Unix socket, 1 the TCP socket, listening */
	OPEN_WHATS
};

struct msg_open {
	uint32_t what; /* enum open_what */
	uint32_t id;
	uint64_t token; /* echoed */
};

/* With a descriptor when error is 0. */
struct msg_opened {
	uint32_t what, id;
	uint64_t token;
	int32_t error; /* errno, 0: a descriptor comes along */
	uint32_t pad;
};

enum pace { PACE_OFF, PACE_NORMAL, PACE_FAST, PACE_NOW, PACES };

/* PACE_NOW: one exchange at once, then normal. */
struct msg_pace {
	uint32_t check;
	uint32_t pace; /* enum pace */
};

enum outcome { OUTCOME_UNKNOWN, OUTCOME_GOOD, OUTCOME_BAD, OUTCOME_WARN, OUTCOMES };

struct msg_value {
	uint32_t metric; /* enum metric, rules/metric.h */
	uint32_t pad;
	double value;
};

struct msg_result {
	uint32_t check;
	uint32_t outcome;     /* enum outcome */
	int64_t began_ns;     /* when the exchange began */
	int64_t latency_ns;   /* how long it took */
	uint32_t value_count; /* <= MSG_VALUES */
	uint32_t silent;      /* not good, and nothing came that proves the network: no
			       * connection, no refusal, no byte */
	struct msg_value value[MSG_VALUES];
	char text[MSG_TEXT]; /* why, if not good */
};

/* A result in little room: good, with few values and nothing to say: nearly all are. */
#define MSG_WELL_VALUES 3
struct msg_well {
	uint32_t check;
	uint8_t value_count; /* <= MSG_WELL_VALUES */
	uint8_t metric[MSG_WELL_VALUES];
	int64_t began_ns, latency_ns;
	double value[MSG_WELL_VALUES];
};

/* Which process local measures for a service; pid 0: none, and said again: look for one now.
 * For its reading only. */
struct msg_watch {
	uint32_t service;
	int32_t pid;
	uint64_t start_ticks; /* field 22 of /proc/PID/stat */
	uint32_t owned;	      /* 1: a process of this owner alone is looked for */
	uint32_t owner;
};

struct msg_sample {
	uint32_t service;
	int32_t pid; /* whose: a sample of another process is dropped */
	uint64_t start_ticks;
	int64_t taken_ns;
	uint32_t value_count; /* <= MSG_SAMPLE_VALUES */
	uint32_t pad;
	struct msg_value value[24];
};
#define MSG_SAMPLE_VALUES 24

/* A hint: this process matches the service's `match`. monitord looks for itself. */
struct msg_found {
	uint32_t service;
	int32_t pid; /* 0: none matches */
	uint64_t start_ticks;
};

/* The end of a script that OPEN_CHECK_SCRIPT began. */
struct msg_script_end {
	uint32_t check;
	int32_t code;	/* exit code, -1: none */
	int32_t signal; /* that ended it, 0: none */
	uint32_t timed_out;
	uint64_t token; /* of the msg_open */
};

/* The whole wanted set; bit i is backend i of the route. The newest number wins. */
struct msg_route_order {
	uint32_t route;
	uint32_t pad;
	uint64_t number;
	uint64_t active; /* these carry traffic */
	uint64_t cut;	 /* of the others: end their sessions at once (dead or hung) */
};

/* The front is not as it was: ordered, or first seen. */
enum route_change {
	CHANGE_NONE,
	CHANGE_BY_HAND, /* and has lived on: somebody else changed it */
	CHANGE_ANEW	/* it began anew, and has lost what it was told */
};

struct msg_route_seen {
	uint32_t route;
	uint32_t error;	 /* 1: the front could not be asked or did not obey; text says why */
	uint64_t number; /* of the last order carried out, 0: none yet */
	uint64_t active; /* what the front does, read back */
	uint64_t busy;	 /* of the others: requests are in flight on them */
	uint32_t counts; /* 1: this front can tell: busy means what it says */
	uint32_t change; /* enum route_change */
	char text[MSG_TEXT];
};

/* routes -> monitord: replace the switch's file or link, or the front's include, so that it
 * names exactly these (then the front's own test and reload, by the rule file's commands), or
 * run the route's command with `set`. */
struct msg_route_write {
	uint32_t route;
	uint32_t pad;
	uint64_t number;
	uint64_t active;
};

struct msg_route_written {
	uint32_t route;
	int32_t error;	 /* errno */
	uint64_t number; /* of the ROUTE_WRITE; of the OPEN, when its command has ended */
	char text[MSG_TEXT]; /* what the front's test or the command said */
};

/* monitord -> status: the newest state of one object. */
struct msg_service_view {
	uint32_t service;
	uint32_t state; /* enum service_state */
	int64_t since_real_ms;
	int64_t started_real_ms; /* 0: not running */
	int32_t pid;		 /* 0: none */
	int32_t exit_code;	 /* -1: none known */
	int32_t exit_signal;	 /* 0: none */
	uint32_t restarts;
	uint32_t held;
	uint32_t by_command; /* stopped by command */
	uint32_t drained;    /* out of its routes by order */
	uint16_t suspect;    /* it is ended because something is wrong with it */
	uint16_t finished;   /* it has ended well, and is not started again */
	int64_t hold_until_real_ms; /* 0: until it is released */
	double cpu, memory, threads, fds; /* NaN: not known; percent of a core, bytes, counts */
	uint64_t event;			  /* the last that changed it */
	float values[MSG_SAMPLE_VALUES]; /* by metric_sample_slot (rules/metric.h); NaN: not known */
};

struct msg_check_view {
	uint32_t check;
	uint32_t state; /* enum check_state */
	int64_t since_real_ms;
	int64_t measured_ns; /* 0: never */
	int64_t latency_ns;
	uint32_t value_count;
	uint32_t pad;
	uint64_t event;
	struct msg_value value[MSG_VALUES];
	char text[MSG_TEXT]; /* why it is not up */
};

struct msg_route_view {
	uint32_t route;
	uint32_t state; /* enum route_state */
	int64_t since_real_ms;
	uint64_t active, wanted;
	uint32_t seen; /* 1: active is what the front said, not a belief */
	uint32_t pad;
	uint64_t event;
	char text[MSG_TEXT];
};

struct msg_rule_view {
	uint32_t rule;
	uint32_t truth; /* enum truth */
	uint32_t firing;
	uint32_t fired; /* times */
	int64_t since_real_ms;
	uint64_t event;
	int64_t true_at_real_ms; /* by then, if its tests go on (`for`); 0: none does */
	uint32_t samples, samples_needed; /* of N of M; needed 0: none */
};

struct msg_chain_view {
	uint32_t chain;
	uint32_t state; /* enum chain_state */
	int64_t since_real_ms;
	uint64_t event;
	char text[MSG_TEXT]; /* which member makes it so */
};

struct msg_incident_view {
	uint64_t incident;
	uint32_t state; /* enum incident_state */
	uint32_t root_kind, root_id; /* enum object_kind and its id */
	uint32_t pad;
	int64_t since_real_ms, until_real_ms;
	uint64_t event;	       /* that opened it */
	char who[MSG_PERSON], why[MSG_TEXT]; /* that it was acknowledged */
	char text[MSG_TEXT * 2]; /* one sentence */
};

/* monitord -> alerts, before the line that opens the incident: how the metric went that it is
 * about. */
#define MSG_TRACE_POINTS 120
struct msg_trace {
	uint64_t incident;
	int64_t real_ms;    /* of the last point */
	uint32_t kind, id;  /* enum object_kind and its id */
	uint32_t metric;    /* enum metric */
	uint32_t compare;   /* enum compare, with the threshold */
	uint32_t count;	    /* <= MSG_TRACE_POINTS, oldest first; 0: none */
	uint32_t pad;
	double threshold;
	int32_t ago_ms[MSG_TRACE_POINTS]; /* before the last point */
	double value[MSG_TRACE_POINTS];
};

/* What may stay quiet, by an operator's order. */
struct msg_silence_view {
	uint32_t slot;
	uint32_t kind, id; /* enum object_kind and its id; OBJECT_MONITORD: all */
	uint32_t pad;
	int64_t until_real_ms; /* 0: it is over */
	uint64_t event;
	char who[MSG_PERSON], why[MSG_TEXT];
};
#define MSG_SILENCES 64

/* monitord -> net: which backends carry the traffic, for `{active}` in a check's expect. */
struct msg_active {
	uint32_t route;
	uint32_t pad;
	uint64_t active; /* 0: not known */
};

/* alerts -> monitord -> status: since the spool was made; queued: now. */
struct msg_alert_counts {
	uint64_t queued, sent, failed, undelivered;
};

enum verb {
	VERB_START, VERB_STOP, VERB_RESTART, VERB_RELOAD_SERVICE, VERB_HOLD, VERB_RELEASE,
	VERB_REROUTE, VERB_RESTORE, VERB_RELOAD, VERB_TEST, VERB_ACK, VERB_DRAIN, VERB_UNDRAIN,
	VERB_SILENCE, VERB_UNSILENCE, VERB_RIGHTS /* may I? nothing is done */, VERBS
};

/* status -> monitord, with the client's descriptor: monitord asks it who speaks, if it came in
 * at the status socket. */
struct msg_command {
	uint64_t token; /* echoed by COMMAND_DONE */
	uint32_t verb;	/* enum verb */
	uint32_t id;	/* service, route or contact by the verb */
	uint32_t target; /* REROUTE: backend index, or UINT32_MAX */
	uint32_t wait;	 /* 1: answer at the outcome, 0: once accepted */
	uint32_t seconds; /* HOLD, SILENCE: it ends by itself after these; 0: it does not */
	uint32_t kind;	  /* SILENCE, UNSILENCE: enum object_kind of id; OBJECT_MONITORD: all */
	uint64_t incident; /* ACK */
	char who[MSG_PERSON], why[MSG_TEXT]; /* ACK, SILENCE: words for people */
	char secret[MSG_SECRET]; /* what a client over TCP showed; "": nothing */
};

enum command_answer {
	ANSWER_DONE, ANSWER_REFUSED, ANSWER_NOT_ALLOWED, ANSWER_FAILED, ANSWER_ACCEPTED, ANSWERS
};

struct msg_command_done {
	uint64_t token;
	uint64_t event; /* 0: nothing to do */
	uint32_t answer; /* enum command_answer */
	uint32_t pad;
	char text[MSG_TEXT * 4];
};

/* Is the helper alive? It echoes; one that does not is killed and replaced. */
struct msg_ping {
	uint64_t number;
};

/* May this client read? status asks once a connection, with its descriptor. */
struct msg_who {
	uint64_t token;
};

struct msg_who_done {
	uint64_t token;
	uint32_t may_read, may_act;
};

/* status -> monitord: clients wait for events as they happen, or none does any more. */
struct msg_follow {
	uint32_t on;
	uint32_t pad;
};

/* monitord -> alerts: send a test to this contact; alerts answers with what the server said. */
struct msg_test {
	uint64_t token;
	uint32_t contact;
	uint32_t pad;
};

struct msg_test_done {
	uint64_t token;
	uint32_t ok;
	uint32_t pad;
	char text[MSG_TEXT * 4];
};

/* name, item, from, to, descriptors (0 none, 1 always, 2 maybe).
 * The comment names the worst a taken-over sender can do with what monitord receives. */
#define MESSAGES(X)                                                                              \
	X(HELLO, struct msg_hello, HELPERS, CENTRE, 0)		 /* re-read its own events */    \
	X(RULES, struct msg_rules, CENTRE, HELPERS, 1)                                            \
	X(LOADED, struct msg_loaded, HELPERS, CENTRE, 0)	 /* be killed for lateness */    \
	X(JOURNAL, struct msg_journal, CENTRE, READERS, 1)                                        \
	X(PING, struct msg_ping, CENTRE, HELPERS, 0)                                              \
	X(PONG, struct msg_ping, HELPERS, CENTRE, 0)		 /* seem alive */                \
	X(BELL, struct msg_bell, CENTRE, READERS, 0)                                              \
	X(OPEN, struct msg_open, HELPERS, CENTRE, 0)		 /* read what its role's sections name, run a route's `get` */ \
	X(OPENED, struct msg_opened, CENTRE, HELPERS, 2)                                          \
	X(PACE, struct msg_pace, CENTRE, PROBES, 0)                                               \
	X(RESULT, struct msg_result, PROBES, CENTRE, 0)		 /* lie about a check of its own */ \
	X(WELL, struct msg_well, PROBES | CENTRE, CENTRE | TO(ROLE_STATUS), 0) /* the same */     \
	X(WATCH, struct msg_watch, CENTRE, TO(ROLE_LOCAL), 0)                                     \
	X(SAMPLE, struct msg_sample, TO(ROLE_LOCAL), CENTRE, 0) /* lie about a watched process */ \
	X(FOUND, struct msg_found, TO(ROLE_LOCAL), CENTRE, 0)	 /* hint: proven by its command line first */ \
	X(SCRIPT_END, struct msg_script_end, CENTRE, TO(ROLE_LOCAL), 0)                           \
	X(ROUTE_ORDER, struct msg_route_order, CENTRE, TO(ROLE_ROUTES), 0)                        \
	X(ROUTE_SEEN, struct msg_route_seen, TO(ROLE_ROUTES), CENTRE, 0) /* lie about a front */ \
	X(ROUTE_WRITE, struct msg_route_write, TO(ROLE_ROUTES), CENTRE, 0) /* flip a switch to some of its own backends */   \
	X(ROUTE_WRITTEN, struct msg_route_written, CENTRE, TO(ROLE_ROUTES), 0)                    \
	X(MEASURED, struct msg_result, CENTRE, TO(ROLE_STATUS), 0)	/* RESULT as it came: recorded */ \
	X(SAMPLED, struct msg_sample, CENTRE, TO(ROLE_STATUS), 0)	/* SAMPLE, the same */           \
	X(SERVICE_VIEW, struct msg_service_view, CENTRE, TO(ROLE_STATUS), 0)                      \
	X(CHECK_VIEW, struct msg_check_view, CENTRE, TO(ROLE_STATUS), 0)                          \
	X(ROUTE_VIEW, struct msg_route_view, CENTRE, TO(ROLE_STATUS), 0)                          \
	X(RULE_VIEW, struct msg_rule_view, CENTRE, TO(ROLE_STATUS), 0)                            \
	X(CHAIN_VIEW, struct msg_chain_view, CENTRE, TO(ROLE_STATUS), 0)                          \
	X(INCIDENT_VIEW, struct msg_incident_view, CENTRE, TO(ROLE_STATUS), 0)                    \
	X(SILENCE_VIEW, struct msg_silence_view, CENTRE, TO(ROLE_STATUS), 0)                      \
	X(ALERT_COUNTS, struct msg_alert_counts, CENTRE | TO(ROLE_ALERTS),                        \
	  CENTRE | TO(ROLE_STATUS), 0)				 /* lie about mails */           \
	X(COMMAND, struct msg_command, TO(ROLE_STATUS), CENTRE, 1) /* act for a connected admin */ \
	X(COMMAND_DONE, struct msg_command_done, CENTRE, TO(ROLE_STATUS), 0)                      \
	X(WHO, struct msg_who, TO(ROLE_STATUS), CENTRE, 1)	 /* nothing */                   \
	X(WHO_DONE, struct msg_who_done, CENTRE, TO(ROLE_STATUS), 0)                              \
	X(FOLLOW, struct msg_follow, TO(ROLE_STATUS), CENTRE, 0) /* be rung at each event */      \
	X(TEST, struct msg_test, CENTRE, TO(ROLE_ALERTS), 0)                                      \
	X(TRACE, struct msg_trace, CENTRE, TO(ROLE_ALERTS), 0)                                    \
	X(TEST_DONE, struct msg_test_done, TO(ROLE_ALERTS), CENTRE, 0) /* lie about a test */     \
	X(ACTIVE, struct msg_active, CENTRE, TO(ROLE_NET), 0)

enum msg_kind {
#define MSG_ENUM(name, item, from, to, fds) MSG_##name,
	MESSAGES(MSG_ENUM)
#undef MSG_ENUM
	MSG_KINDS
};

struct msg_head {
	uint16_t kind;	/* enum msg_kind */
	uint16_t count; /* items */
	uint32_t generation;
};

struct msg_packet {
	struct msg_head head;
	_Alignas(8) unsigned char items[MSG_PACKET_MAX];
	int fd; /* -1, or one that the receiver now owns */
};

/* "RESULT"; for logs. kind < MSG_KINDS. */
const char *msg_name(enum msg_kind kind);
size_t msg_item_size(enum msg_kind kind); /* bytes of one */
const char *role_name(enum role role);    /* "net"; role < ROLES */

/* A pair of connected SOCK_SEQPACKET sockets, close-on-exec, non-blocking. False: errno. */
bool msg_pair(int fds[2]);

enum msg_sent { MSG_SENT, MSG_FULL, MSG_GONE };

/* Sends count items (count * size <= MSG_PACKET_MAX) from one role to another; fd is -1 or
 * a descriptor to lend, which stays the caller's. MSG_FULL: not now, nothing was sent.
 * Asserts that the direction is permitted. Items must have been zeroed before filling. */
enum msg_sent msg_send(int channel, enum role from, enum role to, enum msg_kind kind,
		       uint32_t generation, const void *items, size_t count, int fd);

/* A result as a WELL, and back. False: it says more than fits. */
bool msg_to_well(const struct msg_result *r, struct msg_well *out);
void msg_from_well(const struct msg_well *w, struct msg_result *out);

enum msg_got {
	MSG_GOT,	/* p holds a valid packet */
	MSG_NONE,	/* nothing to read now */
	MSG_LOST,	/* one that had no room for its descriptor: we have none left; read on */
	MSG_END,	/* the peer is gone */
	MSG_FORBIDDEN	/* malformed or not permitted: drop the peer; why holds the reason */
};

/* Receives one packet sent by from to to. Descriptors that are not due are closed. */
enum msg_got msg_receive(int channel, enum role from, enum role to, struct msg_packet *p,
			 char why[MSG_TEXT]);

/* Judges a packet as msg_receive does, without a socket (for the fuzzer): size is head and
 * items, fd_count the descriptors that came. */
bool msg_valid(const void *bytes, size_t size, size_t fd_count, enum role from, enum role to,
	       char why[MSG_TEXT]);

#endif
