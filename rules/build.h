/* rules/build.h: inside the parser: raw sections and the rules that are being built. */
#ifndef RULES_BUILD_H
#define RULES_BUILD_H

#include "base/arena.h"
#include "rules/parse.h"
#include "rules/rules.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_MAX_BYTES 8192
#define PROBLEMS_MAX 1000

struct entry { /* KEY = VALUE */
	const char *key;
	const char *value; /* comment and outer blanks removed, continuations joined */
	struct place place;
};

struct section { /* [KIND NAME] as it stands in a file */
	enum object_kind kind;
	const char *name;
	struct place place;
	struct entry *entries;
	size_t count, cap;
	bool expanded;	    /* made once for each instance of family_first.. */
	uint32_t first, last; /* instances, 0 without */
	uint32_t id;	    /* of the first object made of it */
	bool torn;	    /* a line of it could not be read, and was told of */
};

struct name_row {
	const char *name;
	enum object_kind kind;
	uint32_t id; /* of the object; of the section for a family */
	bool family;
};

struct build {
	struct rules *rules;
	struct arena *arena;
	struct problems *problems;
	struct section *sections;
	size_t section_count, section_cap;
	struct name_row *names; /* hash table */
	size_t name_cap, name_used;
	struct series *series;
	uint32_t series_count, series_cap;
	const char **texts; /* hash table of build_same() */
	size_t text_cap, text_used;
	bool out_of_memory;
	struct growing { /* the list that was added to last */
		void *list;
		uint32_t count, cap;
	} growing;
	/* while one object is being parsed: */
	const struct entry *entry;
	uint32_t instance; /* 0: none */
};

struct id_range {
	uint32_t first, count;
};

/* Appends a problem; past PROBLEMS_MAX only counts. */
void build_error(struct build *b, struct place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void build_warning(struct build *b, struct place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* From the arena, zeroed; on failure notes out_of_memory and returns a static spare that may
 * be written (size up to a page), so that callers need no check of their own. */
void *build_get(struct build *b, size_t size);
char *build_text(struct build *b, const char *text, size_t length);
/* The same text has one copy, however often it stands there: it is never changed. */
const char *build_same(struct build *b, const char *text, size_t length);

/* ---- reader.c: text -> sections ---- */
void build_read(struct build *b, const struct source *source);

/* ---- naming.c ---- */
/* Names the objects of all sections, a family once for each instance, and counts them by kind:
 * their ids stand in order, from the id of their section. */
void build_names(struct build *b, uint32_t count[OBJECT_KINDS + 1]);
const struct entry *build_entry(const struct section *s, const char *key); /* the first; or NULL */

/* ---- build.c: names ---- */
bool build_register(struct build *b, const char *name, enum object_kind kind, uint32_t id,
		    bool family);
const struct name_row *build_lookup(const struct build *b, const char *name, enum object_kind kind);
/* The id of that name, in the entry's instance for a family; RULES_NONE after an error
 * that names the nearest. */
uint32_t build_resolve(struct build *b, const char *name, enum object_kind kind);
/* The ids of that name, which stand behind one another: of one object, or of a family. None
 * after an error. */
struct id_range build_resolve_all(struct build *b, const char *name, enum object_kind kind);
/* " (did you mean 'x'?)" or "". */
const char *build_nearest(const struct build *b, const char *name, enum object_kind kind, char *out,
			  size_t cap);

/* The section at this place holds one of these keys ("run, pidfile"), or a line that cannot
 * be read or has a key that is none: what is missing in it was told of already. */
bool build_told(const struct build *b, struct place place, const char *keys);
/* How many of these keys it holds. */
unsigned build_holds(const struct build *b, struct place place, const char *keys);

/* ---- lex.c ---- */
/* The next word of *p: up to blank or one of stops; in double quotes anything, \" a quote.
 * False: none left. *quoted says that it stood in quotes. Longer than cap is an error. */
bool lex_word(struct build *b, const char **p, const char *stops, char *out, size_t cap,
	      bool *quoted);
/* The same, up to a blank. */
bool lex_next(struct build *b, const char **p, char *out, size_t cap);
void lex_skip(const char **p); /* blanks */
/* False, and tells, if anything stands there still. */
bool lex_end(struct build *b, const char *p);
/* Calls each item of a comma list, trimmed, quotes kept. False: an empty item (told). */
bool lex_list(struct build *b, const char *value,
	      void (*item)(struct build *b, void *arg, const char *text), void *arg);

/* ---- parsers of values; all speak of b->entry ---- */
struct command build_command(struct build *b, const char *value);
void build_alerts(struct build *b, const char *value, struct alerts_to *out);
/* "N in T", as 3 in 10m. False: it is none, and told. */
bool build_times(struct build *b, const char **p, uint32_t *count, int64_t *ms);
void build_condition(struct build *b, const char *value, struct condition *out);
/* "restart tomcat, alert ops"; own: the service that a bare verb means, or RULES_NONE. */
void build_actions(struct build *b, const char *value, uint32_t own, const struct action **out,
		   uint32_t *count);
void build_expects(struct build *b, const char *value, struct check *c, bool warn);
bool build_address(struct build *b, const char *value, const char **host, uint16_t *port);
/* Its own, made at first. */
struct check_more *build_more(struct build *b, struct check *c);
struct http_wish *build_http(struct build *b, struct check *c); /* its own, made at first */
/* Text with \r \n \t \\ and \xHH; whole quotes go. NULL: told. */
char *build_escaped(struct build *b, const char *text, uint32_t *size);
struct query_wish *build_query(struct build *b, struct check *c); /* its own, made at first */
struct tls_wish *build_tls(struct build *b); /* with the defaults */
/* The metric that a label of a script's performance data has in this check; METRICS_COUNT:
 * none, and told. */
bool build_is_label(const struct check *c, enum metric found);
enum metric build_label(struct build *b, struct check *c, const char *name);
bool build_regex(struct build *b, const char *regex);
void build_prove(struct build *b); /* prove.c */
void build_contacts(struct build *b); /* contact.c: what their keys mean together */
void driver_prove(struct build *b, const struct route *r); /* driver.c */
int build_signal(const char *name); /* "TERM" or "SIGTERM"; 0: none */

/* Room for one more behind the list, where it is; NULL: out of memory. Nobody else may have
 * that room: a list of many takes twice the room each time, one that another has a copy of a
 * new one. */
void *build_grow(struct build *b, const void *list, uint32_t count, size_t size);
/* Adds a text that lives as long as the rules. */
void build_add_text(struct build *b, struct text_list *list, const char *text);

/* Adds an id that is not there yet. */
void build_append(struct build *b, struct id_list *list, uint32_t id);

/* A systemd unit is started, stopped and reloaded by systemctl, unless its section says else. */
void unit_defaults(struct build *b, struct service *s);

#endif
