/* probes/bytes.h: the bytes of binary protocols, most significant first: written into a
 * buffer of fixed size, and read. */
#ifndef PROBES_BYTES_H
#define PROBES_BYTES_H

#include "probes/kind.h"

struct bytes {
	char *at;
	size_t size, cap;
	bool full; /* something did not fit: what is there is of no use */
};

void bytes_add(struct bytes *b, const void *data, size_t size);
void bytes_text(struct bytes *b, const char *text);
void bytes_number(struct bytes *b, uint64_t n, unsigned size); /* of 1 to 8 bytes */
void
bytes_little(struct bytes *b, uint64_t n, unsigned size); /* least significant first */
/* What ask returns: 0 when something did not fit. */
size_t bytes_asked(const struct bytes *b);

uint64_t bytes_read(const char *at, unsigned size);
uint64_t bytes_read_little(const char *at, unsigned size);

/* The password or secret of a check, without the line's end that a file often has; size 0
 * if it has none. */
struct blob bytes_secret(const struct blob *files);
/* auth-user; NULL: none. */
const char *bytes_user(const struct plan *p);

/* A number behind a name in lines of "name:value" or "name value"; NaN: no such line. */
double bytes_line_number(const char *text, size_t size, const char *name, char behind);

#endif
