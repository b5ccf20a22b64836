/* rules/decide_service.h: what the files that decide about services share. */
#ifndef RULES_DECIDE_SERVICE_H
#define RULES_DECIDE_SERVICE_H

#include "rules/decide.h"

#define UNKILLABLE_MS 10000 /* SIGKILL was sent, and it lives still: told */
#define WORLD_ENDS "monitord stops all services, and ends"

static inline const struct service *
conf(const struct world *w, uint32_t id)
{
	return &w->rules->services[id];
}

/* Not run by us. */
static inline bool
watched(const struct service *c)
{
	return c->run.count == 0;
}

/* Those that take an event are what it means for the service e->id; ids are in range. */

/* ---- decide_service.c ---- */
/* Its view changes, and rules that read it are looked at; nothing is told. */
void service_set_state(struct world *w, uint32_t id, enum service_state state);
void service_update_routes(struct world *w, uint32_t id); /* its health may have changed */
void service_pace_checks(struct world *w, uint32_t id, enum pace pace);
/* Tells it; what waits ends, and nothing is started. */
void service_set_held(struct world *w, uint32_t id, bool hold);

/* ---- decide_start.c ---- */
/* It has a process, since then by our clock: nothing measured of an earlier one counts. */
void service_began(struct world *w, uint32_t id, int32_t pid, int64_t started_ms);
void service_started(struct world *w, const struct event *e);
void service_waits(struct world *w, const struct event *e);
void service_adopted(struct world *w, const struct event *e);
bool service_is_ready(const struct world *w, uint32_t id); /* what `ready` asks for is so */
void service_became_up(struct world *w, uint32_t id);
/* Nobody has measured the check that `ready` names: our failure, not its own. */
bool service_ready_unmeasured(const struct world *w, uint32_t id);
void service_unlist(struct world *w, uint32_t id); /* it no longer waits to start */
void service_not_ready(struct world *w, uint32_t id); /* the time to be ready is over */

/* ---- decide_turn.c ---- */
/* While it restarts enough others of its family are up (`keep`), and none else restarts. */
bool turn_has_come(const struct world *w, uint32_t id);
/* It never will: too many of the others are lost, and do not come back by themselves. */
bool turn_is_hopeless(const struct world *w, uint32_t id);
void turn_wait(struct world *w, uint32_t id);
void turn_leave(struct world *w, uint32_t id);	/* it waits no longer; harmless if it did not */
void turn_refuse(struct world *w, uint32_t id); /* tells, and answers who asked for a restart */

/* ---- recall.c ---- */
void service_remember(struct world *w, uint32_t id); /* whether it runs, for the next boot */
/* Goes on where an earlier life of monitord left it. True: nothing is to be started now. */
bool service_resume(struct world *w, uint32_t id);

/* ---- decide_stop.c ---- */
/* Its stop command, or the first step of the ladder. */
void service_stop_begin(struct world *w, uint32_t id);
void service_stop_step(struct world *w, uint32_t id); /* the next; behind the last: KILL */
/* It is watched, and its section means another process now, or none; that one goes on by itself. */
void service_left(struct world *w, uint32_t id);
/* It is stopped, and stays so: nothing is wrong with it; nor with its checks, which nobody asks
 * any more, if an operator stopped it or it has finished. */
void service_is_over(struct world *w, uint32_t id);

/* ---- decide_evidence.c ---- */
/* True: what ends it waits until its evidence is there, or late: then stop_begin or stop_step. */
bool evidence_first(struct world *w, uint32_t id);
void evidence_over(struct world *w, uint32_t id); /* no more is waited for: its end goes on */
void evidence_came(struct world *w, const struct event *e);
/* Asks for what it wrote last, where it has a log, and for what `evidence` names. */
void evidence_of_crash(struct world *w, uint32_t id);

/* ---- decide_death.c ---- */
void service_exited(struct world *w, const struct event *e);
/* Routes count it as dead, or no longer. */
void service_dying(struct world *w, const struct event *e, bool dying);
void service_empty(struct world *w, const struct event *e);
void service_start_failed(struct world *w, const struct event *e);
/* Nothing of it is left after a death of its own, or it could not be started. */
void service_after_crash(struct world *w, uint32_t id);
/* We died after its end. True: it is not to be started now. */
bool service_resume_ended(struct world *w, uint32_t id);
void service_give_up(struct world *w, uint32_t id);	    /* tells; `retry` has a deadline */
bool service_too_often(const struct world *w, uint32_t id); /* more than at-most allows */
int64_t service_backoff(struct world *w, uint32_t id);	    /* ms before its next start */
/* A crash at this time, for back-off and at-most; a long life before it forgives earlier ones. */
void service_note_crash(struct service_view *s, int64_t at_ms);
void service_count(struct service_view *s, int64_t at_ms); /* one more that at-most counts */
void service_retry(struct world *w, uint32_t id); /* the one start after `retry` */
void service_kill_rest(struct world *w, uint32_t id); /* what outlives its main process */

#endif
