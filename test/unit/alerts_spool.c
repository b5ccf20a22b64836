/* The spool: order, uniqueness, and what survives. */
#include "alerts/spool.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sqlite3.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct letter letter;

static void
line(struct journal_line *l, uint64_t id, const char *kind, const char *object,
     const char *text)
{
	memset(l, 0, sizeof *l);
	l->id = id;
	l->real_ms = 1764024000000 + (int64_t)id;
	l->incident = 12;
	text_print(l->kind, sizeof l->kind, "%s", kind);
	text_print(l->object_kind, sizeof l->object_kind, "service");
	text_print(l->object, sizeof l->object, "%s", object);
	text_print(l->text, sizeof l->text, "%s", text);
}

static const struct spool_severity critical = { SEVERITY_CRITICAL, SEVERITY_CRITICAL };
static char path[] = "/tmp/monitord-spool.XXXXXX";
static struct spool *spool;
static int64_t now = 1764024000000;

static void
reopen(void)
{
	char why[200];
	bool aside;
	spool_close(&spool);
	spool = spool_open("spool.db", &aside, why, sizeof why);
	if (spool == NULL || aside)
		fail_msg("%s", why);
}

static int
in_folder(void **state)
{
	(void)state;
	text_print(path, sizeof path, "/tmp/monitord-spool.XXXXXX");
	if (mkdtemp(path) == NULL || chdir(path) != 0)
		return -1;
	reopen();
	return 0;
}

static int
out_of_folder(void **state)
{
	static const char *const files[] = {
		"spool.db",         "spool.db-wal",         "spool.db-shm",
		"spool.db.damaged", "spool.db.damaged-wal", "spool.db.damaged-shm"
	};
	(void)state;
	spool_close(&spool);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		unlink(files[i]);
	return chdir("/") != 0 || rmdir(path) != 0 ? -1 : 0;
}

static void
put(uint64_t id, const char *kind, uint64_t incident, const char *contacts)
{
	struct journal_line l;
	struct spool_addressee to[4];
	char list[64], *rest = list, *name;
	size_t n = 0;
	line(&l, id, kind, "tomcat", kind);
	l.incident = incident;
	text_print(list, sizeof list, "%s", contacts);
	while ((name = strsep(&rest, ",")) != NULL)
		if (*name != '\0') {
			text_print(to[n].contact, sizeof to[n].contact, "%s", name);
			to[n].least = SEVERITY_WARNING;
			to[n++].way = WAY_MAIL;
		}
	assert_true(spool_begin(spool));
	assert_true(spool_take(spool, &l, to, n, 0, critical, now));
	assert_true(spool_commit(spool));
}

/* The next alert must be this one; contact NULL: none may be due. */
static struct spool_alert
next_is(const char *contact, enum phase phase, const int64_t *busy, size_t count_busy)
{
	struct spool_alert a = { .id = 0 };
	int64_t wait;
	bool got = spool_next(spool, now, busy, count_busy, &a, &wait);
	if (contact == NULL) {
		if (got)
			fail_msg("phase %d to %s is not due", (int)a.phase, a.contact);
		return a;
	}
	assert_true(got);
	assert_string_equal(a.contact, contact);
	assert_int_equal(a.phase, phase);
	return a;
}

static void
settle(int64_t id, enum fate fate)
{
	assert_true(spool_begin(spool) && spool_settle(spool, id, fate, now) &&
		    spool_commit(spool));
}

static void
the_end_never_overtakes(void **state)
{
	(void)state;
	put(12, "service-exited", 12, "");
	put(13, "incident-open", 12, "ops,boss");
	put(14, "incident-close", 12, "ops,boss");
	struct spool_alert a = next_is("ops", PHASE_OPEN, NULL, 0);
	struct spool_alert b = next_is("boss", PHASE_OPEN, &a.id, 1);
	int64_t busy[] = { a.id, b.id };
	next_is(NULL, PHASE_OPEN, busy, 2);
	assert_true(spool_retry(spool, a.id, now + 1000));
	settle(b.id, FATE_SENT);
	struct spool_alert c = next_is("boss", PHASE_CLOSE, NULL, 0);
	next_is(NULL, PHASE_OPEN, &c.id, 1);
	now += 1000;
	a = next_is("ops", PHASE_OPEN, &c.id, 1);
	assert_int_equal(a.tries, 1);
	settle(a.id, FATE_FAILED);
	a = next_is("ops", PHASE_CLOSE, &c.id, 1);
	settle(a.id, FATE_SENT);
	settle(c.id, FATE_SENT);
	struct spool_counts n = spool_count(spool);
	assert_int_equal(n.queued, 0);
	assert_int_equal(n.sent, 3);
	assert_int_equal(n.failed, 1);
}

static void
a_line_read_again_makes_nothing_new(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		put(12, "service-exited", 12, "");
		put(13, "incident-open", 12, "ops");
		put(14, "incident-remind", 12, "ops");
		put(15, "incident-remind", 12, "ops");
		put(16, "incident-close", 12, "ops");
		put(17, "alert", 0, "ops");
	}
	assert_int_equal(spool_count(spool).queued, 5);
	int64_t ms;
	assert_int_equal(spool_cursor(spool, &ms), 17);
	assert_int_equal(ms, 1764024000017);
}

static void
an_action_tells_once_and_hears_the_end(void **state)
{
	(void)state;
	put(12, "rule-fired", 12, "");
	put(13, "page", 12, "oncall");
	next_is(NULL, PHASE_OPEN, NULL, 0); /* it gathers */
	put(14, "service-up", 12, "");
	put(15, "incident-open", 12, "oncall");
	struct spool_alert a = next_is("oncall", PHASE_OPEN, NULL, 0);
	assert_true(spool_letter(spool, &a, &letter));
	assert_int_equal(letter.about.id, 15);
	assert_int_equal(letter.line_count, 4);
	settle(a.id, FATE_SENT);
	put(16, "page", 12, "oncall");
	now += 10000;
	next_is(NULL, PHASE_OPEN, NULL, 0);
	put(17, "page", 12, "boss");
	now += 10000;
	a = next_is("boss", PHASE_OPEN, NULL, 0);
	settle(a.id, FATE_SENT);
	put(18, "incident-close", 12, "");
	a = next_is("oncall", PHASE_CLOSE, NULL, 0);
	next_is("boss", PHASE_CLOSE, &a.id, 1);
}

static void
a_long_incident_keeps_its_ends(void **state)
{
	(void)state;
	for (uint64_t id = 12; id < 700; id++)
		put(id, "service-exited", 12, "");
	put(700, "incident-close", 12, "ops");
	struct spool_alert a = next_is("ops", PHASE_CLOSE, NULL, 0);
	assert_true(spool_letter(spool, &a, &letter));
	assert_int_equal(letter.number, 12);
	assert_int_equal(letter.since_ms, 1764024000012);
	assert_int_equal(letter.line_count, LETTER_LINES);
	assert_int_equal(letter.lines[0].id, 12);
	assert_int_equal(letter.lines[LETTER_HEAD - 1].id, 12 + LETTER_HEAD - 1);
	assert_int_equal(letter.lines[LETTER_LINES - 1].id, 700);
	assert_true(letter.omitted > 0);
}

static void
ids_may_begin_anew(void **state)
{
	(void)state;
	put(12, "incident-open", 12, "ops");
	assert_true(spool_new_life(spool, now));
	put(12, "incident-open", 12, "ops");
	/* the first one is over as well */
	assert_int_equal(spool_count(spool).queued, 3);
	struct spool_alert a = next_is("ops", PHASE_OPEN, NULL, 0);
	settle(a.id, FATE_SENT);
	a = next_is("ops", PHASE_CLOSE, NULL, 0);
	assert_true(spool_letter(spool, &a, &letter));
	assert_string_equal(letter.about.kind, "incident-close");
	assert_non_null(strstr(letter.about.text, "began anew"));
	settle(a.id, FATE_SENT);
	next_is("ops", PHASE_OPEN, NULL, 0);
}

/* Whom an incident does not concern hears of it when it gets worse, and of its end. */
static void
severity_decides_who_hears(void **state)
{
	static const struct spool_severity warning = { SEVERITY_WARNING,
						       SEVERITY_CRITICAL },
					   none = { SEVERITY_NONE, SEVERITY_CRITICAL };
	struct spool_addressee to[2] = { { "all", WAY_MAIL, SEVERITY_WARNING },
					 { "night", WAY_MAIL, SEVERITY_CRITICAL } };
	struct journal_line l;
	(void)state;
	assert_true(spool_begin(spool));
	line(&l, 12, "check-degraded", "web", "slow");
	assert_true(spool_take(spool, &l, to, 0, 0, warning, now));
	line(&l, 13, "incident-open", "web", "slow");
	assert_true(spool_take(spool, &l, to, 2, 0, none, now));
	assert_true(spool_commit(spool));
	struct spool_alert a = next_is("all", PHASE_OPEN, NULL, 0);
	assert_int_equal(a.severity, SEVERITY_WARNING);
	next_is(NULL, PHASE_OPEN, &a.id, 1);
	settle(a.id, FATE_SENT);
	assert_true(spool_begin(spool));
	line(&l, 14, "check-down", "web", "down");
	assert_true(spool_take(spool, &l, to, 0, 0, critical, now));
	line(&l, 15, "incident-close", "web", "over");
	assert_true(spool_take(spool, &l, to, 2, 0, none, now));
	assert_true(spool_commit(spool));
	a = next_is("night", PHASE_OPEN, NULL, 0);
	settle(a.id, FATE_SENT);
	a = next_is("all", PHASE_CLOSE, NULL, 0);
	settle(a.id, FATE_SENT);
	a = next_is("night", PHASE_CLOSE, NULL, 0);
	settle(a.id, FATE_SENT);
	next_is(NULL, PHASE_OPEN, NULL, 0);
}

/* What goes with another meets its fate, and is told in one. */
static void
a_bundle_goes_as_one(void **state)
{
	static struct letter_item items[8];
	(void)state;
	put(12, "incident-open", 12, "ops");
	put(13, "incident-open", 13, "ops,boss");
	put(14, "incident-open", 14, "ops");
	struct spool_alert a = next_is("ops", PHASE_OPEN, NULL, 0);
	assert_int_equal(spool_waiting(spool, &a, now), 2);
	assert_true(spool_bundle(spool, &a, NULL, 0, now));
	assert_int_equal(spool_waiting(spool, &a, now), 0);
	put(15, "incident-close", 13, "ops,boss");
	assert_int_equal(spool_items(spool, &a, items, 8), 3);
	assert_int_equal(items[0].number, 12);
	assert_int_equal(items[2].number, 14);
	for (int i = 0; i < 3; i++) { /* each can be told in full */
		struct spool_alert one = { .id = items[i].alert,
					   .thread = items[i].thread };
		assert_true(spool_letter(spool, &one, &letter));
		assert_int_equal(letter.number, items[i].number);
		assert_int_equal(letter.line_count > 0, 1);
	}
	struct spool_alert b = next_is("boss", PHASE_OPEN, &a.id, 1);
	assert_int_equal(spool_items(spool, &b, items, 8), 0);
	settle(b.id, FATE_SENT);
	settle(a.id, FATE_SENT);
	assert_int_equal(spool_count(spool).sent, 4);
	assert_int_equal(spool_pace(spool, &a, now - 1000).count, 1); /* one mail */
	a = next_is("ops", PHASE_CLOSE, NULL, 0);
	assert_true(spool_hold(spool, &a, now + 500));
	next_is("boss", PHASE_CLOSE, NULL, 0);
}

/* A spool of before is taken over as it is. */
static void
an_older_spool_is_taken_over(void **state)
{
	sqlite3 *db;
	(void)state;
	put(12, "incident-open", 12, "ops");
	spool_close(&spool);
	assert_int_equal(sqlite3_open("spool.db", &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db,
			     "ALTER TABLE thread DROP COLUMN severity;"
			     "DROP INDEX alert_bundle;"
			     "ALTER TABLE alert DROP COLUMN least;"
			     "ALTER TABLE alert DROP COLUMN severity;"
			     "ALTER TABLE alert DROP COLUMN bundle;"
			     "DROP TABLE member; DROP TABLE pace; DROP TABLE trace;"
			     "PRAGMA user_version = 0",
			     NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	reopen();
	struct spool_alert a = next_is("ops", PHASE_OPEN, NULL, 0);
	assert_true(spool_letter(spool, &a, &letter));
	put(13, "incident-close", 12, "ops");
	settle(a.id, FATE_SENT);
	next_is("ops", PHASE_CLOSE, NULL, 0);
}

/* Whoever is killed at any moment: each line that was told of as committed is there,
 * once. */
static void
nothing_committed_is_lost_by_a_kill(void **state)
{
	(void)state;
	spool_close(&spool);
	for (int round = 0; round < 8; round++) {
		int fds[2], status;
		assert_int_equal(pipe(fds), 0);
		pid_t pid = fork();
		if (pid == 0) {
			int64_t ms;
			reopen();
			for (uint64_t id = spool_cursor(spool, &ms) + 1;; id++) {
				put(id, "alert", 0, "ops");
				if (write(fds[1], &id, sizeof id) != (ssize_t)sizeof id)
					_exit(1);
			}
		}
		uint64_t told = 0, id;
		close(fds[1]);
		for (int i = 0; i < 7 + round; i++)
			if (read(fds[0], &id, sizeof id) == (ssize_t)sizeof id)
				told = id;
		kill(pid, SIGKILL);
		while (read(fds[0], &id, sizeof id) == (ssize_t)sizeof id)
			told = id;
		waitpid(pid, &status, 0);
		close(fds[0]);
		int64_t ms;
		reopen();
		assert_true(told > 0);
		assert_true(spool_cursor(spool, &ms) >= told);
		assert_int_equal(spool_count(spool).queued, spool_cursor(spool, &ms));
		spool_close(&spool);
	}
	reopen();
}

static void
answers_survive(void **state)
{
	(void)state;
	put(12, "incident-open", 12, "ops");
	struct spool_alert a = next_is("ops", PHASE_OPEN, NULL, 0);
	assert_true(spool_begin(spool) && spool_answer(spool, a.id, "a@x", 1, 250) &&
		    spool_answer(spool, a.id, "b@x", 2, 550) &&
		    spool_retry(spool, a.id, now + 5) && spool_commit(spool));
	reopen();
	assert_int_equal(spool_answered(spool, a.id, "a@x"), 1);
	assert_int_equal(spool_answered(spool, a.id, "b@x"), 2);
	assert_int_equal(spool_answered(spool, a.id, "c@x"), 0);
	next_is(NULL, PHASE_OPEN, NULL, 0);
	assert_true(spool_wake(spool, now));
	next_is("ops", PHASE_OPEN, NULL, 0);
	assert_true(spool_retry(spool, a.id,
				now + 100000000)); /* the clock was set back since */
	next_is("ops", PHASE_OPEN, NULL, 0);
}

static void
a_damaged_file_is_set_aside(void **state)
{
	char why[200], junk[4096];
	bool aside;
	(void)state;
	put(12, "incident-open", 12, "ops");
	spool_close(&spool);
	memset(junk, 'x', sizeof junk);
	int fd = open("spool.db", O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, junk, sizeof junk, 0), sizeof junk);
	close(fd);
	spool = spool_open("spool.db", &aside, why, sizeof why);
	assert_non_null(spool);
	assert_true(aside);
	assert_int_equal(access("spool.db.damaged", F_OK), 0);
	assert_int_equal(spool_count(spool).queued, 0);
	put(12, "incident-open", 12, "ops");
	assert_int_equal(spool_count(spool).queued, 1);
}

static void
what_is_over_is_forgotten(void **state)
{
	(void)state;
	put(12, "incident-open", 12, "ops");
	put(13, "incident-close", 12, "");
	assert_true(spool_prune(spool, now + 1));
	assert_int_equal(spool_count(spool).queued, 2);
	for (int i = 0; i < 2; i++)
		settle(next_is("ops", i == 0 ? PHASE_OPEN : PHASE_CLOSE, NULL, 0).id,
		       FATE_SENT);
	assert_true(spool_prune(spool, now + 1));
	put(13, "incident-close", 12, ""); /* nobody is known to have heard of it */
	assert_int_equal(spool_count(spool).queued, 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, in_folder, out_of_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(the_end_never_overtakes),
		IN_FOLDER(a_line_read_again_makes_nothing_new),
		IN_FOLDER(an_action_tells_once_and_hears_the_end),
		IN_FOLDER(a_long_incident_keeps_its_ends),
		IN_FOLDER(ids_may_begin_anew),
		IN_FOLDER(severity_decides_who_hears),
		IN_FOLDER(a_bundle_goes_as_one),
		IN_FOLDER(an_older_spool_is_taken_over),
		IN_FOLDER(nothing_committed_is_lost_by_a_kill),
		IN_FOLDER(answers_survive),
		IN_FOLDER(a_damaged_file_is_set_aside),
		IN_FOLDER(what_is_over_is_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
