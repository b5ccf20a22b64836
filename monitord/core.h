/* monitord/core.h: the daemon's state, and the loop around decide(). */
#ifndef MONITORD_CORE_H
#define MONITORD_CORE_H

#include "base/loop.h"
#include "monitord/account.h"
#include "monitord/helpers.h"
#include "monitord/journal.h"
#include "monitord/process.h"
#include "rules/parse.h"
#include "rules/world.h"

#define TESTS 8	  /* of contacts, on their way */

struct ids { /* a set of ids in the order they came */
	uint32_t *list;
	unsigned char *in;
	uint32_t first, count, cap;
};

#define LOOKERS 32
struct look { /* a client looked of late: all processes are measured */
	bool on;
	bool followed; /* clients wait for events */
	struct loop_timer end, late;
	struct { uint64_t token; bool read, act; } waiting[LOOKERS]; /* for the first samples */
	uint32_t count, due; /* waiting; samples that are still to come */
};

struct pending_event { /* what happened while decisions were carried out */
	struct event event;
	char text[300];
};

struct traces; /* trace.c */
struct sockaddr_un;

struct core {
	struct loop *loop;
	const char *path; /* of the main rule file */
	bool privileged;
	int64_t zone_minute; /* in which the time zone's offset was looked up last */
	bool dry_run; /* asked for by option, whatever the rules say */
	struct rules *rules;
	int bundle; /* sealed memfd of the rules */
	uint32_t generation;
	struct world *world;
	struct processes *processes;
	struct journal journal;
	struct decisions decisions;
	struct helper_slot helpers[ROLES];
	struct traces *traces;
	struct loop_timer watchdog;
	struct ids paces, watches, orders, actives;
	unsigned char *pace_now; /* by check: the next PACE says now */
	uint64_t *order_cut;	 /* by route */
	struct loop_timer deadline, beat, views, later;
	struct loop_signal hup, term, intr;
	struct pending_event *pending; /* a ring; NULL: none waited yet */
	unsigned pending_first, pending_count, pending_cap;
	bool deciding, stopping, quiet;
	bool reload_asked; /* by an operator, once what was decided is done */
	uint64_t reload_token;
	int64_t due_ms; /* when the deadline timer is */
	int64_t log_ms; /* when the log was flushed */
	int64_t last_beat_ms, views_ms, news_ms; /* news_ms: the oldest not sent, 0: none */
	struct account accounts[ROLES]; /* of the helpers */
	int listeners[2];		/* status: Unix, TCP; -1: not open */
	int listener_errors[2];		/* why not, as it was told; 0: it is open, or not wanted */
	dev_t socket_dev;		/* where the first was put */
	ino_t socket_ino;
	int lock;			/* on the state directory */
	struct msg_alert_counts alerts;
	bool alerts_dirty;
	uint64_t tests[TESTS]; /* tokens; 0: free */
	bool answered; /* an answer waits for status: the views go before it */
	struct loop_io idle[2];	 /* the listeners: a client comes while nobody is pinged */
	unsigned char *measured; /* by service: a rule reads what its process takes */
	bool measures; /* of some service; or it is looked for by its command line */
	struct look look;
	uint64_t ids_kept, keep_turn; /* keep.c */
	char *kept;		      /* while we begin: what an earlier life kept */
	bool keep_lost;		      /* it was damaged */
	char run_dir[4096], host[256];
	gid_t admin_gid, read_gid; /* (gid_t)-1: none */
	bool groups_wait;
};

/* ---- core.c ---- */
/* Decides on what happened and carries it out; while that is done already, behind it. e's text is
 * borrowed for the call. */
void core_event(struct core *c, const struct event *e);
/* A line of monitord's own in the journal, of this kind ("command", "helper-lost"). */
void core_note(struct core *c, const char *kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- run.c ---- */
void core_run(struct core *c, const struct decision *d); /* carries out DECIDE_RUN */
void core_run_again(struct core *c); /* runs that waited for their users and groups */

/* ---- reload.c ---- */
/* Reads the files; on success rules and a sealed bundle. text gets the mistakes. */
struct rules *rules_load(const char *path, bool privileged, int *bundle, char *text, size_t cap);
/* True: the new rules are in force. text: mistakes, or a word on what changed. */
bool core_reload(struct core *c, char *text, size_t cap);
void core_groups(struct core *c); /* admin-group and read-group become numbers */
void core_accounts(void *core);	  /* users and groups that were asked for are known */

/* ---- look.c: whose processes are measured: what rules read, and all while clients look ---- */
bool look_new(struct core *c); /* for new rules; false: out of memory */
void look_who(struct core *c, uint64_t token, bool read, bool act); /* a client is about to read */
void look_sample(struct core *c);				     /* one came */
bool look_needs_local(const struct core *c); /* some process is measured */
/* Status needs what is new at once: it keeps a history or a record of measurements, or clients
 * look or wait. Else it gets all when somebody comes (look_who). */
bool look_any(const struct core *c);
bool look_measures(const struct core *c, uint32_t service); /* its process is measured */
void look_end(struct core *c);

/* ---- outbox.c: newest states to helpers ---- */
bool outbox_new(struct core *c); /* for new rules; false: out of memory */
void outbox_free(struct core *c);
void ids_add(struct ids *s, uint32_t id); /* once, at the end; it goes with the next flush */
void outbox_all(struct core *c, enum role role); /* it knows nothing: everything again */
/* Sends what has room: traffic first. What has none goes when the channel is writable. */
void outbox_flush(struct core *c);

/* ---- trace.c: how what thresholds look at went, for charts ---- */
bool traces_new(struct core *c); /* of its rules */
void traces_free(struct core *c);
void traces_result(struct core *c, const struct msg_result *m);
void traces_sample(struct core *c, const struct msg_sample *m);
void traces_told(struct core *c, const struct journal_line *line); /* before alerts reads it */

/* ---- inbox.c ---- */
/* False: the peer is to be dropped; why says the reason. */
bool inbox_packet(struct helper_slot *h, struct msg_packet *p, char why[MSG_TEXT]);

/* ---- open.c ---- */
/* Opens what it asks for, if its role may have it, and answers in any case. */
void open_for(struct helper_slot *h, const struct msg_open *o);
bool open_folder(const char *path, mode_t mode); /* mkdir -p; false: errno */
int open_file(const char *path);			/* a regular one; negative: -errno */
/* Of a Unix socket. False: the path is too long for one. */
bool open_address(const char *path, struct sockaddr_un *a);

/* ---- listener.c ---- */
/* Nothing lies at the Unix socket's path, or what may be removed: a socket or a link. */
bool listener_has_room(const char *path);
/* A copy, for status, of the Unix socket (0) or the TCP socket (1), which is opened at the first
 * call; negative: -errno. */
int listener_get(struct core *c, uint32_t which);
void listener_change(struct core *c); /* the TCP socket has another address, or none */
void listener_renew(struct core *c); /* the Unix socket, where somebody removed it */

/* ---- front.c: files and commands of traffic fronts, which routes may not touch itself ---- */
bool front_has_file(const struct route *r);
int front_file(const struct route *r); /* to read: the file, or a handle on the link; -errno */
/* No change of its file is under way, or was left half done by our death: then it is ended. */
bool front_is_settled(struct core *c, uint32_t route);
int front_get(struct core *c, uint32_t route, uint64_t token); /* its command's output; -errno */
/* ROUTE_WRITTEN follows, at once or when its commands have ended. */
void front_write(struct core *c, const struct msg_route_write *order);

/* ---- command.c ---- */
/* What the client behind this descriptor may do the kernel says, or its secret over TCP; it stays
 * the caller's. Both are answered, at once or at the outcome. */
void command_from(struct helper_slot *h, const struct msg_command *cmd, int client);
void who_from(struct helper_slot *h, const struct msg_who *who, int client);
/* token 0: nobody asked. event: of the journal, 0: none. */
void command_answer(struct core *c, uint64_t token, enum command_answer answer, uint64_t event,
		    const char *text);

/* ---- trial.c: tests of contacts ---- */
void trial_begin(struct core *c, uint64_t token, uint32_t contact);
void trial_done(struct core *c, const struct msg_test_done *m); /* its text is clean */
void trials_lost(struct core *c); /* alerts is gone: who waits is answered */

/* ---- keep.c: holds and stops by command, for the next boot ---- */
void keep_write(struct core *c);
/* Before the journal is opened: up to which id an earlier life may have used them. */
uint64_t keep_open(struct core *c);
/* Behind each event: in time before the ids that were kept are used up. */
void keep_ids(struct core *c);
/* Tells the world what keep_open found, and the journal's last id. */
void keep_read(struct core *c);

#endif
