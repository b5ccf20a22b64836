/* What concerns the world as a whole: commands and their answers, notes, helpers that are lost, a
 * clock that was late, the order in which deadlines come. */
#include "rules/world.h"

#include "test/unit/book.h"
#include "test/unit/stage.h"
#include "test/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define SERVICE(name) "[service " name "]\nrun = /s\nready = exec\n"
#define PLAIN(name) "[check " name "]\ntcp = h:1\ndown = 1\nup = 1\n"
static const char text[] =
	SERVICE("a") SERVICE("b") "[service w]\nmatch = w\n"
	"[service slow]\nrun = /s\nready = after 3s\non-boot = stay\n"
	"[check ca]\nof = a\ntcp = h:1\ndown = 1\nup = 1\n[check cb]\nof = b\ntcp = h:1\ndown = "
	  "1\nup = 1\n"
	PLAIN("lone") "[check disk]\nfilesystem = /\n"
	"[route q]\nswitch = /q\nbackend = a check ca\nbackend = b check cb\n"
	"[route r]\nswitch = /r\nbackend = a check ca\nbackend = b check cb\n"
	"[rule early]\nwhen = lone.down for 1s\ndo = log\nalert = none\n";
#define UP "adopted:a adopted:b go good:ca good:cb good:lone good:disk seen:q=a seen:r=a +10s "

static const struct stage_row rows[] = {
	/* who does not run is dead from the beginning, in each route */
	{ "adopted:b seen:q=a seen:r=a good:cb go exited:a=1 empty:a", NULL,
	  "start:a route:q=b-a route:r=b-a start:a" },
	{ "!stop:a adopted:b seen:q=a seen:r=a good:cb go +1s", NULL, "answer:done route:q=b-a route:r=b-a" },
	/* a helper that is lost takes with it what it measured or saw, and no more */
	{ UP "lost:net ?lone ?disk", NULL, "lone=unknown disk=up" },
	{ UP "lost:local ?lone ?disk", NULL, "lone=up disk=unknown" },
	{ UP "lost:alerts ?lone ?disk *q", NULL, "lone=up disk=up q is primary since -1, wanted "
	  "a, seen a, 0 bytes of error" },
	{ UP "# lost:routes # *q *r", NULL, "[a b ca cb lone early disk q r] [q r] q is primary "
	  "since -1, wanted a, "
	  "believed a, 0 bytes of error r is primary since -1, wanted a, believed a, 0 "
	  "bytes of error" },
	{ UP "back:routes back:net", "command", "" },
	/* another section */
	{ UP "changed:a", "service-changed+", "service-changed:a{a has another section now: it "
	  "is restarted} route:q=b-a "
	  "route:r=b-a TERM:a(main)" },
	{ UP "found:w changed:w", "service-changed+", "" },
	{ UP "changed:ca ?ca ?cb", NULL, "ca=unknown cb=up" },
	{ UP "bad:cb +5s changed:ca stale:cb ?cb", NULL, "cb=up" },
	/* we were late: what was measured meanwhile proves nothing of anybody */
	{ UP "bad:cb bad:lone +5s late stale:cb stale:lone ?cb ?lone good:cb ?cb", NULL,
	  "cb=down lone=down cb=up" },
	/* a deadline of one thing is no other's, nor its cause */
	{ UP "bad:lone +1900ms", "incident-open rule-fired", "rule-fired:early" },
	{ UP "!reroute:r=b/60 seen:r +57s bad:lone +3s", "route-released+ incident-open+",
	  "route:r=b answer:done incident-open:lone<check-down{lone is down: it is bad} "
	  "route-released:r{route r: the time of the choice by hand is over} route:r=a" },
	{ UP "!reroute:r=b/60 seen:r +57s !start:slow started:slow +3s ?slow",
	  "route-released+", "route:r=b answer:done start:slow answer:done "
	  "route-released:r{route r: the "
	  "time of the choice by hand is over} route:r=a slow=up" },
	/* what is kept for the next boot */
	{ UP "!silence:lone=60 !unsilence:lone bad:lone +3s !ack:lone !hold:a", "remember",
	  "answer:done remember answer:done remember answer:done answer:done remember" },
	/* a stop of all is no new section, and begins no restart */
	{ UP "stop-all", "service-changed", "route:q=b-a route:r=b-a TERM:a(main) TERM:b(main)" },
	{ UP "!drain:b", "command+", "command:b{drain by uid 0} answer:done" },
};
static const char family[] = "[service t]\ninstances = 1..2\nrun = /t\nready = exec\n";
static const struct stage_row turns[] = {
	{ "adopted:t-1 adopted:t-2 go !restart:t-1 !restart:t-2 stop-all exited:t-1=0 empty:t-1 "
	  "exited:t-2=0 empty:t-2 +1m ?t-1 ?t-2", NULL,
	  "TERM:t-1(main) answer:failed answer:failed TERM:t-2(main) t-1=stopped "
	  "t-2=stopped" },
};

static void
happens(void **state)
{
	(void)state;
	stage_table(text, rows, COUNT(rows));
	stage_table(family, turns, COUNT(turns));
}

/* One event to a fresh world, and what is decided, in words. */
static const char *
told(const struct event *e)
{
	static struct decisions out;
	static char words[1000];
	struct rules *rules = book(
		"[monitord]\nsmtp = h:25\n[contact ops]\nmail = "
		"a@b\n" SERVICE("a") PLAIN("x") PLAIN(
			"y") "[route r]\nswitch = /r\nbackend = x check x\nbackend = y "
			     "check y\n");
	struct world *w = world_new(rules, 1, "host", 1000);
	size_t n = 0;
	assert_non_null(w);
	decide(w, e, 1000, 2000, &out);
	words[0] = '\0';
	for (size_t i = 0; i < out.count; i++) {
		const struct decision *d = &out.list[i];
		const char *gap = n > 0 ? " " : "";
		if (d->kind == DECIDE_TELL)
			n += (size_t)snprintf(words + n, sizeof words - n,
					      "%s%s %s:%s{%s}", gap, d->line.kind,
					      d->line.object_kind, d->line.object,
					      d->line.text);
		else if (d->kind == DECIDE_ANSWER)
			n += (size_t)snprintf(words + n, sizeof words - n,
					      "%sanswer %d to %llu, event %llu{%s}", gap,
					      (int)d->answer,
					      (unsigned long long)d->token,
					      (unsigned long long)d->event, d->text);
		else
			n += (size_t)snprintf(words + n, sizeof words - n,
					      "%s%s to %llu of %u", gap,
					      d->kind == DECIDE_RELOAD_RULES
						      ? "reload-rules"
					      : d->kind == DECIDE_TEST     ? "test"
					      : d->kind == DECIDE_REMEMBER ? "remember"
									   : "another",
					      (unsigned long long)d->token, d->id);
	}
	world_free(&w);
	rules_free(&rules);
	return words;
}

static void
each_command_is_answered(void **state)
{
	static const struct {
		enum verb verb;
		uint32_t id, target;
		const char *wanted;
	} commands[] = {
		{ VERB_RELOAD, 0, 0,
		  "command monitord:monitord{reload-rules by uid 0} "
		  "reload-rules to 7 of 0" },
		{ VERB_TEST, 0, 0,
		  "command monitord:monitord{test by uid 0} test to 7 of 0" },
		{ VERB_STOP, 0, 0,
		  "command service:a{stop by uid 0} answer 0 to 7, event 1{} remember to 0 of 0" },
		{ VERB_STOP, 1, 0, "answer 1 to 7, event 0{no such object}" },
		{ VERB_STOP, RULES_NONE, 0, "answer 1 to 7, event 0{no such object}" },
		{ VERB_REROUTE, 1, 0, "answer 1 to 7, event 0{no such object}" },
		{ VERB_REROUTE, 0, 2,
		  "command route:r{reroute by uid 0} answer 1 to 7, event 0{no other backend is "
		  "healthy} remember to 0 of 0" },
		{ VERB_REROUTE, 0, 1,
		  "command route:r{reroute to y by uid 0} answer 1 to 7, event 0{that backend is "
		  "not proven up} remember to 0 of 0" },
		{ VERB_DRAIN, 0, 0,
		  "command service:a{drain by uid 0} answer 1 to 7, event 0{it is a backend of no "
		  "route} remember to 0 of 0" },
		{ VERB_UNDRAIN, 0, 0,
		  "command service:a{undrain by uid 0} answer 0 to 7, event 1{} remember to 0 "
		  "of 0" },
		{ VERB_ACK, 0, 0, "answer 1 to 7, event 0{no such incident is open}" },
	};
	unsigned wrong = 0;
	(void)state;
	for (size_t i = 0; i < COUNT(commands); i++) {
		struct event e = { .kind = EVENT_COMMAND,
				   .verb = commands[i].verb,
				   .id = commands[i].id,
				   .target = commands[i].target,
				   .token = 7 };
		const char *got = told(&e);
		if (strcmp(got, commands[i].wanted) != 0) {
			print_error("%zu: expected\n  %s\ngot\n  %s\n", i,
				    commands[i].wanted, got);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void
notes_are_told(void **state)
{
	static const struct {
		enum object_kind object;
		uint32_t id;
		const char *text, *wanted;
	} notes[] = {
		{ OBJECT_SERVICE, 0, "pidfile-refused it is not believed",
		  "pidfile-refused service:a{it is not believed}" },
		{ OBJECT_SERVICE, 1, "odd of nobody",
		  "odd monitord:monitord{of nobody}" },
		{ OBJECT_MONITORD, 0, "daemon-started monitord begins",
		  "daemon-started monitord:monitord{monitord begins}" },
		{ OBJECT_CHECK, 0, "alone", "alone monitord:monitord{alone}" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(notes); i++) {
		struct event e = { .kind = EVENT_NOTE,
				   .object = notes[i].object,
				   .id = notes[i].id,
				   .text = notes[i].text };
		assert_string_equal(told(&e), notes[i].wanted);
	}
}

/* Nor does anything else come of one. */
static void
a_note_stops_nothing(void **state)
{
	static struct decisions out;
	struct rules *rules = book(SERVICE("a"));
	struct world *w = world_new(rules, 1, "host", 1000);
	struct event note = { .kind = EVENT_NOTE, .text = "odd" },
		     go = { .kind = EVENT_GO };
	bool starts = false;
	(void)state;
	assert_non_null(w);
	decide(w, &note, 1000, 2000, &out);
	decide(w, &go, 1000, 2000, &out);
	for (size_t i = 0; i < out.count; i++)
		starts = starts || out.list[i].kind == DECIDE_START;
	assert_true(starts);
	world_free(&w);
	rules_free(&rules);
}

int
test_decide(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(happens), cmocka_unit_test(each_command_is_answered),
		cmocka_unit_test(notes_are_told),
		cmocka_unit_test(a_note_stops_nothing)
	};
	return cmocka_run_group_tests_name("decide", tests, NULL, NULL);
}
