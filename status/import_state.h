/* status/import_state.h: a Monit control file on its way to rules; for the parts of the
 * import only. import.c reads statement by statement; what begins with a word is done by
 * the part of that name, which finds m->at behind the word. */
#ifndef STATUS_IMPORT_STATE_H
#define STATUS_IMPORT_STATE_H

#include "status/import.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum token_kind { TOKEN_WORD, TOKEN_STRING, TOKEN_SIGN, TOKEN_END };

struct token {
	enum token_kind kind;
	char *text; /* of a string without its quotes */
	unsigned line;
	size_t from, to; /* where it stands in the text */
};

/* The list ends with TOKEN_END; NULL: out of memory. */
struct token *import_tokens(const char *text);
void import_tokens_free(struct token *tokens);

#define IMPORT_NAME 65
#define IMPORT_BASE (IMPORT_NAME - 8) /* room for the number that tells two apart */

/* The section that is being written: its keys, and the sections that follow from it. */
struct section {
	char kind[12], name[IMPORT_NAME];
	FILE *keys, *more;
	char *keys_text, *more_text;
	size_t keys_size, more_size;
	char host[256];                 /* of check host */
	char type[16];                  /* Monit's: process, file, host … */
	unsigned every;                 /* cycles */
	bool has_start;                 /* a process that can be started */
	bool never;                     /* restart = never stands there */
	bool windowed;                  /* and down = */
	char depends[600], groups[600], alerts[400]; /* keys that stand once */
};

struct import {
	const char *file, *text; /* those that are read now */
	struct token *tokens;
	size_t at;
	import_read *read;
	unsigned depth; /* of includes */
	FILE *report;
	FILE *settings, *contacts;
	double cycle_s;
	int lost;
	bool mail;                            /* somebody is told */
	bool smtp, every, http, from, remind; /* these keys stand there */
	char alerts[600];
	struct section *section;       /* NULL: outside */
	char names[2048][IMPORT_NAME]; /* that are taken */
	unsigned name_count;
	char contact[64][2][128]; /* address and name */
	unsigned contact_count;
	char group[32][IMPORT_NAME];
};

/* ---- import_lex.c ---- */
bool token_is(const struct token *t, const char *word); /* whatever its case */
const struct token *import_now(const struct import *m);
/* Past the word, if it is the present one. */
bool import_accept(struct import *m, const char *word);
void import_skip_noise(struct import *m); /* words that mean nothing: "with", "is" */
/* Past noise and the token behind it; "": the end. */
const char *import_value(struct import *m);
bool import_begins(const struct token *t); /* a statement; the end counts as one */
/* Past braces and what is left of a statement. */
void import_skip(struct import *m);

/* ---- import_write.c ---- */
/* What has no counterpart: tokens from begin to the present one, on one line, for the
 * report and for the comment. */
void import_lose(struct import *m, size_t begin, const char *why);
/* Made of what monitord's names are made of. */
void import_clean_name(const char *wanted, char base[IMPORT_BASE]);
/* A name that monitord takes and nobody has yet. */
void import_name(struct import *m, const char *wanted, char out[IMPORT_NAME]);
/* A command line as monitord splits it: words with white space in double quotes. False:
 * it cannot be said so. */
bool import_command(const char *monit, char *out, size_t cap);
const char *import_contact(struct import *m, const char *address);
double import_seconds(const struct import *m, double cycles);

/* ---- import.c, import_include.c ---- */
void import_statements(struct import *m, FILE *rules); /* to the end of the text */
void import_include(struct import *m, FILE *rules);

/* ---- import_set.c ---- */
void import_set(struct import *m);

/* ---- import_section.c ---- */
void import_check(struct import *m);
void import_end_section(struct import *m, FILE *rules);

/* ---- import_statement.c ---- */
bool import_statement(struct import *m); /* false: it is none of a check */
void import_never_restart(struct import *m);

/* ---- import_if.c ---- */
void import_if(struct import *m);
bool import_is_process(const struct import *m);
/* The action can be carried out on what the section is; else it is listed as lost. */
bool import_can(struct import *m, const char *action, size_t begin);

/* ---- import_port.c: a test of a port or socket; the tokens of the condition ---- */
struct outcome_text {
	char window[48];  /* "down = 3" or "" */
	char action[512]; /* "restart", "run /x", "" for alert */
};
void import_port(struct import *m, const struct token *const *c, size_t count,
		 const struct outcome_text *o, size_t begin);

#endif
