/* status/import.h: monitorctl import: a Monit control file becomes a rule file. What has
 * no counterpart is listed, in a comment where it stood and in a report; nothing is left
 * out in silence. */
#ifndef STATUS_IMPORT_H
#define STATUS_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Text as read from the file; report gets FILE:LINE: lines. Returns how many statements
 * have no counterpart; -1: out of memory. */
int import_monitrc(const char *file, const char *text, FILE *rules, FILE *report);

/* ---- inside ---- */

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
#define IMPORT_TEST_TOKENS 96

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
	char depends[600], alerts[400]; /* keys that stand once */
};

struct import {
	const char *file, *text;
	struct token *tokens;
	size_t at;
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

/* What has no counterpart: tokens from begin to the present one. */
void import_lose(struct import *m, size_t begin, const char *why);
/* A name that monitord takes and nobody has yet. */
void import_name(struct import *m, const char *wanted, char out[IMPORT_NAME]);
bool token_is(const struct token *t, const char *word); /* whatever its case */
/* A command line as monitord splits it: words with white space in double quotes. False:
 * it cannot be said so. */
bool import_command(const char *monit, char *out, size_t cap);
const char *import_contact(struct import *m, const char *address);
double import_seconds(const struct import *m, double cycles);

void import_never_restart(struct import *m);
/* The action can be carried out on what the section is; else it is listed as lost. */
bool import_can(struct import *m, const char *action, size_t begin);

/* status/import_test.c: an if-statement whose "if" was read; m->at is behind it. */
void import_if(struct import *m);

/* status/import_port.c: a test of a port or socket; the tokens of the condition. */
struct outcome_text {
	char window[48];  /* "down = 3" or "" */
	char action[512]; /* "restart", "run /x", "" for alert */
};
void import_port(struct import *m, const struct token *const *c, size_t count,
		 const struct outcome_text *o, size_t begin);

#endif
