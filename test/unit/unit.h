/* test/unit/unit.h: what the unit tests share. Each file of a noun offers one group; the
 * program of its folder (base.c, rules.c, monitord.c) runs them all. */
#ifndef TEST_UNIT_UNIT_H
#define TEST_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* Each returns the number of failed tests. */
int test_arena(void);
int test_clock(void);
int test_file(void);
int test_helper(void);
int test_journal(void);
int test_loop(void);
int test_msg(void);
int test_sandbox(void);
int test_text(void);

int test_brake(void);
int test_breaker(void);
int test_evidence(void);
int test_chain(void);
int test_check(void);
int test_condition(void);
int test_crash(void);
int test_choice(void);
int test_decide(void);
int test_doubt(void);
int test_drain(void);
int test_incident(void);
int test_incident_ends(void);
int test_need(void);
int test_mistakes(void);
int test_keys(void);
int test_move(void);
int test_route(void);
int test_prove(void);
int test_relate(void);
int test_rule(void);
int test_same(void);
int test_series(void);
int test_service(void);
int test_silence(void);
int test_source(void);
int test_start(void);
int test_stop(void);
int test_storm(void);
int test_switch(void);
int test_telling(void);
int test_turn(void);
int test_units(void);
int test_values(void);

int test_absent(void);
int test_account(void);
int test_cgroup(void);
int test_death(void);
int test_envfile(void);
int test_job(void);
int test_logfile(void);
int test_measure(void);
int test_process(void);
int test_ring(void);
int test_spawn(void);

#endif
