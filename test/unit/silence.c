/* Silences: what they cover, how they end, what is told then, and what is left of them in another
 * life. */
#include "base/text.h"
#include "rules/world.h"
#include "test/unit/book.h"
#include "test/unit/stage.h"
#include "test/unit/unit.h"

#define PORT(name) "[check " name "]\ntcp = h:1\ndown = 1\nup = 1\n"
#define OPS "[monitord]\nsmtp = h:25\nalert = ops\nremind = 1m\n[contact ops]\nmail = ops@h\n"
#define SERVICE_A "[service a]\nrun = /a\nready = exec\n[check ca]\nof = a\ntcp = h:1\ndown = 1\nup = 1\n"
static const char text[] =
	OPS SERVICE_A "[service b]\nrun = /b\nready = exec\n"
	PORT("lone") PORT("other") PORT("third") "[check cb]\nof = b\ntcp = h:1\ndown = 1\nup = 1\n"
	"[route r]\nswitch = /s\nbackend = x check other\nbackend = y check third\n"
	"[rule big]\nwhen = a.memory > 1M or lone.latency > 1h\ndo = log\ncooldown = 1h\n"
	"[chain both]\npath = lone -> other\n";
#define UP "adopted:a adopted:b go good:ca good:lone good:other good:third seen:r=x "
#define OPENED(check, to) "incident-open:" check "<check-down" to "{" check " is down: it is bad}"
#define OPENED_BIG(to) "incident-open:big<rule-fired" to "{big: a.memory is 1.9 MiB (> 1.0 MiB)}"
#define TOLD "incident-open+ incident-remind silence-over"

static const struct stage_row covers[] = {
	{ UP "!silence:lone=600 !silence:other=600 bad:other +3s", TOLD,
	  "answer:done answer:done route:r=y-x " OPENED("other", "") },
	/* a chain: its members, each of them, and nothing else */
	{ UP "!silence:both=600 bad:lone +3s", TOLD, "answer:done " OPENED("lone", "") },
	{ UP "!silence:both=600 bad:other +3s", TOLD, "answer:done route:r=y-x " OPENED("other", "") },
	{ UP "!silence:both=600 bad:third +3s", TOLD, "answer:done " OPENED("third", "(ops)") },
	{ UP "!silence:both=600 killed:a=9 +3s", "incident-open+",
	  "answer:done KILL:a(tree) incident-open:a<service-exited(ops){a exited: killed by signal 9 "
	  "(SIGKILL)}" },
	/* a service: its checks, and no check else */
	{ UP "!silence:a=600 bad:lone +3s", TOLD, "answer:done " OPENED("lone", "(ops)") },
	{ UP "!silence:ca=600 killed:a=9 +3s", "incident-open+",
	  "answer:done KILL:a(tree) incident-open:a<service-exited(ops){a exited: killed by signal 9 "
	  "(SIGKILL)}" },
	/* a rule: it itself, or all that it reads */
	{ UP "!silence:big=600 sample:a.memory=2e6 +3s", TOLD, "answer:done " OPENED_BIG("") },
	{ UP "!silence:a=600 sample:a.memory=2e6 +3s", TOLD, "answer:done " OPENED_BIG("(ops)") },
	{ UP "!silence:lone=600 sample:a.memory=2e6 +3s", TOLD, "answer:done " OPENED_BIG("(ops)") },
	{ UP "!silence:a=600 !silence:lone=600 sample:a.memory=2e6 +3s", TOLD,
	  "answer:done answer:done " OPENED_BIG("") },
	{ UP "!silence:all=600 sample:a.memory=2e6 +3s", TOLD, "answer:done " OPENED_BIG("") },
	/* a route */
	{ UP "!silence:r=600 @", NULL, "answer:done r until 600 by me: planned" },
};

#define OVER(name, how, state)                                                                     \
	"silence-over:" name "<command{the silence of " name " (planned) " how ": " state "}"
static const struct stage_row ends[] = {
	/* each in its time, with what is wrong then */
	{ UP "!silence:lone=60 !silence:third=120 +119s", "silence-over+",
	  "answer:done answer:done " OVER("lone", "is over", "all is well") },
	{ UP "!silence:lone=60 !silence:third=120 +120s", "silence-over+",
	  "answer:done answer:done " OVER("lone", "is over", "all is well") " "
	  OVER("third", "is over", "all is well") },
	{ UP "!silence:lone=60 !silence:third=60 +1m", "silence-over", "answer:done answer:done "
	  "silence-over:lone silence-over:third" },
	{ UP "!silence:a=60 bad:ca +1m", "silence-over+",
	  "answer:done " OVER("a", "is over", "1 incident is open") },
	{ UP "!silence:ca=60 bad:ca +1m", "silence-over+",
	  "answer:done " OVER("ca", "is over", "1 incident is open") },
	{ UP "!silence:b=60 good:cb bad:cb +1m", "silence-over+",
	  "answer:done " OVER("b", "is over", "1 incident is open") },
	{ UP "!silence:lone=60 bad:third bad:ca +1m", "silence-over+",
	  "answer:done " OVER("lone", "is over", "all is well") },
	{ UP "!silence:all=60 bad:third bad:ca +1m", "silence-over+",
	  "answer:done silence-over:monitord<command{the silence of all (planned) is over: 2 incidents "
	  "are open}" },
	{ UP "!silence:lone=60 bad:lone +55s good:lone +5s", "silence-over+",
	  "answer:done " OVER("lone", "is over", "all is well") }, /* it settles */
	{ UP "bad:lone +3s good:lone +30s !silence:lone=60 +1m", "silence-over+",
	  "answer:done " OVER("lone", "is over", "all is well") },
	/* the same once more takes the place of the first */
	{ UP "!silence:lone=60 !silence:lone=600 +2m @", "silence-over",
	  "answer:done answer:done lone until 600 by me: planned" },
	{ UP "!silence:a=60 !silence:ca=600 !silence:lone=600 !unsilence:a !silence:b=60 @", "silence-over",
	  "answer:done answer:done answer:done silence-over:a answer:done answer:done "
	  "b until 60 by me: planned ca until 600 by me: planned lone until 600 by me: planned" },
	/* it is kept for another life, and so is its end, but nothing else on the way */
	{ UP "!silence:lone=150 +149s", "remember", "answer:done remember" },
	{ UP "!silence:lone=150 +150s", "remember", "answer:done remember remember" },
	/* the wall clock is set: seen within a minute */
	{ UP "!silence:lone=7200 +1s clock:7200 +58s", "silence-over", "answer:done" },
	{ UP "!silence:lone=7200 +1s clock:7200 +59s", "silence-over", "answer:done silence-over:lone" },
	{ UP "!silence:lone=60 clock:-3600 +3659s", "silence-over", "answer:done" },
	{ UP "!silence:lone=60 clock:-3600 +61m", "silence-over", "answer:done silence-over:lone" },
	/* status sees it come and go */
	{ UP "@@ !silence:lone=60 @@ +1m @@ !silence:other=60 @@ !unsilence:other @@", NULL,
	  "answer:done [lone] [over] answer:done [other] answer:done [over]" },
};

static const struct stage_row tells[] = {
	/* that a first one ends, or another, tells only what was not told */
	{ UP "!silence:lone=60 bad:lone +61s !silence:other=30 +35s", "incident-open+ incident-remind+",
	  "answer:done " OPENED("lone", "") " " OPENED("lone", "(ops)") " answer:done" },
	/* what had been told is told again, and then in the time of its reminders */
	{ UP "bad:third +3s bad:lone +3s !silence:lone=600 +150s !unsilence:lone +29s", "incident-remind+ silence-over",
	  "answer:done incident-remind:third<check-down(ops){third is down: it is bad} "
	  "incident-remind:third<check-down(ops){third is down: it is bad} silence-over:lone "
	  "incident-remind:lone<check-down(ops){lone is down: it is bad} answer:done "
	  "incident-remind:third<check-down(ops){third is down: it is bad} "
	  "incident-remind:lone<check-down(ops){lone is down: it is bad}" },
};

/* Who, and why; both are read again. */
static const struct stage_row people[] = {
	{ UP "!silence:lone=60/a:b:c @", "command+",
	  "command:lone{silence for 1 min, 60 s, by a b c: planned} answer:done lone until 60 by a b c: "
	  "planned" },
	{ UP "!silence:lone=60/ @", NULL, "answer:done lone until 60 by uid 0: planned" },
	{ UP "!silence:lone @ !silence:lone=0 @", NULL, "answer:refused answer:refused" },
};

/* Another life reads them in the journal: those that last, and those that ended while it was away. */
static const struct stage_row lives[] = {
	{ UP "!silence:lone=600/a:b !silence:all=60 !silence:both=70 !silence:big=80 !silence:r=90 reborn @", NULL,
	  "answer:done answer:done answer:done answer:done answer:done lone until 600 by a b: planned all "
	  "until 60 by me: planned both until 70 by me: planned big until 80 by me: planned r until 90 by "
	  "me: planned" },
	{ UP "!silence:lone=600 !silence:third=600 !unsilence:lone reborn @", NULL,
	  "answer:done answer:done answer:done third until 600 by me: planned" },
	{ UP "!silence:lone=600 +1m clock:3600 reborn", "silence-over", "answer:done silence-over:lone" },
	{ UP "!silence:lone=600 +1m reborn bad:lone +3s", TOLD, "answer:done " OPENED("lone", "") },
};

static void
what_is_covered(void **state)
{
	(void)state;
	stage_table(text, covers, COUNT(covers));
	stage_table(text, ends, COUNT(ends));
	stage_table(text, tells, COUNT(tells));
	stage_table(text, people, COUNT(people));
	stage_table(text, lives, COUNT(lives));
}

/* Friday, 08:16:40 UTC: what is only told at some times is told when they come, there. */
static const char hours[] =
	OPS "[check x]\ntcp = h:1\ndown = 1\nup = 1\nduring = 08:00-08:17\n"
	"[check early]\ntcp = h:1\ndown = 1\nup = 1\nduring = 09:00-09:30\n"
	"[check later]\ntcp = h:1\ndown = 1\nup = 1\nduring = 09:05-09:30\n";
static const struct stage_row in_zones[] = {
	/* told at the very moment at which its time ends: not told, and not looked at for ever */
	{ "go good:x +18s bad:x +3s", TOLD, OPENED("x", "") },
	{ "zone:3600 go good:early bad:early +3s", TOLD, OPENED("early", "(ops)") },
	{ "zone:-3600 go good:early bad:early +1h +43m +19s", TOLD, OPENED("early", "") },
	{ "zone:-3600 go good:early bad:early +1h +43m +20s", TOLD,
	  OPENED("early", "") " " OPENED("early", "(ops)") },
	{ "zone:1800 go good:early bad:early +13m +19s", TOLD, OPENED("early", "") },
	{ "zone:1800 go good:early bad:early +13m +20s", TOLD,
	  OPENED("early", "") " " OPENED("early", "(ops)") },
	/* each of several; what is over, and what is told already, is not */
	{ "zone:1800 go good:early good:later bad:early bad:later +13m +20s", TOLD,
	  OPENED("early", "") " " OPENED("later", "") " " OPENED("early", "(ops)") },
	{ "zone:1800 go good:early good:later bad:early bad:later +18m +19s", "incident-open",
	  "incident-open:early incident-open:later incident-open:early" },
	{ "zone:1800 go good:early good:later bad:early bad:later +18m +20s", "incident-open",
	  "incident-open:early incident-open:later incident-open:early incident-open:later" },
};

static void
in_its_zone(void **state)
{
	(void)state;
	stage_table(hours, in_zones, COUNT(in_zones));
}

/* Over a reload: what has the same kind and name. */
static void
over_reloads(void **state)
{
	static const char before[] = OPS PORT("lone") PORT("other") SERVICE_A;
	static const char after[] = OPS PORT("third") SERVICE_A PORT("other");
	static const struct stage_row row = {
		"adopted:a go !silence:lone=60 !silence:other=70 !silence:a=80 !silence:all=90 @@ reload @@ @ +2m",
		"silence-over",
		"answer:done answer:done answer:done answer:done [lone] [other] [a] [all] "
		"[over] [other] [a] [all] other until 70 by me: planned a until 80 by me: planned "
		"all until 90 by me: planned silence-over:other silence-over:a silence-over:monitord"
	};
	(void)state;
	stage_reload(before, after, &row);
}

static struct decisions out;

/* What an operator hears. */
static const struct decision *
command(struct world *w, enum verb verb, enum object_kind kind, uint32_t id, uint32_t seconds)
{
	struct event e = { .kind = EVENT_COMMAND,
			   .verb = verb,
			   .object = kind,
			   .id = id,
			   .seconds = seconds,
			   .text = "planned" };
	decide(w, &e, 1000, 1000, &out);
	for (size_t i = 0; i < out.count; i++)
		if (out.list[i].kind == DECIDE_ANSWER)
			return &out.list[i];
	fail_msg("no answer");
	return NULL;
}

static uint32_t
silences(const struct world *w)
{
	struct msg_silence_view v;
	uint32_t n = 0;
	for (uint32_t i = 0; i < WORLD_SILENCES; i++) {
		world_silence_view(w, i, &v);
		n += v.until_real_ms != 0;
	}
	return n;
}

/* One check more than there may be silences. */
static struct rules *
many_checks(void)
{
	static char bytes[(WORLD_SILENCES + 1) * 64 + 200];
	struct text t;
	text_begin(&t, bytes, sizeof bytes);
	text_add(&t, OPS);
	for (unsigned i = 0; i <= WORLD_SILENCES; i++)
		text_add(&t, "[check c%u]\ntcp = h:1\n", i);
	return book(bytes);
}

static void
so_many(void **state)
{
	const uint32_t most = WORLD_SILENCES;
	struct rules *rules = many_checks();
	struct world *w = world_new(rules, 1, "host", 1000);
	(void)state;
	assert_non_null(w);
	for (uint32_t i = 0; i < most; i++)
		assert_int_equal(command(w, VERB_SILENCE, OBJECT_CHECK, i, 60)->answer,
				 ANSWER_DONE);
	const struct decision *d = command(w, VERB_SILENCE, OBJECT_CHECK, most, 60);
	assert_int_equal(d->answer, ANSWER_REFUSED);
	assert_string_equal(d->text, "too many silences");
	assert_int_equal(command(w, VERB_SILENCE, OBJECT_CHECK, 3, 60)->answer,
			 ANSWER_DONE);
	assert_int_equal(command(w, VERB_UNSILENCE, OBJECT_CHECK, most, 0)->answer,
			 ANSWER_DONE);
	assert_int_equal(silences(w), most);
	/* who ends one is the cause of what that leads to */
	command(w, VERB_UNSILENCE, OBJECT_CHECK, 3, 0);
	assert_int_equal(silences(w), most - 1);
	assert_string_equal(out.list[1].line.kind, "silence-over");
	assert_int_equal(out.list[1].line.cause, out.list[0].line.id);
	/* all is one, whatever number comes with it */
	assert_int_equal(command(w, VERB_SILENCE, OBJECT_MONITORD, 9, 60)->answer,
			 ANSWER_DONE);
	command(w, VERB_UNSILENCE, OBJECT_MONITORD, 0, 0);
	assert_int_equal(silences(w), most - 1);
	/* what is none */
	d = command(w, VERB_SILENCE, OBJECT_CONTACT, 0, 60);
	assert_int_equal(d->answer, ANSWER_REFUSED);
	assert_string_equal(d->text, "no such object");
	d = command(w, VERB_SILENCE, OBJECT_CHECK, most + 1, 60);
	assert_int_equal(d->answer, ANSWER_REFUSED);
	assert_string_equal(d->text, "no such object");
	assert_int_equal(silences(w), most - 1);
	world_free(&w);
	rules_free(&rules);
}

static void
recall(struct world *w, const char *kind, const char *name, const char *words)
{
	struct journal_line l = { .id = 7, .real_ms = 5000 };
	text_print(l.kind, sizeof l.kind, "command");
	text_print(l.object_kind, sizeof l.object_kind, "%s", kind);
	text_print(l.object, sizeof l.object, "%s", name);
	text_print(l.text, sizeof l.text, "%s", words);
	world_recall(w, &l);
}

/* What a journal, or a file of the last boot, says is read with care. */
static void
of_another_life(void **state)
{
	static const struct {
		const char *kind, *name, *words;
	} none[] = {
		{ "check", "nobody", "silence for 1 min, 60 s, by me: why" },
		{ "contact", "ops", "silence for 1 min, 60 s, by me: why" },
		{ "nothing", "c1", "silence for 1 min, 60 s, by me: why" },
		{ "check", "c1", "silence for 1 min" },
		{ "check", "c1", "silence for 1 min, 60 s" },
		{ "check", "c1", "silence for 1 min 60 s, by me: why" },
		{ "check", "c1", "silence for 1 min, some s, by me: why" },
		{ "check", "c1", "silence for 1 min, 60 s, by me" },
		{ "check", "c1", "unsilence by me" },
	};
	struct rules *rules = many_checks();
	struct world *w = world_new(rules, 1, "host", 1000);
	struct event timer = { .kind = EVENT_TIMER };
	struct msg_silence_view v;
	char name[16];
	(void)state;
	assert_non_null(w);
	for (size_t i = 0; i < COUNT(none); i++) {
		recall(w, none[i].kind, none[i].name, none[i].words);
		if (silences(w) != 0)
			fail_msg("%s %s: %s", none[i].kind, none[i].name, none[i].words);
	}
	recall(w, "check", "c1",
	       "silence for 1 min, 60 s, by A. B.:it, 5 s, by me: planned");
	world_silence_view(w, 0, &v);
	assert_int_equal(v.until_real_ms, 65000);
	assert_string_equal(v.who, "A. B.");
	assert_string_equal(v.why, "it, 5 s, by me: planned");
	for (uint32_t i = 0; i <= WORLD_SILENCES; i++) {
		text_print(name, sizeof name, "c%u", i);
		recall(w, "check", name, "silence for 1 min, 60 s, by me: why");
	}
	assert_int_equal(silences(w), WORLD_SILENCES);
	recall(w, "check", name, "unsilence by me"); /* that one found no room */
	assert_int_equal(silences(w), WORLD_SILENCES);
	recall(w, "check", "c1", "unsilence by me");
	assert_int_equal(silences(w), WORLD_SILENCES - 1);
	world_silence_keep(w, OBJECT_CHECK, "nobody", 60000, "me", "why");
	assert_int_equal(silences(w), WORLD_SILENCES - 1);
	world_silence_keep(w, OBJECT_MONITORD, "", 61000, "you", "moved");
	for (uint32_t i = 0; i < WORLD_SILENCES; i++) {
		world_silence_view(w, i, &v);
		if (v.kind == OBJECT_MONITORD)
			break;
	}
	assert_int_equal(v.until_real_ms, 61000);
	assert_string_equal(v.who, "you");
	assert_string_equal(v.why, "moved");
	assert_int_equal(world_deadline(w), 1000);
	decide(w, &timer, 1000, 61000, &out); /* its time is over by now */
	assert_int_equal(silences(w), WORLD_SILENCES - 1);
	world_free(&w);
	rules_free(&rules);
}

int
test_silence(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_covered),
		cmocka_unit_test(in_its_zone),
		cmocka_unit_test(over_reloads),
		cmocka_unit_test(so_many),
		cmocka_unit_test(of_another_life),
	};
	return cmocka_run_group_tests_name("silence", tests, NULL, NULL);
}
