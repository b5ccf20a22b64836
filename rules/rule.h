/* rules/rule.h: [rule]: a condition, and what is done when it holds. */
#ifndef RULES_RULE_H
#define RULES_RULE_H

#include "rules/check.h" /* compare */

/* Conditions: a postfix program over three-valued tests (rules/condition.c evaluates). */
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

#endif
