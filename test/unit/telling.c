/* Who is told of an incident: by which names, and when again. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

#define CONTACT(name) "[contact " name "]\nmail = a@b\n"
#define MONITORD "[monitord]\nsmtp = h:25\n"
#define LONE "[check lone]\ntcp = h:1\ndown = 1\nup = 1\n"
#define TOLD "incident-open+ incident-escalate+ incident-remind"
#define OPENED(to) "incident-open:lone<check-down(" to "){lone is down: it is bad}"

/* Twice by two ways at the same time is once; a circle of contacts is gone round a few times only. */
static const char twice[] =
	MONITORD "alert = ops, oncall after 5m\nremind = 1m, 4m, 10m\n" CONTACT("ops")
	"escalate = 5m -> oncall, 5m -> boss\n" CONTACT("oncall") CONTACT("boss") LONE;
static const char circle[] =
	MONITORD "alert = ops\nremind = 1d\n" CONTACT("ops") "escalate = 1m -> boss\n"
	CONTACT("boss") "escalate = 1m -> ops\n" LONE;
static const struct stage_row twice_rows[] = {
	{ "go good:lone bad:lone +2s +5m", "incident-open+ incident-escalate+",
	  OPENED("ops") " incident-escalate:lone<check-down(oncall,boss){nobody has taken it for "
	  "5 min: lone is down: it is bad}" },
	/* each reminder in its time, then in steps of the last */
	{ "go good:lone bad:lone +2s +59s +1s", "incident-remind", "incident-remind:lone" },
	{ "go good:lone bad:lone +2s +239s", "incident-remind", "incident-remind:lone" },
	{ "go good:lone bad:lone +2s +9m", "incident-remind", "incident-remind:lone incident-remind:lone" },
	{ "go good:lone bad:lone +2s +30m", "incident-remind",
	  "incident-remind:lone incident-remind:lone incident-remind:lone incident-remind:lone "
	  "incident-remind:lone" },
	{ "go good:lone bad:lone +3s !ack:lone +5m due?", NULL, "answer:done at-rest" },
};
static const struct stage_row circle_rows[] = {
	{ "go good:lone bad:lone +2s +1h", "incident-open incident-escalate",
	  "incident-open:lone incident-escalate:lone incident-escalate:lone incident-escalate:lone "
	  "incident-escalate:lone incident-escalate:lone incident-escalate:lone "
	  "incident-escalate:lone incident-escalate:lone" },
};

/* As many names as there is room for, and no half of one. */
#define TEN "abcdefghij"
#define SIXTY TEN TEN TEN TEN TEN TEN
static const char many[] =
	MONITORD "alert = x-" SIXTY ", y-" SIXTY ", " TEN TEN TEN "-zzz, ops\n" CONTACT("x-" SIXTY)
	CONTACT("y-" SIXTY) CONTACT(TEN TEN TEN "-zzz") CONTACT("ops") LONE;
static const struct stage_row many_rows[] = {
	{ "go good:lone bad:lone +2s", "incident-open+", OPENED("x-" SIXTY ",y-" SIXTY ",ops") },
};

static void
by_names(void **state)
{
	(void)state;
	stage_table(twice, twice_rows, COUNT(twice_rows));
	stage_table(circle, circle_rows, COUNT(circle_rows));
	stage_table(many, many_rows, COUNT(many_rows));
}

int
test_telling(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(by_names) };
	return cmocka_run_group_tests_name("telling", tests, NULL, NULL);
}
