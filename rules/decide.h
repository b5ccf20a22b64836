/* rules/decide.h: inside the pure core: what the files that decide ask of one another. Each works
 * on the world in place, and adds what is to be done to w->out. */
#ifndef RULES_DECIDE_H
#define RULES_DECIDE_H

#include "rules/world_state.h"

#define OPEN_MAIL_MS 2000  /* an incident gathers before it is told */
#define SETTLE_MS 2000	   /* all good for so long: closed */
#define RECALL_MS 10000	   /* an incident of an earlier life may prove that it goes on */
#define LINGER_SEEN_MS 1000 /* the same, when only left-overs serve */
#define DRAIN_GRACE_MS 500 /* requests in flight end */

/* ---- decide.c ---- */
void rule_look_all(struct world *w); /* each rule is looked at when timers come */

/* ---- decide_dry.c ---- */
/* In a dry run: tells what would be done to it, and it must not be done. what: static. */
bool dry_instead(struct world *w, enum object_kind kind, uint32_t id, const char *what);
void dry_drop(struct world *w); /* orders that were decided all the same */

/* ---- decide_brake.c ---- */
/* Too many actions already: it must not be done; told once. Else it is counted. */
bool brake_stops(struct world *w, uint32_t rule, const struct action *a);
void brakes_move(struct world *to, const struct world *from);

/* ---- decide_incident.c, recall_incident.c ---- */
/* The object is bad now: opens an incident or joins one; text is its sentence. */
void incident_bad(struct world *w, enum object_kind kind, uint32_t id, const char *text);
void incident_good(struct world *w, enum object_kind kind, uint32_t id);
/* Something worse has come of it: text is its sentence from now on, and is told at once if
 * the first one was told already. */
void incident_worse(struct world *w, enum object_kind kind, uint32_t id, const char *text);
uint64_t incident_of(struct world *w, enum object_kind kind, uint32_t id);
void incident_timer(struct world *w, uint32_t index);
bool incident_ack(struct world *w, const struct event *e, const char **why);
void incidents_settle(struct world *w); /* what was recalled: real times become ours */
void incidents_move(struct world *to, const struct world *from); /* to a world of new rules */
void incident_recall(struct world *w, const struct journal_line *line);

/* ---- decide_silence.c ---- */
bool silence_command(struct world *w, const struct event *e, const char **why);
bool silenced(const struct world *w, enum object_kind kind, uint32_t id);
void silence_timer(struct world *w);
void silence_recall(struct world *w, const struct journal_line *line);
void silences_move(struct world *to, const struct world *from);
void silence_add(struct world *w, const struct silence *s); /* of an earlier life */

/* ---- decide_service.c ---- */
void service_event(struct world *w, const struct event *e);
void service_timer(struct world *w, uint32_t id);
void service_go(struct world *w);
void service_stop_all(struct world *w);
void service_check_changed(struct world *w, uint32_t id);
void service_restart(struct world *w, uint32_t id);
void service_stop(struct world *w, uint32_t id, enum after_stop after);
void service_start(struct world *w, uint32_t id);
/* What was begun is ended: the second half of a restart, also of one that is held by now. */
void service_start_again(struct world *w, uint32_t id);
void service_kill(struct world *w, uint32_t id); /* all of it at once */
void service_hold_for(struct world *w, uint32_t id, uint32_t seconds);
void service_hold_timer(struct world *w, uint32_t id);
void service_hold(struct world *w, uint32_t id, bool hold);
/* A route no longer sends it traffic; counted: no request is in flight. */
void service_drained(struct world *w, uint32_t id, bool counted);
void service_pending(struct world *w);		    /* starts whose turn it is */
bool service_steady(const struct world *w, uint32_t id); /* no action of it is under way */
void service_arm_retry(struct world *w, uint32_t id); /* of what has failed */
/* It has never been up, and nothing of it has died. */
bool service_is_new(const struct service_view *s);
/* New, and on its way: nothing that it needs has given up. */
bool service_is_coming(const struct world *w, uint32_t id);
bool service_quiet(const struct world *w, uint32_t id);	 /* its checks decide nothing now */

/* ---- decide_command.c ---- */
/* e->verb of the service e->id. True: the answer comes with the outcome; else it is due now, and
 * *why, where it is set, says why nothing was done. */
bool service_command(struct world *w, const struct event *e, const char **why);

/* ---- decide_need.c ---- */
/* It is not well: who depends on it is told of behind this event, in the same incident, and left
 * alone. */
void need_failed(struct world *w, enum object_kind kind, uint32_t by);
void need_tell(struct world *w); /* as many as there is room for */

/* ---- decide_drain.c ---- */
/* False: why says what forbids it. */
bool service_drain(struct world *w, uint32_t id, bool drain, const char **why);
bool service_drain_command(struct world *w, const struct event *e, const char **why);
void service_is_out(struct world *w, uint32_t id); /* a route may have let go of it */
void drains_again(struct world *w);
/* The time is over, and no front said that it is out, or that its requests have ended. */
void drain_is_late(struct world *w, uint32_t id);

/* ---- decide_evidence.c ---- */
bool evidence_kill(struct world *w, uint32_t id); /* False: it is to be killed at once */
void evidence_suspect(struct world *w, uint32_t id, uint64_t incident);

/* ---- decide_turn.c ---- */
void service_turns(struct world *w); /* restarts whose turn has come */

/* ---- recall.c ---- */
void recall_settle(struct world *w); /* real times become those of our clock */

/* ---- decide_death.c ---- */
bool service_count_restart(struct world *w, uint32_t id, const char *by); /* false: given up */

/* ---- decide_check.c ---- */
void check_result(struct world *w, const struct event *e);
/* Of its service: a warning that was seen meanwhile is told now. */
void check_start_is_over(struct world *w, uint32_t id);
void check_forget(struct world *w, uint32_t id); /* older exchanges prove nothing */
const char *check_text(const struct world *w, uint32_t id); /* why it is not up, or "" */
void check_pace(struct world *w, uint32_t id, enum pace pace);
void check_falls(struct world *w, uint32_t id); /* it is held back: is it still? */
void check_role_lost(struct world *w, enum role role);

/* ---- decide_doubt.c ---- */
void doubt_begins(struct world *w, uint32_t id); /* it failed for the first time */
/* It would fall now, but so many others do that we suspect ourselves. */
bool doubt_holds(struct world *w, uint32_t id);
void doubt_set(struct world *w, uint32_t id, bool held);
void doubt_answered(struct world *w, uint32_t id); /* a witness has spoken, maybe */

/* ---- decide_route.c ---- */
void route_seen(struct world *w, const struct event *e);
void route_timer(struct world *w, uint32_t id);
void route_update(struct world *w, uint32_t id); /* the health of a backend may have changed */
void route_verify_result(struct world *w, uint32_t id, bool good, int64_t began_ns);
bool route_command(struct world *w, const struct event *e, const char **why);
void route_manual(struct world *w, uint32_t id, uint32_t backend);
void route_take(struct world *w, uint32_t id, uint32_t service, bool out);
void route_drain(struct world *w, uint32_t service, bool drain);
/* The service is up for the first time: it comes in without a hold-down. */
void route_awaited(struct world *w, uint32_t id, uint32_t service);
/* The route has this service for a backend, and does not know how it is. */
bool route_unmeasured(const struct world *w, uint32_t id, uint32_t service);
bool route_can_lose(struct world *w, uint32_t id, uint32_t service);
/* Which backends of the route are this service. */
uint64_t route_places(const struct world *w, uint32_t id, uint32_t service);
uint32_t route_healthy(const struct world *w, uint32_t id);
/* The fall of a backend's check is held back: nobody knows how many are healthy. */
bool route_doubted(const struct world *w, uint32_t id);
/* A backend is not known yet: its first start is under way, or its check has said nothing. */
bool route_is_new(const struct world *w, uint32_t id);

/* ---- decide_chain.c ---- */
void chains_look(struct world *w); /* as something has changed */
void chains_move(struct world *to, const struct world *from);
void chain_recall(struct world *w, const struct journal_line *line);

/* ---- decide_rule.c ---- */
void rule_changed(struct world *w, enum object_kind kind, uint32_t id, bool sample);
/* The same behind this event: what a rule does must not fall into the middle of it. */
void rule_look(struct world *w, enum object_kind kind, uint32_t id);
void rule_timer(struct world *w, uint32_t id);
void rule_forget(struct world *w, uint32_t service); /* it has a new process */

/* ---- decide_action.c ---- */
/* Does the rule's actions until one has to be waited for. */
void rule_go_on(struct world *w, uint32_t id);
void rule_progress(struct world *w); /* of rules that wait: those that need not any more */
void rule_run_done(struct world *w, const struct event *e); /* its command has ended */
/* "restart tomcat" */
void action_text(const struct world *w, const struct action *a, char *out, size_t cap);

/* ---- memory.c ---- */
/* What functions over time look back on; false: out of memory. */
bool memory_begin(struct world *w);
/* The object's metrics may be others now; sample: they were measured anew. */
void memory_take(struct world *w, enum object_kind kind, uint32_t id, bool sample);
void memory_forget(struct world *w, uint32_t service); /* it has a new process */
void memory_move(struct world *to, const struct world *from);
/* It comes with a measurement of a process, so that a new one begins it anew; the others
 * change by what happens. */
bool memory_is_sampled(enum object_kind kind, enum metric m);

/* ---- condition.c ---- */
/* Evaluates; fresh_kind/fresh_id: whose sample brought us here (OBJECT_KINDS: none). *due_ms
 * gets the earlier of itself and when a window could become true by time alone. */
enum truth condition_eval(const struct world *w, const struct condition *c, struct slot *slots,
			  enum object_kind fresh_kind, uint32_t fresh_id, int64_t *due_ms);
/* What its windows wait for. */
struct waiting condition_waits(const struct condition *c, const struct slot *slots, int64_t now_ms);
/* The service has a new process: windows over samples of the old one begin anew. */
void condition_forget(const struct world *w, const struct condition *c, struct slot *slots,
		      uint32_t service);
/* "memory 1.6 GiB > 1.5 GiB for 30 s": the tests that hold. */
void condition_text(const struct world *w, const struct condition *c, char *out, size_t cap);
bool metric_value(const struct world *w, enum object_kind kind, uint32_t id, enum metric m,
		  double *out);

#endif
