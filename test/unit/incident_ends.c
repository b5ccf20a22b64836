/* Incidents in detail: when they gather, what status shows of them, how they begin again, and how
 * one becomes a part of another. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

#define CHECK(name) "[check " name "]\ntcp = h:1\ndown = 1\nup = 1\n"
static const char text[] =
	"[monitord]\nremind = 1m\nsmtp = h:25\nalert = ops\n[contact ops]\nmail = ops@h\n"
	"[service a]\nrun = /a\nready = exec\n[check ca]\nof = a\ntcp = h:1\ndown = 1\nup = 1\n"
	"[service f]\nrun = /f\nready = exec\nat-most = 1 in 1h\n" CHECK("lone") CHECK("other")
	"[service w]\nrun = /w\nready = exec\n[rule again]\nwhen = other.down\ndo = restart "
	  "w\ncooldown = 10s\n";
#define UP "adopted:a adopted:f adopted:w go good:ca good:lone good:other "
#define TOLD "incident-open incident-close incident-remind incident-again incident-ack"
#define SAID                                                                                       \
	"incident-open+ incident-close+ incident-remind+ incident-again+ incident-ack+"

#define DIES(s) "killed:" s "=9 empty:" s " "

static const struct stage_row rows[] = {
	/* those that begin within a quarter of a second gather as long */
	{ UP "+100ms bad:lone +2149ms", TOLD, "" },
	{ UP "+100ms bad:lone +2150ms", TOLD, "incident-open:lone" },
	/* over before it was told: told when it would have been, or when it was well long enough */
	{ UP "bad:lone +500ms good:lone +1499ms", TOLD, "" },
	{ UP "bad:lone +500ms good:lone +1500ms", TOLD, "incident-open:lone" },
	{ UP "bad:lone +500ms good:lone +1999ms", TOLD, "incident-open:lone" },
	{ UP "bad:lone +500ms good:lone +2000ms", TOLD, "incident-open:lone incident-close:lone" },
	{ UP "bad:lone +100ms good:lone +900ms bad:lone +100ms good:lone +899ms", TOLD, "" },
	{ UP "bad:lone +100ms good:lone +900ms bad:lone +100ms good:lone +900ms", TOLD,
	  "incident-open:lone" },
	/* three times within ten minutes: it flaps */
	{ UP "bad:lone +100ms good:lone +100ms bad:lone +100ms good:lone +100ms bad:lone +3s",
	  SAID, "incident-open:lone<check-down(ops){lone flaps: wrong 3 times in 2.0 s; you "
	  "hear again when it has been well for 5 min: lone is down: it is bad}" },
	{ UP "bad:lone +9m +58s good:lone +500ms bad:lone +500ms good:lone +1s bad:lone +3s",
	  "incident-open incident-again", "incident-open:lone" },
	{ UP "bad:lone +9m +58s good:lone +500ms bad:lone +500ms good:lone +999ms bad:lone +3s",
	  "incident-open incident-again", "incident-open:lone incident-again:lone" },
	/* of a service it is none yet */
	{ UP "killed:a=9 empty:a +1s started:a good:ca +1m killed:a=9 empty:a +3s", SAID,
	  "KILL:a(tree) start:a incident-open:a<service-exited(ops){a exited: killed by "
	  "signal 9 (SIGKILL)} incident-close:a<service-exited(ops){over after 1.0 s: a "
	  "exited: killed by signal 9 (SIGKILL)} KILL:a(tree) start:a "
	  "incident-again:a<service-exited(ops){again, 1 min 3 s after it began: a "
	  "exited: killed by signal 9 (SIGKILL)}" },
	/* what was over for ten minutes is another; what another life knew as over as well */
	{ UP "bad:lone +5s good:lone +10s +10m bad:lone +3s", TOLD,
	  "incident-open:lone incident-close:lone incident-open:lone" },
	{ UP "bad:lone +5s good:lone +10s +599999ms bad:lone +3s", TOLD,
	  "incident-open:lone incident-close:lone incident-again:lone" },
	{ UP "bad:lone +3s good:lone +30s reborn good:lone bad:lone +3s", TOLD,
	  "incident-open:lone incident-close:lone incident-open:lone" },
	/* it begins again as if nobody had taken it, and is told of as often */
	{ UP "bad:lone +3s !ack:lone +10s % good:lone +30s % bad:lone +3s %", TOLD,
	  "incident-open:lone incident-ack:lone answer:done lone is acked from 0 to -1 "
	  "taken by me {lone is down: it is bad} incident-close:lone lone is closed from "
	  "0 to 13 taken by me {lone is down: it is bad} incident-again:lone lone is open "
	  "from 0 to -1 {lone is down: it is bad}" },
	{ UP "bad:lone +10m good:lone +30s bad:lone +63s", TOLD,
	  "incident-open:lone incident-remind:lone incident-remind:lone "
	  "incident-remind:lone incident-remind:lone incident-remind:lone "
	  "incident-remind:lone incident-remind:lone incident-remind:lone "
	  "incident-remind:lone incident-close:lone incident-again:lone "
	  "incident-remind:lone" },
	{ UP "%% bad:lone %% +3s %% good:lone %% +10s %% bad:lone %%", NULL,
	  "[lone] [lone] [lone] [lone]" },
	/* nor is it hidden any more by a silence that is over */
	{ UP "!silence:lone=60 bad:lone +3s good:lone +10s +1m bad:lone +3s", SAID,
	  "answer:done incident-open:lone<check-down{lone is down: it is bad} "
	  "incident-close:lone<check-down{over after 3.0 s: lone is down: it is bad} "
	  "incident-again:lone<check-down(ops){lone flaps: wrong 2 times in 1 min 15 s; "
	  "you hear again when it has been well for 5 min: lone is down: it is bad}" },
	/* the root may be found later */
	{ UP "bad:ca +3s %% killed:a=9 %% %", TOLD,
	  "incident-open:ca [ca] KILL:a(tree) [a] a is open from 0 to -1 {a exited: "
	  "killed by signal 9 (SIGKILL)}" },
	/* worse, and in these words from then on */
	{ UP "killed:f=9 empty:f started:f +3s killed:f=9 %% empty:f %% +1s !start:f started:f "
	  "+1m", SAID, "KILL:f(tree) start:f incident-open:f<service-exited(ops){f exited: "
	  "killed by "
	  "signal 9 (SIGKILL)} incident-close:f<service-exited(ops){over after 0 ms: f "
	  "exited: killed by signal 9 (SIGKILL)} KILL:f(tree) [f] [f] start:f answer:done "
	  "incident-again:f<service-exited(ops){again, 5.0 s after it began: f has "
	  "failed: more than 1 restarts in 1 h; nothing more is done} "
	  "incident-close:f<service-exited(ops){over after 4.0 s: f has failed: more than "
	  "1 restarts in 1 h; nothing more is done}" },
	/* who took it, of those that are open */
	{ UP "bad:lone bad:other +3s !ack:other %", TOLD,
	  "TERM:w(main) incident-open:lone incident-open:other incident-ack:other "
	  "answer:done lone is open from 0 to -1 {lone is down: it is bad} other is acked "
	  "from 0 to -1 taken by me {other is down: it is bad}" },
	{ UP "bad:lone +3s !ack:lone= %", SAID,
	  "incident-open:lone<check-down(ops){lone is down: it is bad} "
	  "incident-ack:lone<check-down(ops){acknowledged by uid 0: planned} answer:done "
	  "lone is acked from 0 to -1 taken by uid 0 {lone is down: it is bad}" },
	/* acknowledged when it was well again: over all the same */
	{ UP "bad:lone +3s good:lone !ack:lone +30s", TOLD, "incident-open:lone incident-ack:lone answer:done incident-close:lone" },
	{ UP "bad:lone +3s !ack:lone=a:b %", SAID,
	  "incident-open:lone<check-down(ops){lone is down: it is bad} "
	  "incident-ack:lone<check-down(ops){acknowledged by a b: planned} answer:done "
	  "lone is acked from 0 to -1 taken by a b {lone is down: it is bad}" },
	{ UP "bad:lone +3s good:lone +30s !ack:lone", "incident-ack", "answer:refused" },
	/* that it is given up is seen by the next life only: it is not over */
	{ UP DIES("f") "started:f killed:f=9 reborn adopted:a adopted:w go +1m ?f %", TOLD, 
	  "KILL:f(tree) start:f KILL:f(tree) incident-open:f f=failed f is open from 0 to "
	  "-1 {f has failed: more than 1 restarts in 1 h; nothing more is done}" },
	/* since when it has been over */
	{ UP "bad:lone +3s good:lone +30s %", NULL,
	  "lone is closed from 0 to 3 {lone is down: it is bad}" },
};

static const char often[] =
	"[monitord]\nsmtp = h:25\nalert = ops\n[contact ops]\nmail = ops@h\n"
	"[service a]\nrun = /a\nready = exec\nat-most = 1 in 1h\n" CHECK("lone")
	"[rule again]\nwhen = lone.down\ndo = restart a\ncooldown = 10s\nalert = none\n";
static const struct stage_row too_often[] = {
	{ "adopted:a go good:lone bad:lone exited:a=0 empty:a started:a +11s", SAID,
	  "TERM:a(main) start:a incident-open:lone<check-down(ops){lone is down: it is "
	  "bad} incident-remind:lone<check-down(ops){a has failed: more than 1 restarts "
	  "in 1 h; nothing more is done}" },
};

/* Who dies a moment before what it needs becomes a part of that. */
static const char needs[] =
	"[monitord]\nsmtp = h:25\nalert = ops\n[contact ops]\nmail = ops@h\n" CHECK("lone")
	"[service store]\nrun = /s\nready = exec\n"
	"[service u]\nrun = /u\nready = exec\ndepends = store\n"
	"[service v]\nrun = /v\nready = exec\ndepends = store\n"
	"[service t]\nrun = /t\nready = exec\ndepends = v\n";
#define ALL "adopted:store adopted:u adopted:v adopted:t go good:lone +1s "
static const struct stage_row parts[] = {
	{ ALL "bad:lone " DIES("u") DIES("v") "%% +1s " DIES("store") "%% +3s %% %", TOLD,
	  "KILL:u(tree) start:u KILL:v(tree) start:v [lone] [u] [v] KILL:store(tree) "
	  "start:store [store] incident-open:lone incident-open:store incident-close:v "
	  "[lone] [store] [v] lone is open from 1 to -1 {lone is down: it is bad} store "
	  "is open from 1 to -1 {store exited: killed by signal 9 (SIGKILL)} v is closed "
	  "from 1 to 3 {a part of incident 6: v exited: killed by signal 9 (SIGKILL)}" },
	/* it is over when all of them are well, and begins again as one */
	{ ALL DIES("u") DIES("v") "+1s " DIES("store") "+3s started:store started:u +1m "
	  "started:v +1m %",
	  TOLD, "KILL:u(tree) start:u KILL:v(tree) start:v KILL:store(tree) start:store "
	  "incident-open:store incident-close:v incident-close:store store is closed from "
	  "1 to 61 {store exited: killed by signal 9 (SIGKILL)} v is closed from 1 to 3 "
	  "{a part of incident 5: v exited: killed by signal 9 (SIGKILL)}" },
	{ ALL DIES("u") DIES("v") "+1s " DIES("store") "+3s started:store started:u started:v +1m "
	  DIES("v") "+3s %", TOLD, "KILL:u(tree) start:u KILL:v(tree) start:v KILL:store(tree) "
	  "start:store "
	  "incident-open:store incident-close:v incident-close:store KILL:v(tree) start:v "
	  "incident-again:store store is open from 1 to -1 {store exited: killed by "
	  "signal 9 (SIGKILL)} v is closed from 1 to 3 {a part of incident 5: v exited: "
	  "killed by signal 9 (SIGKILL)}" },
	/* not if that is over already, and it is not */
	{ ALL DIES("u") "killed:v=9 +1s " DIES("store") "started:store started:u +3s", TOLD,
	  "KILL:u(tree) start:u KILL:v(tree) KILL:store(tree) start:store "
	  "incident-open:store incident-open:v incident-close:store" },
	/* and who was affected by it is so by the other */
	{ ALL DIES("u") DIES("v") "+1s " DIES("store") "+5s " DIES("t") "+5s",
	  TOLD " service-affected", "KILL:u(tree) start:u KILL:v(tree) service-affected:t "
	  "start:v KILL:store(tree) "
	  "service-affected:u service-affected:v service-affected:t start:store "
	  "incident-open:store incident-close:v KILL:t(tree)" },
};

/* Nothing of v is left when the store dies, so it needs it no more; who needs v is affected still. */
static const char ended[] =
	"[monitord]\nsmtp = h:25\nalert = ops\n[contact ops]\nmail = ops@h\n"
	"[service store]\nrun = /s\nready = exec\n"
	"[service u]\nrun = /u\nready = exec\ndepends = store\nrestart = never\n"
	"[service v]\nrun = /v\nready = exec\ndepends = store\nrestart = never\n"
	"[service t]\nrun = /t\nready = exec\ndepends = v\n";
static const struct stage_row affected[] = {
	{ "adopted:store adopted:u adopted:v adopted:t go +1s " DIES("u") DIES("v") "+1s " DIES("store") "+5s " DIES(
		  "t") "+5s",
	  TOLD " service-affected",
	  "KILL:u(tree) KILL:v(tree) service-affected:t KILL:store(tree) start:store "
	  "incident-open:store incident-close:v KILL:t(tree)" },
};

/* What is ill on one path is one incident, and so is what a rule sees of the whole. */
static const char paths[] =
	"[monitord]\nsmtp = h:25\nalert = ops\n[contact ops]\nmail = "
	  "ops@h\n" CHECK("all") CHECK("w")
	CHECK("x") CHECK("y") CHECK("z") CHECK("wx") "[service db]\nrun = /d\nready = exec\n"
	"[chain two]\npath = w -> x\npath = y -> z\n[chain one]\npath = wx -> db\ncheck = all\n"
	"[rule nobody]\nwhen = one.down\ndo = log\n";
#define ALL_WELL "adopted:db go good:all good:w good:x good:y good:z good:wx +1s "
static const struct stage_row on_paths[] = {
	{ ALL_WELL "bad:z bad:y +3s", TOLD, "incident-open:z" },
	{ ALL_WELL "bad:y +1s bad:z +3s", TOLD, "incident-open:z" },
	{ ALL_WELL "bad:x bad:w +3s", TOLD, "incident-open:x" },
	{ ALL_WELL "bad:w bad:z +3s", TOLD, "incident-open:w incident-open:z" },
	{ ALL_WELL "bad:x bad:y +3s", TOLD, "incident-open:x incident-open:y" },
	{ ALL_WELL "killed:db=9 +3s", TOLD " rule-fired",
	  "KILL:db(tree) rule-fired:nobody incident-open:db" },
	{ ALL_WELL "bad:wx +3s", TOLD " rule-fired", "rule-fired:nobody incident-open:wx" },
	{ ALL_WELL "bad:all +3s", TOLD " rule-fired", "rule-fired:nobody incident-open:all" },
};

/* A rule belongs to what it reads, as far as that is ill. */
static const char reads[] =
	"[monitord]\nsmtp = h:25\nalert = ops\n[contact ops]\nmail = ops@h\n"
	"[service a]\nrun = /a\nready = exec\n[service b]\nrun = /b\nready = exec\n"
	"[check ca]\nof = a\nhttp = http://h/\ndown = 1\nup = 1\n"
	"[check cb]\nof = a\ntcp = h:1\ndown = 1\nup = 1\n" CHECK("lone")
	"[rule big]\nwhen = lone.down or a.memory > 1G\ndo = log\n"
	"[rule odd]\nwhen = ca.status = 404\ndo = log\n"
	"[rule other]\nwhen = b.memory > 1G or b.cpu > 90%\ndo = log\n";
#define READ "adopted:a adopted:b go good:ca good:cb good:lone +1s "
static const struct stage_row of_rules[] = {
	{ READ "bad:cb sample:a.memory=2e9 +3s", TOLD " rule-fired",
	  "rule-fired:big incident-open:cb" },
	{ READ "bad:cb good:ca=404 +3s", TOLD " rule-fired", "rule-fired:odd incident-open:cb" },
	{ READ "bad:cb sample:b.memory=2e9 +3s", TOLD " rule-fired",
	  "rule-fired:other incident-open:cb incident-open:other" },
	{ READ "bad:lone +3s", TOLD " rule-fired", "rule-fired:big incident-open:lone" },
};

static void
life_of_one(void **state)
{
	(void)state;
	stage_table(text, rows, COUNT(rows));
	stage_table(often, too_often, COUNT(too_often));
	stage_table(needs, parts, COUNT(parts));
	stage_table(ended, affected, COUNT(affected));
	stage_table(paths, on_paths, COUNT(on_paths));
	stage_table(reads, of_rules, COUNT(of_rules));
}

int
test_incident_ends(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(life_of_one) };
	return cmocka_run_group_tests_name("incident_ends", tests, NULL, NULL);
}
