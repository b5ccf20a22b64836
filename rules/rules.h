/* rules/rules.h: what the rule files asked for: structs that never change once parsed.
 *
 * Everything lies in one arena and lives as long as the struct rules. Ids are indexes into
 * the arrays; the same text gives the same ids in every program. `instances` are already
 * expanded: tomcat-1, tomcat-2, …, with their own checks and rules.
 */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include "rules/metric.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULES_NONE UINT32_MAX /* an id that names nothing */
#define RULES_NAME_MAX 64
#define RULES_BACKENDS_MAX 64
#define RULES_CHECKS_MAX 256 /* of one service: what one event may lead to has a limit */
#define AT_MOST_MAX 63	     /* the core remembers one more crash than may be forgiven */
#define TIMES_IN_MAX 16	     /* firings for escalate, moves for flap that it remembers */

enum object_kind {
	OBJECT_MONITORD, OBJECT_SERVICE, OBJECT_CHECK, OBJECT_RULE, OBJECT_ROUTE, OBJECT_CHAIN,
	OBJECT_CONTACT, OBJECT_KINDS
};
extern const char *const object_kind_name[OBJECT_KINDS];

struct place { /* where a text stood, for messages */
	const char *file;
	unsigned line;
};

/* argv of a command line; argv[0] is absolute; argv[count] is NULL. count 0: none. */
struct command {
	uint32_t count;
	const char *const *argv;
};

struct id_list {
	uint32_t count;
	const uint32_t *ids;
};

struct text_list {
	uint32_t count;
	const char *const *texts;
};

/* "alert = ops, boss after 15m"; set: the key stood there (`none` gives set, count 0). */
struct alert_to {
	uint32_t contact;
	int64_t after_ms;
};
struct alerts_to {
	bool set;
	uint32_t count;
	const struct alert_to *to;
};

/* "remind = 1h, 4h, 24h": after so long, then every 24h; count 0: never. */
#define REMIND_MAX 8
struct remind {
	uint32_t count;
	int64_t ms[REMIND_MAX]; /* grows */
};

enum severity { SEVERITY_WARNING, SEVERITY_CRITICAL, SEVERITIES };
extern const char *const severity_name[SEVERITIES];
/* Times of a week, in minutes since Monday, 00:00; one that ends before it begins goes over
 * its end. None: always. */
struct week_span {
	uint16_t from, to;
};
struct during {
	uint32_t count;
	const struct week_span *spans;
};

/* "N in T"; count 0: no limit. */
struct at_most {
	uint32_t count; /* up to AT_MOST_MAX */
	int64_t within_ms;
};

#define READY_FD_LEAST 3
#define READY_FD_MOST 63
enum ready_kind { READY_DEFAULT, READY_CHECK, READY_NOTIFY, READY_FD, READY_AFTER, READY_EXEC };
struct ready {
	enum ready_kind kind;
	uint32_t check;	   /* READY_CHECK */
	int fd;		   /* READY_FD: READY_FD_LEAST to _MOST */
	int64_t within_ms; /* limit; READY_AFTER: the time itself */
};

struct stop_step {
	int signal;
	int64_t patience_ms; /* before the next step */
};
#define STOP_STEPS_MAX 8

/* What is gathered of a process before it is killed, and of its log after a crash. */
enum evidence_kind { EVIDENCE_SIGNAL, EVIDENCE_LOG, EVIDENCE_SOCKETS, EVIDENCE_THREADS, EVIDENCES };
struct evidence {
	enum evidence_kind kind;
	int signal;	   /* EVIDENCE_SIGNAL: its answer is what the log gains */
	int64_t within_ms; /* so long it has for that */
	const char *file;  /* EVIDENCE_LOG: NULL: the service's log */
	uint32_t count;	   /* lines; threads */
};
#define RULES_SYSTEMCTL "/bin/systemctl" /* of units: wherever /usr is merged and where not */
#define EVIDENCE_MAX 8
#define EVIDENCE_WITHIN_MS 3000 /* an answer's default */

struct limit {
	int resource; /* RLIMIT_… */
	uint64_t value; /* UINT64_MAX: unlimited */
};

enum on_boot { BOOT_START, BOOT_STAY, BOOT_LAST };
enum restart_policy { RESTART_ALWAYS, RESTART_FAILURE, RESTART_NEVER };

struct service {
	uint32_t id;
	const char *name;   /* "tomcat-2" */
	const char *family; /* "tomcat", or NULL without instances */
	uint32_t instance;  /* 1…, 0 without instances */
	struct place place;
	struct during during;

	struct command run;	    /* monitord runs it */
	const char *pidfile;	    /* or watches it by one of these */
	const char *match;
	const char *unit;
	struct command start, stop_command; /* of what is watched */
	bool stop_set;
	struct text_list groups; /* names for commands */
	struct command reload_command;
	int reload_signal; /* 0: none */

	const char *user, *group; /* NULL: monitord's own */
	const char *dir;
	struct text_list env; /* NAME=VALUE */
	const char *env_file; /* read at each start; NULL: none */
	int oom_score;
	bool oom_score_set;
	struct limit *limits;
	uint32_t limit_count;
	int umask; /* -1: not set */
	int nice;
	bool nice_set;

	struct ready ready;
	struct stop_step stop[STOP_STEPS_MAX];
	uint32_t stop_count;
	struct evidence *evidence; /* up to EVIDENCE_MAX */
	uint32_t evidence_count;
	enum restart_policy restart;
	enum on_boot on_boot;
	uint64_t success_mask[4]; /* exit codes that are no failure, bit code; default 0 */
	int64_t backoff_first_ms, backoff_last_ms;
	uint32_t at_most; /* 0: never gives up */
	int64_t at_most_ms;
	uint32_t keep; /* instances that stay up while one is restarted */
	bool keep_set; /* else all but the one */
	int64_t retry_ms; /* one try after so long in failed; 0: never */
	struct id_list depends_services, depends_checks;
	struct id_list after; /* services that it needs by a chain: its first start lets them go first */
	struct id_list checks; /* of it */
	const char *log;
	uint64_t log_size; /* rotate at; 0: never */
	uint32_t log_keep;
	uint64_t memory_max; /* 0: none */
	uint32_t cpu_max;    /* percent of one core, 0: none */
	uint32_t drain;	     /* route id or RULES_NONE */
	struct id_list routes; /* that have a backend whose check is of it */
	struct alerts_to alert;
	int64_t every_ms; /* how often its process is measured */
	uint64_t reads;	  /* bit set of metric_sample_slot(): what rules read of it */
};

enum check_kind {
	CHECK_HTTP, CHECK_HTTPS, CHECK_TLS, CHECK_TCP, CHECK_AJP, CHECK_UNIX, CHECK_SCRIPT,
	CHECK_FILE, CHECK_DIRECTORY, CHECK_FIFO, CHECK_FILESYSTEM, CHECK_SYSTEM, CHECK_NETWORK,
	CHECK_LISTEN, CHECK_LOG, CHECK_JRMP, CHECK_VARNISH, CHECK_HAPROXY,
	CHECK_PGSQL, CHECK_MYSQL, CHECK_REDIS, CHECK_MEMCACHED, CHECK_SMTP, CHECK_LMTP,
	CHECK_IMAP, CHECK_POP3, CHECK_FTP, CHECK_SSH, CHECK_LDAP, CHECK_MQTT, CHECK_WEBSOCKET,
	CHECK_FASTCGI, CHECK_ORACLE, CHECK_APACHE, CHECK_TOMCAT, CHECK_DNS, CHECK_NTP, CHECK_UDP,
	CHECK_PING, CHECK_KINDS
};
extern const char *const check_kind_name[CHECK_KINDS];
struct check;
/* Its send and expect = body are a dialogue, held in turn. */
bool check_can_talk(const struct check *c);
bool check_is_http(const struct check *c); /* http, https, or what speaks them */
#define LABELS_MAX 10
/* A script's label, where that is what the metric is. */
const char *check_metric_name(const struct check *c, enum metric m);
bool check_is_unix(const struct check *c); /* it talks through the Unix socket at its path */

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
};

struct tls_wish { /* what TLS of a check is to be like */
	enum encrypt encrypt;
	bool unverified;   /* tls-verify = no */
	const char *name;  /* for SNI and the certificate; NULL: the host's */
	const char *alpn;  /* protocols, each behind its length; NULL: none */
	uint32_t alpn_size;
	unsigned least; /* 10 to 13 for 1.0 to 1.3 */
};

struct expect;
enum expect_kind {
	EXPECT_STATUS, EXPECT_HEADER, EXPECT_BODY, EXPECT_METRIC,
	EXPECT_CONTAINS, /* body contains TEXT */
	EXPECT_SHA256,	 /* sha256 = HEX, of the body */
	EXPECT_JSON	 /* json /POINTER …, of the body (RFC 6901) */
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

struct check {
	uint32_t id;
	const char *name;
	struct place place;
	struct during during;
	enum check_kind kind;
	uint32_t of; /* service, or RULES_NONE */
	/* http: */
	const char *host;   /* literal address or name; IPv6 without brackets */
	bool https;	    /* its URL says so */
	uint16_t port;
	const char *target; /* path and query */
	const char *host_header;
	const char *method;
	struct text_list headers; /* "Name: value" to send */
	/* unix, file, directory, fifo, filesystem, log; network: the link's name: */
	const char *path;
	/* a dialogue: */
	struct say *says;
	uint32_t say_count;
	const char *match; /* log: a regex */
	struct http_wish *http; /* NULL: none of its keys stands there */
	struct query_wish *query; /* NULL: none of its keys stands there */
	struct tls_wish *tls; /* NULL: no key of it stands there */
	const char **files;   /* by enum check_file, NULL: none at all */
	/* script: */
	struct command script;
	const char **labels; /* LABELS_MAX of performance data, NULL: fewer; NULL: none */
	const char *user;

	struct expect *expects;
	uint32_t expect_count;
	struct expect *warns;
	uint32_t warn_count;

	int64_t every_ms, timeout_ms, connect_timeout_ms, fast_ms;
	uint32_t down_need, down_of; /* failing need of the last of */
	int64_t down_ms;	     /* or failing this long without a break; 0: by count */
	uint32_t up_need;
	int64_t up_ms;
	bool down_set, up_set; /* the keys stood there */
	struct alerts_to alert;
	enum severity severity; /* of its being down */
	uint32_t rule; /* the rule made of its `do`, or RULES_NONE */
	struct id_list routes;	 /* that have it as the check of a backend */
	struct id_list verifies; /* routes whose switches it proves */
};

/* Conditions: a postfix program over three-valued tests (rules/condition.h evaluates). */
enum op_kind { OP_TEST, OP_NOT, OP_AND, OP_OR, OP_GROUP /* a parenthesis, for its window */ };
enum window_kind { WINDOW_NONE, WINDOW_FOR, WINDOW_OF };
enum function {
	FUNCTION_NONE, FUNCTION_AVG, FUNCTION_MAX, FUNCTION_MIN, FUNCTION_P95, FUNCTION_P99,
	FUNCTION_RATE, FUNCTION_GROWTH, FUNCTION_CHANGED, FUNCTION_FORECAST, FUNCTIONS
};
extern const char *const function_name[FUNCTIONS];
struct op {
	enum op_kind kind;
	/* OP_TEST: */
	enum object_kind object;
	uint32_t id;
	enum metric metric;
	enum compare compare; /* COMPARE_PRESENT: a yes/no metric that stands alone */
	double value;
	const char *text;
	uint32_t states; /* of METRIC_STATE: a bit for each state that fits */
	enum function function; /* over time, of the metric: */
	uint32_t series;
	/* a window follows this test or the parenthesis that this op closes: */
	enum window_kind window;
	int64_t window_ms;
	uint32_t need, of;
	uint32_t slot; /* index of its window's memory in the rule's view */
};
struct condition {
	uint32_t count; /* 0: none */
	const struct op *ops;
	uint32_t slots;
	const char *text; /* as written */
	struct place place;
};

/* What a function over time looks back on: rules/series.h. */
struct series {
	enum object_kind object;
	uint32_t id;
	enum metric metric;
	enum function function;
	int64_t span_ms;
};

enum action_kind {
	ACTION_START, ACTION_STOP, ACTION_RESTART, ACTION_RELOAD, ACTION_KILL, ACTION_SIGNAL,
	ACTION_HOLD, ACTION_RELEASE, ACTION_REROUTE, ACTION_RESTORE, ACTION_RUN, ACTION_ALERT,
	ACTION_PAGE, ACTION_LOG, ACTION_DRAIN, ACTION_UNDRAIN, ACTION_KINDS
};
extern const char *const action_kind_name[ACTION_KINDS];

struct action {
	enum action_kind kind;
	uint32_t id;	  /* service, route or contact */
	uint32_t backend; /* REROUTE to, or RULES_NONE */
	int signal;
	struct command command;
	struct place place;
};

struct rule {
	uint32_t id;
	const char *name;
	struct place place;
	struct condition when, clear;
	const struct action *actions;
	uint32_t action_count;
	const struct action *escalate;
	uint32_t escalate_count; /* 0: none */
	uint32_t escalate_need;
	int64_t escalate_ms;
	int64_t cooldown_ms;
	struct remind remind;
	enum severity severity;
	int64_t timeout_ms; /* of run */
	const char *user;
	bool dry_run;
	struct during during;
	struct alerts_to alert;
};

enum driver {
	DRIVER_SWITCH, DRIVER_HAPROXY, DRIVER_VARNISH, DRIVER_APACHE, DRIVER_NGINX, DRIVER_SQUID,
	DRIVER_RUN, DRIVERS
};
extern const char *const driver_name[DRIVERS];

struct backend {
	const char *name;
	uint32_t check;	  /* RULES_NONE: always healthy */
	uint32_t service; /* of its check, or RULES_NONE */
	const char *host; /* haproxy: the address it is given; NULL: as configured */
	uint16_t port;
};

struct route {
	uint32_t id;
	const char *name;
	struct place place;
	struct during during;
	enum driver driver;
	const char *path;     /* switch: flag file; haproxy: socket; nginx, squid: include */
	bool link;	      /* switch: path is a symlink instead */
	const char *front;    /* haproxy, apache: backend's or balancer's name there */
	const char *host;     /* varnish, apache: address */
	uint16_t port;
	const char *target;   /* apache: path of its balancer-manager */
	const char *secret;   /* varnish: path */
	bool vcl;	      /* varnish: its backends are VCLs, */
	const char *label;    /* and this label is put on the active one; NULL: vcl.use */
	const char *line;     /* nginx, squid: of a backend, in the include; NULL: the usual */
	struct command test, reload; /* nginx, squid: commands */
	struct command run;   /* run: with `get`, or `set` and names */
	const char *user;     /* of these commands */
	int64_t slow_ms;      /* haproxy: a backend that comes in gets its weight over this time */
	int64_t drain_ms;     /* requests in flight get so long, when one leaves by plan */
	struct backend *backends;
	uint32_t backend_count;
	bool all;	      /* active = all */
	uint32_t keep;	      /* never fewer than these */
	uint32_t verify;      /* check, or RULES_NONE */
	int64_t verify_ms;
	int64_t return_ms;    /* -1: manual */
	uint32_t flap_count;  /* 0: none */
	int64_t flap_ms;
	struct alerts_to alert;
};

struct chain {
	uint32_t id;
	const char *name;
	struct place place;
	struct chain_link { enum object_kind kind; uint32_t id; } *links; /* who needs whom: left needs right */
	uint32_t link_count;
	uint32_t *path_ends; /* index one past each path's last link */
	uint32_t path_count;
	struct at_most actions;
	uint32_t check; /* sees all of it, end to end; RULES_NONE: none */
	struct alerts_to alert;
};

enum page_driver {
	PAGE_JSON, PAGE_PAGERDUTY, PAGE_ALERTMANAGER, PAGE_SLACK, PAGE_NTFY, PAGE_DRIVERS
};
extern const char *const page_driver_name[PAGE_DRIVERS];

struct contact {
	uint32_t id;
	const char *name;
	struct place place;
	struct during during;
	struct text_list mail; /* addresses */
	struct text_list sms;  /* addresses whose mails are one short text */
	struct text_list page; /* "URL" or "DRIVER URL": see contact_page */
	struct command run;    /* gets the event as JSON on its standard input */
	bool desktop;	       /* monitord-desktop tells it */
	struct id_list members; /* other contacts that hear of it instead */
	enum severity severity; /* hears of this and of worse */
	uint32_t rate_count;	/* mails in rate_ms; what is more becomes one digest */
	int64_t rate_ms;
	struct alerts_to escalate; /* who hears later of what is neither over nor taken */
	const char *subject;	   /* template, NULL: the usual one */
	const char *body, *body_file;
	const char *key, *key_file; /* secret of its pages */
};

/* The driver of one of its pages, and the address behind it. */
enum page_driver contact_page(const char *page, const char **url);

enum smtp_tls { SMTP_TLS_NO, SMTP_TLS_STARTTLS, SMTP_TLS_OPTIONAL };

struct settings { /* [monitord] */
	struct place place;
	const char *socket, *state; /* absolute */
	const char *helpers;	    /* folder of the helper programs, NULL: built in */
	struct text_list smtp;	    /* HOST:PORT, in order of preference */
	enum smtp_tls smtp_tls;
	const char *smtp_user, *smtp_password, *smtp_password_file, *smtp_ca, *from;
	const char *http; /* HOST:PORT or NULL */
	const char *http_token_file; /* who shows its content over TCP may act; or NULL */
	const char *admin_group, *read_group;
	uint32_t uid_base;
	bool stop_services_on_stop; /* on-stop = stop */
	bool dry_run; /* nothing is done, all is told */
	struct at_most actions;
	struct alerts_to alert;
	struct remind remind;
	const char *heartbeat; /* URL, NULL: none */
	int64_t heartbeat_ms;
	uint32_t starts_at_once;
	uint64_t history_bytes; /* 0: off */
	int64_t record_ms;	/* measurements as they came; 0: off */
	uint64_t record_bytes;
	/* defaults of checks, services, rules */
	int64_t every_ms, timeout_ms, cooldown_ms;
	uint32_t down_need, down_of;
	int64_t down_ms;
	uint32_t up_need;
	int64_t up_ms;
};

struct rules {
	struct settings settings;
	struct service *services;
	struct check *checks;
	struct rule *rules;
	struct route *routes;
	struct chain *chains;
	struct contact *contacts;
	struct series *series;
	uint32_t series_count;
	uint32_t service_count, check_count, rule_count, route_count, chain_count, contact_count;
};

/* How often the object is measured; 0: it is not. */
int64_t rules_every_ms(const struct rules *rules, enum object_kind kind, uint32_t id);

/* Looks a name up (hash table inside); RULES_NONE: none. */
uint32_t rules_find(const struct rules *rules, enum object_kind kind, const char *name);
const char *rules_name(const struct rules *rules, enum object_kind kind, uint32_t id);
uint32_t rules_count(const struct rules *rules, enum object_kind kind);

/* Who hears of this object: the nearest `alert`: check or rule, its service, chain, [monitord]. */
const struct alerts_to *rules_alerts(const struct rules *rules, enum object_kind kind, uint32_t id);

/* When people hear of it: a check's own times, or its service's. NULL: always. */
const struct during *rules_during(const struct rules *rules, enum object_kind kind, uint32_t id);

void rules_free(struct rules **rp);

#endif
