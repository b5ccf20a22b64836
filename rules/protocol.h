/* rules/protocol.h: the protocols that network checks speak: how each is addressed and
 * which keys it takes. */
#ifndef RULES_PROTOCOL_H
#define RULES_PROTOCOL_H

#include "rules/build.h"

enum protocol_takes {
	TAKES_PATH = 1,	      /* HOST:PORT/PATH */
	TAKES_SOCKET = 2,     /* a Unix socket: SOCKET, or SOCKET:/PATH */
	TAKES_SECRET = 16,    /* secret-file */
	TAKES_URL = 512,      /* http://HOST[:PORT]/PATH */
	TAKES_STATUS = 1024,  /* its answers have an HTTP status */
	TAKES_TEXT = 2048,    /* its answers have a body for `expect = body` */
	TAKES_NO_PORT = 4096, /* HOST */
	TAKES_WORD = 8192     /* a word behind the address: its target */
};

struct protocol {
	uint16_t port; /* where none is named; 0: it must be */
	unsigned takes; /* enum protocol_takes */
};
extern const struct protocol protocol_table[CHECK_KINDS];

/* The address of a check of that table, and what it lacks or has too much. */
void protocol_address(struct build *b, struct check *c, const char *value);
void protocol_prove(struct build *b, const struct check *c);
/* It is one of the table. */
bool protocol_is(enum check_kind kind);
/* http://HOST[:PORT]/PATH (rules/check.c) */
void http_address(struct build *b, struct check *c, const char *url);


#endif
