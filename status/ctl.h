/* status/ctl.h: monitorctl, the client of the status socket: its parts and exit codes. */
#ifndef STATUS_CTL_H
#define STATUS_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum ctl_exit {
	CTL_DONE = 0,
	CTL_NO_DAEMON = 1,
	CTL_WRONG_USE = 2,
	CTL_NOT_REACHED = 3, /* status: something is not up */
	CTL_NO_SUCH_NAME = 4,
	CTL_NOT_ALLOWED = 5
};

struct ctl {
	const char *word; /* the command's */
	const char *socket;
	bool json, watch, follow, no_wait, all;
	bool quiet; /* a lost connection is tried again: nothing is printed */
	const char *since;
	const char *until, *month;
	const char *span; /* --for: of a hold or a silence, or NULL */
	const char *why;  /* --why, --reason: of an ack or a silence, or NULL */
	const char *who;  /* --who */
	char **names; /* what follows the command's word */
	int count;
};

/* ---- status/ctl_http.c ---- */

struct answer {
	long code;   /* HTTP's */
	char *bytes; /* NUL-ended */
	size_t size;
};

/* One request; body NULL: GET, else POST with it ("" for none). False: no answer came,
 * and the reason was printed. The answer is freed by answer_free. */
bool
http_ask(const struct ctl *ctl, const char *path, const char *body, struct answer *a);
void answer_free(struct answer *a);
/* GET path, line by line to fn until it ends or fn returns false. Negative: no answer;
 * else HTTP's code. */
long http_lines(const struct ctl *ctl, const char *path,
		bool (*fn)(void *arg, const char *line, size_t size), void *arg);
/* The exit code of an answer; what went wrong is printed. */
enum ctl_exit answer_exit(const struct answer *a, const char *what);
/* GET path as JSON; NULL: printed, *code says how to end. */
json_t *http_json(const struct ctl *ctl, const char *path, enum ctl_exit *code);

/* ---- status/ctl_text.c: for people ---- */

enum tone { TONE_PLAIN, TONE_GOOD, TONE_WARN, TONE_BAD, TONE_DIM, TONES };
/* Escape sequences, or "" where colours are not wanted. */
const char *tone_on(enum tone tone);
const char *tone_off(void);
enum tone state_tone(const char *state);
const char *text_of(const json_t *object, const char *key); /* "" when missing */
double number_of(const json_t *object, const char *key);    /* NaN when missing */
/* Milliseconds since 1970 of an RFC 3339 time; -1: it is none. */
int64_t time_of(const char *text);
char *
local_time(const char *rfc3339, char *out, size_t cap); /* "2026-11-24 12:00:00.123" */
char *ago(const char *rfc3339, char *out, size_t cap);  /* "3 min 20 s" */
/* One line about what the object does; cap >= 200. */
char *detail_of(const char *kind, const json_t *object, char *out, size_t cap);

json_t *everything(const json_t *status); /* find_objects of all there is */
void print_json(const json_t *value); /* on one line */

/* One line of JSON: what was asked of what, and what the daemon said. */
void print_answer(const struct answer *a, const char *name, const char *verb);

/* A name goes into a path: only what a name is made of may stand in it. */
bool is_name(const char *name);
bool is_name_bytes(const char *text);
enum ctl_exit no_name(const char *verb, const char *name);

struct text; /* base/text.h */
/* status/ctl_graph.c: "&KEY=TIME" as the daemon takes it: durations as they are, RFC 3339 as
 * Unix seconds; nothing for NULL. False: it is neither, printed. */
bool add_time(struct text *path, const char *key, const char *value);

/* ---- the document of GET /v1/status ---- */

#define CTL_KINDS 4
extern const char *const ctl_kind[CTL_KINDS]; /* service check route rule */
extern const char *const ctl_list[CTL_KINDS]; /* services checks routes rules */
/* NULL: no chain has this name. */
const json_t *find_chain(const json_t *status, const char *name);
/* The object of that name, and its kind; NULL: none, printed with the nearest name. */
json_t *find_object(const json_t *status, const char *name, const char **kind);
/* The same, and nothing is printed. */
json_t *find_quietly(const json_t *status, const char *name, const char **kind);
/* All objects that a name stands for: its own, a family's or a chain's, "all" services;
 * in starting order. An array to be freed of {"kind","object"}. NULL: none, printed. */
json_t *find_objects(const json_t *status, const char *name);

/* ---- status/ctl_why.c ---- */
/* Why nothing is done about an object, and who is not told, a line each. */
void print_why_not(FILE *out, const json_t *status, const json_t *events, const char *kind,
		   const json_t *o);

/* ---- the commands ---- */

enum ctl_exit ctl_status(struct ctl *ctl);
enum ctl_exit ctl_services(struct ctl *ctl, const char *verb);
enum ctl_exit ctl_route(struct ctl *ctl, const char *verb);
enum ctl_exit ctl_reload(struct ctl *ctl);
enum ctl_exit ctl_test(struct ctl *ctl);
enum ctl_exit ctl_check(struct ctl *ctl); /* FILE NAME */
enum ctl_exit ctl_events(struct ctl *ctl);
enum ctl_exit ctl_incidents(struct ctl *ctl);
enum ctl_exit ctl_ack(struct ctl *ctl);
enum ctl_exit ctl_silence(struct ctl *ctl);
enum ctl_exit ctl_unsilence(struct ctl *ctl);
enum ctl_exit ctl_explain(struct ctl *ctl);
void print_chain(const struct ctl *ctl, const json_t *status, const json_t *chain);
enum ctl_exit ctl_import(struct ctl *ctl);
enum ctl_exit ctl_top(struct ctl *ctl);
enum ctl_exit ctl_replay(struct ctl *ctl);
enum ctl_exit ctl_graph(struct ctl *ctl);
enum ctl_exit ctl_availability(struct ctl *ctl);

#endif
