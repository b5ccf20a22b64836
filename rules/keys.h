/* rules/keys.h: the table of all keys: drives parsing, defaults, messages, the manual, and
 * what a change of a key costs on reload. */
#ifndef RULES_KEYS_H
#define RULES_KEYS_H

#include "rules/build.h"

enum key_type {
	KEY_CUSTOM,   /* set() */
	KEY_TEXT,     /* const char * */
	KEY_PATH,     /* const char *: absolute, or relative to the rule file */
	KEY_DURATION, /* int64_t ms */
	KEY_SHORT,    /* int32_t ms */
	KEY_COMMAND,  /* struct command */
	KEY_ALERT,    /* struct alerts_to */
	KEY_REFUSED   /* known, but not supported yet */
};

/* What its change costs on reload: same.h decides that, and test/unit/same.c holds the two to one
 * another. COST_RESTART: of the process that monitord runs. COST_SEARCH: it is found anew. */
enum key_cost { COST_NOTHING, COST_MEASURE, COST_RESTART, COST_SEARCH };

struct key {
	enum object_kind section;
	const char *name;
	enum key_type type;
	size_t offset; /* in the section's struct */
	enum key_cost cost;
	bool repeats;
	int64_t least, most; /* of durations */
	const char *dflt;    /* as text, for the manual; NULL: none */
	const char *help;
	void (*set)(struct build *b, void *object, const struct entry *e);
};

extern const struct key key_table[];
extern const size_t key_count;

/* NULL: no such key in that kind of section. */
const struct key *keys_find(enum object_kind section, const char *name, size_t length);

/* Parses one entry into object (the struct of its section's kind). */
void keys_apply(struct build *b, enum object_kind section, void *object, const struct entry *e);

/* Without its quotes if it is one quoted word. */
const char *keys_whole(struct build *b, const char *value);

/* Absolute; a relative path is relative to the rule file's folder. */
const char *keys_path(struct build *b, const char *value, const struct entry *e);

/* Setters, by section (rules/service.c, check.c, ..., settings.c) */
#define SETTER(name) void name(struct build *b, void *object, const struct entry *e)
SETTER(set_reload);
SETTER(set_env);
SETTER(set_limits);
SETTER(set_umask);
SETTER(set_nice);
SETTER(set_ready);
SETTER(set_stop);
SETTER(set_restart);
SETTER(set_success);
SETTER(set_backoff);
SETTER(set_at_most);
SETTER(set_depends);
SETTER(set_log);
SETTER(set_memory_max);
SETTER(set_oom_score);
SETTER(set_cpu_max);
SETTER(set_drain);
SETTER(set_evidence);
SETTER(set_unit);
SETTER(set_groups);
SETTER(set_service_keep);
SETTER(set_on_boot);
SETTER(set_match);
SETTER(set_of);
SETTER(set_kind);
SETTER(set_send);
SETTER(set_encrypt);
SETTER(set_tls_verify);
SETTER(set_tls_name);
SETTER(set_tls_min);
SETTER(set_tls_alpn);
SETTER(set_check_file);
SETTER(set_http_body);
SETTER(set_auth_user);
SETTER(set_query);
SETTER(set_query_name);
SETTER(set_query_type);
SETTER(set_packets);
SETTER(set_redirects);
SETTER(set_lines);
SETTER(set_check_user);
SETTER(set_check_alert);
SETTER(set_header);
SETTER(set_method);
SETTER(set_expect);
SETTER(set_warn);
SETTER(set_down);
SETTER(set_up);
SETTER(set_check_do);
SETTER(set_when);
SETTER(set_clear);
SETTER(set_do);
SETTER(set_escalate);
SETTER(set_mode);
SETTER(set_rule_during);
SETTER(set_service_during);
SETTER(set_check_during);
SETTER(set_route_during);
SETTER(set_contact_during);
SETTER(set_daemon_mode);
SETTER(set_record);
SETTER(set_daemon_actions);
SETTER(set_chain_actions);
SETTER(set_chain_check);
SETTER(set_driver);
SETTER(set_backend);
SETTER(set_active);
SETTER(set_keep);
SETTER(set_verify);
SETTER(set_return);
SETTER(set_flap);
SETTER(set_path);
SETTER(set_page);
SETTER(set_mail);
SETTER(set_sms);
SETTER(set_desktop);
SETTER(set_members);
SETTER(set_severity);
SETTER(set_check_severity);
SETTER(set_rule_severity);
SETTER(set_rate);
SETTER(set_contact_escalate);
SETTER(set_subject);
SETTER(set_body);
SETTER(set_remind);
SETTER(set_rule_remind);
SETTER(set_heartbeat);
SETTER(set_http);
SETTER(set_smtp);
SETTER(set_smtp_tls);
SETTER(set_uid_base);
SETTER(set_on_stop);
SETTER(set_starts);
SETTER(set_history);
SETTER(set_ignored);
#undef SETTER

#endif
