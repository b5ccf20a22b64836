/* test/system/mischief.h: HTTP and TLS servers that behave in many ways, each on a port of
 * its own, and what monitord has to think of each. */
#ifndef TEST_SYSTEM_MISCHIEF_H
#define TEST_SYSTEM_MISCHIEF_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

enum end {
	END_CLOSE,  /* closes behind the bytes */
	END_HOLD,   /* leaves the connection open */
	END_RESET,
	END_FLOOD,  /* the last 10 bytes again and again */
	END_DRIP,   /* the bytes one by one, 50 ms apart, then closes */
	END_SLOW,   /* 300 ms before the bytes, then closes */
	END_AT_ONCE /* the bytes before any request, then as END_HOLD */
};

enum secure {
	PLAIN,
	TLS_RIGHT,
	TLS_EXPIRED,
	TLS_FUTURE,
	TLS_OTHER_NAME,
	TLS_SELF_SIGNED,
	TLS_STRANGER,  /* by an authority that nobody trusts */
	TLS_SOON,      /* expires in ten days */
	TLS_HUGE,      /* sends a chain of 200 KB */
	TLS_OLD,       /* nothing newer than 1.1 */
	TLS_ASKS,      /* wants a client's certificate */
	TLS_H2,        /* nothing but HTTP/2 */
	TLS_AGAIN,     /* renegotiates before it answers */
	TLS_CUT,       /* ends without a TLS close */
	TLS_START,     /* 220, STARTTLS, 220, TLS, then the bytes */
	TLS_INJECT,    /* the same, with a line more behind the second 220 */
	SECURES
};

struct manner {
	const char *name;
	const char *bytes; /* NULL: nobody listens */
	size_t size;
	enum end end;
	enum secure secure;
	const char *kind;  /* the check's key; NULL: http, or https where it is secure */
	const char *lines; /* of its section */
	const char *state; /* up, down, degraded */
	const char *why;   /* words of its reason */
};
extern const struct manner manners[];
extern const size_t manner_count;

/* Makes authorities and certificates, writes those that a client needs into dir. */
void certificates_make(const char *dir);
SSL_CTX *certificates_context(enum secure secure);

#endif
