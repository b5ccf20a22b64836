/* rules/service.h: [service]: a process, how it is run or watched, and when it is started again. */
#ifndef RULES_SERVICE_H
#define RULES_SERVICE_H

#include "rules/common.h"

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
	bool is_needed; /* another depends on it */
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

#endif
