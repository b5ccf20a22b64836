/* test/unit/alerts_server.h: the servers of alerts_server.py as a child of a test. */
#ifndef TEST_UNIT_ALERTS_SERVER_H
#define TEST_UNIT_ALERTS_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct servers {
	unsigned smtp, http, black; /* ports */
	int pid, hold;              /* they end when hold is closed */
	char folder[64];            /* a new one; the current directory from then on */
};

bool servers_possible(void); /* python3 and openssl are there */
/* False: they did not begin. tls: cert.pem and key.pem are made in the folder. */
bool servers_begin(struct servers *s, bool tls);
void servers_end(struct servers *s); /* and removes the folder */

/* The lines of a file in the folder, up to cap - 1 bytes; count: how many. */
unsigned servers_lines(const char *file, char *out, size_t cap);
/* Waits until it has so many lines. False: not within 30 s. */
bool servers_await(const char *file, unsigned lines, char *out, size_t cap);

#endif
