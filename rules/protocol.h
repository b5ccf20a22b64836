/* rules/protocol.h: the protocols that network checks speak: how each is addressed and
 * which keys it takes. */
#ifndef RULES_PROTOCOL_H
#define RULES_PROTOCOL_H

#include "rules/build.h"

enum protocol_takes {
	TAKES_PATH = 1 << 0,	 /* HOST:PORT/PATH */
	TAKES_SOCKET = 1 << 1,	 /* a Unix socket: SOCKET, or SOCKET:/PATH */
	TAKES_WORD = 1 << 2,	 /* a word behind the address: its target */
	TAKES_TLS = 1 << 3,	 /* encrypt = tls */
	TAKES_STARTTLS = 1 << 4, /* encrypt = starttls */
	TAKES_SECRET = 1 << 5,	 /* secret-file */
	TAKES_LOGIN = 1 << 6,	 /* auth-user, auth-password-file */
	TAKES_DATABASE = 1 << 7, /* database */
	TAKES_QUERY = 1 << 8,	 /* query */
	TAKES_HEADER = 1 << 9,	 /* header */
	TAKES_STATUS = 1 << 10,	 /* its answers have an HTTP status */
	TAKES_TEXT = 1 << 11,	 /* its answers have a body for `expect = body` */
	TAKES_NAME = 1 << 12,	 /* query-name, query-type */
	TAKES_NO_PORT = 1 << 13, /* HOST; count, packet-size */
	IS_PROTOCOL = 1 << 14
};

struct dns_type {
	const char *name; /* NULL: the end */
	uint16_t number;
};
extern const struct dns_type dns_types[];

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

#endif
