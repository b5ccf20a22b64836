/* probes/kind.h: a check kind is two pure functions: what to send, and what to think of
 * the answer. Connecting, deadlines and reporting exist once, in probes/stream.c. */
#ifndef PROBES_KIND_H
#define PROBES_KIND_H

#include "base/msg.h"
#include "probes/hop.h"
#include "probes/http.h"
#include "probes/plan.h"
#include "probes/tls.h"

/* JUDGE_NEXT: this step is done: its `used` bytes are taken away, and the next one asks.
 * JUDGE_ELSEWHERE: the next one asks over a new connection, a stream, to the reply's host
 * and port, for kinds that move; without a host, to the same.
 * JUDGE_STARTTLS: the same, and the peer has agreed to TLS: the engine makes the
 * handshake before the next step asks; a byte behind the `used` ones is a failure, as
 * anybody may have put it there. Only where check->tls->encrypt is ENCRYPT_STARTTLS; with
 * ENCRYPT_TLS the engine makes the handshake before the first step, and no kind sees
 * anything of it. */
/* JUDGE_REDIRECT: the exchange begins anew at reply.hop, within the same deadline. */
enum judgement {
	JUDGE_MORE,
	JUDGE_NEXT,
	JUDGE_ELSEWHERE,
	JUDGE_STARTTLS,
	JUDGE_REDIRECT,
	JUDGE_GOOD,
	JUDGE_BAD,
	JUDGES
};

/* A datagram that gets no right answer is sent again within the timeout, as one may be lost:
 * so often in all. */
#define ASKINGS_MOST 3

/* What has come so far. The judge may take bytes out behind those that it still needs. */
struct reply {
	char *bytes;
	size_t size;
	bool ended;    /* the peer closed its side: no more will come */
	unsigned step; /* how many were done before; a judge may skip some */
	size_t used;   /* for JUDGE_NEXT: so many bytes belong to this step */
	void *kept; /* of the kind, for the asks and judges behind; e.g. a server's salt
		     */
	const char *host; /* for JUDGE_ELSEWHERE; in what is kept */
	uint16_t port;
	uint64_t unique; /* as asked's, like these */
	int64_t now_ns;
	bool stream;
	const struct blob *files;
	/* when the last step was asked, of datagrams each time, and the same as the time of
	 * day */
	int64_t asked_ns[ASKINGS_MOST];
	int64_t real_ns, asked_real_ns[ASKINGS_MOST];
	const struct hop
		*hop;  /* where we are by redirect, NULL: at the check's address;
			* for JUDGE_REDIRECT: where to go, good until the next judge */
	unsigned hops; /* redirects so far */
	struct http http;
};

/* What a check measured, for expect, warn and the result's values. */
struct answer {
	const char *head; /* header lines as http_header() reads them, NULL: none */
	size_t head_size;
	const char *body; /* NULL: not kept */
	size_t body_size;
	const char *sha256;          /* of what was looked at; NULL: of the body */
	const char *target;          /* of a symbolic link; NULL: it is none */
	unsigned status;             /* 0: none */
	double value[METRICS_COUNT]; /* NaN: not measured */
	const char *const *active;   /* names that {active} stands for */
	size_t active_count;
	size_t known_count; /* of names in active, those of the other backends behind */
	bool in_turn;       /* the tests of the body held, each in its turn */
};

#define ASK_NOTHING SIZE_MAX /* the peer speaks, or has been asked enough */

struct asked {
	const struct plan *plan;
	uint64_t unique; /* {unique}: never the same twice */
	unsigned step;
	const void *kept; /* of the reply */
	int64_t now_ns;
	bool stream; /* false: each recv() was a datagram */
	int family;  /* AF_INET, AF_INET6 or AF_UNIX */
	unsigned again; /* so many times was this step's datagram sent before */
	/* Contents of check->files, by enum check_file, read anew once a minute; NULL:
	 * the check has none. FILE_SECRET is a password or token as it stands in its
	 * file. */
	const struct blob *files;
	const struct hop *hop; /* as in reply */
};

struct kind {
	/* Writes the request of a step; 0: there is no room for it, and the measurement
	 * is unknown. The same asked gives the same bytes. */
	size_t (*ask)(const struct asked *a, char *buf, size_t cap);
	/* NULL: a connection, or a TLS handshake, is all that is wanted. why: for
	 * JUDGE_BAD, cleaned. Values that it writes into answer go to monitord. */
	enum judgement (*judge)(const struct plan *p, struct reply *r, struct answer *a,
				char why[MSG_TEXT]);
	const char *wanted; /* what did not come in time, for people */
	size_t most;    /* bytes that a step's answer may have; 0: its judge has limits */
	size_t kept;    /* bytes that ask and judge share, zero when an exchange begins */
	bool moves;     /* JUDGE_ELSEWHERE may come */
	bool h2; /* what is asked and judged is HTTP/1.1, but HTTP/2 is spoken always */
	bool datagrams; /* UDP or ICMP; a judge that waits on takes away what is of no use
			 */
	/* How many steps are asked at once; NULL: one. At the deadline the judge hears
	 * that it has ended, as some answers may do. */
	unsigned (*packets)(const struct plan *p);
	bool announces; /* behind JUDGE_STARTTLS one step asks in clear before the
			   handshake */
};
extern const struct kind kind_table[CHECK_KINDS];

#define KIND(name)                                                                       \
	size_t name##_ask(const struct asked *a, char *buf, size_t cap);                 \
	enum judgement name##_judge(const struct plan *p, struct reply *r,               \
				    struct answer *a, char why[MSG_TEXT]);
KIND(http)
KIND(ajp)
KIND(jrmp)
KIND(varnish)
KIND(haproxy)
KIND(apache)
KIND(tomcat)
KIND(pgsql)
KIND(mysql)
KIND(redis)
KIND(memcached)
KIND(lines)
KIND(ssh)
KIND(ldap)
KIND(mqtt)
KIND(websocket)
KIND(fastcgi)
KIND(oracle)
KIND(grpc)
KIND(dns)
KIND(ntp)
KIND(ping)
KIND(dialogue)
#undef KIND
unsigned ping_packets(const struct plan *p);

/* What they keep. */
#define JRMP_KEPT 288
#define VARNISH_KEPT 48
#define PGSQL_KEPT 512
#define MYSQL_KEPT 688
#define FASTCGI_KEPT 1040
#define DNS_KEPT 520
#define PING_KEPT 24

/* JUDGE_BAD, for this reason. */
enum judgement kind_wrong(char why[MSG_TEXT], const char *what);

#endif
