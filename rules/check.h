/* rules/check.h: [check]: what is measured, and what is right. */
#ifndef RULES_CHECK_H
#define RULES_CHECK_H

#include "rules/common.h"

enum check_kind {
	CHECK_HTTP, CHECK_HTTPS, CHECK_TLS, CHECK_TCP, CHECK_AJP, CHECK_UNIX, CHECK_SCRIPT,
	CHECK_FILE, CHECK_DIRECTORY, CHECK_FIFO, CHECK_FILESYSTEM, CHECK_SYSTEM, CHECK_NETWORK,
	CHECK_LISTEN, CHECK_LOG, CHECK_JRMP, CHECK_VARNISH, CHECK_HAPROXY,
	CHECK_PGSQL, CHECK_MYSQL, CHECK_REDIS, CHECK_MEMCACHED, CHECK_SMTP, CHECK_LMTP,
	CHECK_IMAP, CHECK_POP3, CHECK_FTP, CHECK_SSH, CHECK_LDAP, CHECK_MQTT, CHECK_WEBSOCKET,
	CHECK_FASTCGI, CHECK_ORACLE, CHECK_APACHE, CHECK_TOMCAT, CHECK_DNS, CHECK_NTP, CHECK_UDP,
	CHECK_PING, CHECK_GRPC, CHECK_KINDS
};
extern const char *const check_kind_name[CHECK_KINDS];
struct check;
struct expect;
/* Its send and expect = body are a dialogue, held in turn. */
bool check_can_talk(const struct check *c);
/* Its host as Host: says it; returns the length. */
size_t check_host(const struct check *c, char *out, size_t cap);
bool check_is_http(const struct check *c); /* http, https, or what speaks them */
#define LABELS_MAX 10
/* How many values a result of it may hold: what its kind measures, up to MSG_VALUES. */
uint32_t check_values_most(const struct check *c);
/* A script's label, where that is what the metric is. */
const char *check_metric_name(const struct check *c, enum metric m);
bool check_is_unix(const struct check *c); /* it talks through the Unix socket at its path */
const struct expect *check_warns(const struct check *c); /* warn_count of them */

/* Files that monitord opens for probes: OPEN_CHECK_SECRET + this (base/msg.h). */
enum check_file { FILE_SECRET, FILE_CA, FILE_CERT, FILE_KEY, FILE_BODY, CHECK_FILES };

enum encrypt { ENCRYPT_NO, ENCRYPT_TLS /* from the first byte */, ENCRYPT_STARTTLS, ENCRYPTS };
#define REDIRECTS_MAX 10
struct http_wish { /* of an http check, what seldom stands there */
	const char *body; /* to be sent; NULL: none, or a file's */
	uint32_t body_size;
	const char *auth_user; /* basic; its password is FILE_SECRET */
	bool bearer;	       /* FILE_SECRET is a token */
	unsigned redirects;    /* so many are followed */
};

#define PING_COUNT_MOST 20
#define PING_LEAST 16 /* bytes: a number that does not repeat, and a time */
#define PING_MOST 1472
struct query_wish { /* what some protocols ask for */
	const char *database;
	const char *sql; /* NULL: what its kind asks by itself */
	const char *name; /* dns */
	uint16_t type;	  /* dns: as RFC 1035 numbers them */
	uint32_t count;	  /* ping: packets */
	uint32_t packet_size; /* ping: bytes in each */
	bool server_key; /* mysql: FILE_CA is the server's public key */
};

struct tls_wish { /* what TLS of a check is to be like */
	enum encrypt encrypt;
	bool unverified;   /* tls-verify = no */
	const char *name;  /* for SNI and the certificate; NULL: the host's */
	const char *alpn;  /* protocols, each behind its length; NULL: none */
	uint32_t alpn_size;
	unsigned least; /* 10 to 13 for 1.0 to 1.3 */
};

enum expect_kind {
	EXPECT_STATUS, EXPECT_HEADER, EXPECT_BODY, EXPECT_METRIC,
	EXPECT_TARGET,	 /* target = PATH: where a symbolic link leads */
	/* of the body as well: */
	EXPECT_CONTAINS, /* body contains TEXT */
	EXPECT_SHA256,	 /* sha256 = HEX */
	EXPECT_JSON	 /* json /POINTER … (RFC 6901) */
};
bool expect_of_body(const struct expect *x); /* it looks at the body's text */
enum compare {
	COMPARE_LT, COMPARE_LE, COMPARE_GT, COMPARE_GE, COMPARE_EQ, COMPARE_NE, COMPARE_MATCH,
	COMPARE_NOT_MATCH, COMPARE_PRESENT, COMPARES
};
extern const char *const compare_name[COMPARES];

/* One test of `expect` (must hold) or `warn` (must not hold). */
struct expect {
	enum expect_kind kind;
	enum compare compare;
	const char *header; /* EXPECT_HEADER: lower case; EXPECT_JSON: the pointer */
	const char *text;   /* regex or string; EXPECT_SHA256: hex in lower case */
	uint32_t turn;	    /* EXPECT_BODY of a dialogue: how many sends stand before it */
	enum metric metric; /* EXPECT_METRIC */
	double value;	    /* bytes of the body (< >), or of the metric */
	uint64_t *statuses; /* EXPECT_STATUS: bit set of 0…1023 (16 words) */
};

/* Bytes that a dialogue says; NULs may stand among them. */
struct say {
	const char *bytes;
	uint32_t size;
	bool tls; /* "{tls}": here the handshake is made */
};
#define SAYS_MAX 16

/* Of a check, what seldom stands there; what has none of it shares check_nothing. */
struct check_more {
	const char *method;	  /* http: NULL: GET */
	const char *host_header;  /* http: NULL: the host, and the port unless it is usual */
	struct text_list headers; /* "Name: value" to send */
	/* a dialogue: */
	struct say *says;
	uint32_t say_count;
	const char *match;	  /* log: a regex */
	struct http_wish *http;	  /* NULL: none of its keys stands there */
	struct query_wish *query; /* NULL: none of its keys stands there */
	struct tls_wish *tls;	  /* NULL: no key of it stands there */
	const char **files;	  /* by enum check_file, NULL: none at all */
	/* script: */
	struct command script;
	const char **labels; /* LABELS_MAX of performance data, NULL: fewer; NULL: none */
	const char *user;
	struct during during;
	struct alerts_to alert;
	struct id_list routes;	 /* that have it as the check of a backend */
	struct id_list verifies; /* routes whose switches it proves */
};
extern const struct check_more check_nothing;

/* There may be ten thousand, in three processes: each byte counts. */
struct check {
	const char *name;
	const struct check_more *more; /* never NULL */
	const char *host;	 /* literal address or name; IPv6 without brackets */
	const char *target;	 /* path and query */
	const char *path; /* unix, file, directory, fifo, filesystem, log; network: the link's name */
	struct expect *expects; /* behind them those of warn: check_warns() */
	int64_t down_ms; /* or failing this long without a break; 0: by count */
	int64_t up_ms;
	uint32_t id;
	uint32_t of;   /* service, or RULES_NONE */
	uint32_t rule; /* the rule made of its `do`, or RULES_NONE */
	uint32_t line; /* where it begins in its file: check_place() */
	int32_t every_ms, timeout_ms, connect_timeout_ms, fast_ms; /* up to a day */
	uint16_t port;
	uint16_t file;
	uint16_t expect_count, warn_count;
	uint8_t down_need, down_of; /* failing need of the last of */
	uint8_t up_need;
	uint8_t kind;	  /* enum check_kind */
	uint8_t severity; /* enum severity, of its being down */
	bool https;	  /* its URL says so */
	bool down_set, up_set; /* the keys stood there */
	bool is_needed; /* a service depends on it */
};

#endif
