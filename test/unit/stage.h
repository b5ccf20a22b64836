/* test/unit/stage.h: plays a script of happenings to the pure core and writes down what
 * it decides. A script is words parted by blanks:
 *
 *   go late stop-all zone:SECONDS             of monitord itself; local time less UTC
 *   clock:SECONDS                             the wall clock is set by so much
 *   adopted:S[=RESTARTS] started:S failed:S ready:S found:S[=PID] left:S empty:S exited:S=CODE killed:S=SIGNAL
 *   evidence:S=TEXT evidence:S                it came; that was all of it
 *   good:C[=STATUS] bad:C warn:C unknown:C    the result of an exchange that began now; stale:C: 1 s ago
 *   sample:S.METRIC=NUMBER old:S.METRIC=NUMBER    of the present process; of the one before
 *   ramp:S.METRIC=FROM,STEP,COUNT             so many samples, one each 5 s
 *   seen:R[=NAME,…] unseen:R                  the front: as ordered, or these; or an error
 *   hand:R=NAME,… anew:R=NAME,…               the same, changed by a hand or a new life of it
 *   busy:R=NAME,… idle:R                      as ordered; requests in flight on who left
 *   lost:ROLE back:ROLE                       a helper
 *   done:RULE=CODE died:RULE=SIGNAL           the end of the command that it ran
 *   done-before:RULE=CODE                     of the one that was run before that
 *   !VERB:S !reroute:R[=BACKEND[/SECONDS]] !restore:R
 *   !ack:ROOT[=WHO] !silence:NAME=SECONDS[/WHO] !unsilence:NAME    an operator's command
 *   +DURATION                                 time passes; timers come when they are due
 *   reload changed:NAME                       world_move to new rules (the same, or the next);
 *                                             a reload gave it another section
 *   reborn boot away:S                        monitord was killed and begins again; the same
 *                                             after a boot; S died meanwhile
 *   due?                                      whether any timer is left
 *   ?NAME ~RULE                               writes NAME=STATE, of a chain @SECONDS since when,
 *                                             and why; and what the rule's windows wait for
 *   &RULE *NAME # % %% @ @@                   all that status knows of it; [NAMES] whose views
 *                                             have changed since; the same of incidents, silences
 *   age                                       what was only measured anew has changed, too
 *
 * What is decided is written as
 *
 *   start:S SIGNAL:S(main|rest|tree) stop-command:S evidence:S reload:S
 *   route:R=NAME,…[-CUT,…] run:RULE answer:done|refused|failed
 *   cut{TEXT}                                 what a reload leaves undone of a rule
 *
 * and what tell asks for besides: KIND:OBJECT of a line for the journal ("KIND+": with
 * <CAUSE(TO){TEXT}; "KIND@": with @ROOT of the incident that it belongs to), "pace" for pace:C=PACE, "remember" for that, "evidence" for evidence:S after
 * a crash too. */
#ifndef TEST_UNIT_STAGE_H
#define TEST_UNIT_STAGE_H

#include <stdbool.h>
#include <stddef.h>

struct stage_row {
	const char *script;
	const char *tell; /* kinds of lines to write down, parted by blanks; NULL: none */
	const char *wanted;
};

/* Each row on a fresh world of these rules; fails after all were tried. */
void stage_table(const char *rules, const struct stage_row *rows, size_t count);

/* One row; prints what differs. */
bool stage_differs(const char *rules, const struct stage_row *row);

/* One row; next: the rules that `reload` brings. */
void stage_reload(const char *rules, const char *next, const struct stage_row *row);
bool stage_reload_differs(const char *rules, const char *next, const struct stage_row *row);

#endif
