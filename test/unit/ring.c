/* The journal as its writer keeps it. */
#include "monitord/journal.h"

#include "test/unit/folder.h"
#include "test/unit/unit.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct seen {
	uint64_t first, last, count;
};

static void
on_line(void *arg, const struct journal_line *l)
{
	struct seen *s = arg;
	if (s->count == 0)
		s->first = l->id;
	else
		assert_true(l->id == s->last + 1);
	s->last = l->id;
	s->count++;
}

static void
write_lines(struct journal *j, uint64_t from, uint64_t to)
{
	for (; from <= to; from++) {
		struct journal_line l = { .id = from, .kind = "note", .text = "hello" };
		journal_add(j, &l);
	}
	journal_flush(j);
}

static void
outlives_us(void **state)
{
	struct journal j;
	char why[MSG_TEXT];
	struct seen s = { 0 };
	(void)state;
	assert_true(journal_open(&j, folder, 0, why));
	assert_false(j.same_boot);
	assert_int_equal(j.last_id, 0);
	write_lines(&j, 1, 10);
	journal_close(&j);
	assert_true(journal_open(&j, folder, 0, why));
	assert_true(j.same_boot);
	assert_int_equal(j.last_id, 10);
	journal_replay(&j, on_line, &s);
	assert_true(s.first == 1 && s.last == 10 && s.count == 10);
	journal_close(&j);
}

static void
goes_round(void **state)
{
	struct journal j;
	char why[MSG_TEXT];
	struct seen s = { 0 };
	struct journal_reader r;
	struct journal_line l;
	(void)state;
	assert_true(journal_open(&j, folder, 0, why));
	write_lines(&j, 1, JOURNAL_SLOTS + 5);
	assert_true(
		journal_reader_open(&r, j.fd, 2)); /* a reader's cursor: four were lost */
	assert_int_equal(journal_next(&r, j.last_id, &l), JOURNAL_LINE);
	assert_int_equal(l.id, 6);
	assert_int_equal(r.lost, 3);
	journal_close(&j);
	assert_true(journal_open(&j, folder, 0, why));
	assert_int_equal(j.last_id, JOURNAL_SLOTS + 5);
	journal_replay(&j, on_line, &s);
	assert_true(s.first == 6 && s.last == JOURNAL_SLOTS + 5);
	journal_close(&j);
}

/* What waits is told by nobody; one write takes it all, also around the ring's end. */
static void
gathers(void **state)
{
	struct journal j;
	char why[MSG_TEXT];
	struct journal_reader r;
	struct journal_line l;
	uint64_t from = JOURNAL_SLOTS - 2, id = from;
	(void)state;
	assert_true(journal_open(&j, folder, from - 1, why));
	assert_true(journal_reader_open(&r, j.fd, from - 1));
	for (; id < from + 2; id++)
		journal_add(&j, &(struct journal_line){ .id = id, .kind = "note" });
	assert_int_equal(j.last_id, from + 1);
	assert_int_equal(journal_next(&r, from, &l), JOURNAL_EMPTY);
	for (; id < from + JOURNAL_GATHERED + 3; id++)
		journal_add(&j, &(struct journal_line){ .id = id, .kind = "note" });
	journal_flush(&j);
	journal_flush(&j);
	assert_true(journal_reader_open(&r, j.fd, from - 1));
	for (uint64_t k = from; k < id; k++) {
		assert_int_equal(journal_next(&r, j.last_id, &l), JOURNAL_LINE);
		assert_int_equal(l.id, k);
	}
	assert_int_equal(r.lost, 0);
	journal_close(&j);
}

static void
another_boot_is_noticed(void **state)
{
	struct journal j;
	char why[MSG_TEXT], slot[JOURNAL_SLOT];
	(void)state;
	assert_true(journal_open(&j, folder, 0, why));
	write_lines(&j, 1, 3);
	journal_header(slot, &(struct journal_head){ JOURNAL_SLOTS, 1, "another-boot" });
	assert_int_equal(pwrite(j.own, slot, sizeof slot, 0), sizeof slot);
	journal_close(&j);
	assert_true(journal_open(&j, folder, 0, why));
	assert_false(j.same_boot);
	assert_int_equal(j.last_id, 3); /* ids go on */
	assert_int_equal(fcntl(j.fd, F_GETFL) & O_ACCMODE,
			 O_RDONLY); /* it is lent to helpers */
	journal_close(&j);
}

/* The ring lay in memory, and is gone; what was kept on disk says which ids may be used. */
static void
ids_never_repeat(void **state)
{
	struct journal j;
	char why[MSG_TEXT];
	struct journal_reader r;
	struct journal_line l;
	(void)state;
	assert_true(journal_open(&j, folder, 500000, why));
	assert_int_equal(j.last_id, 500000);
	/* who read the ring before this */
	assert_true(journal_reader_open(&r, j.fd, 400003));
	assert_int_equal(journal_next(&r, j.last_id, &l), JOURNAL_EMPTY);
	write_lines(&j, 500001, 500002);
	assert_int_equal(journal_next(&r, j.last_id, &l), JOURNAL_LINE);
	assert_int_equal(l.id, 500001);
	assert_int_equal(r.lost, 0); /* what never was in this one */
	journal_close(&j);
	assert_true(journal_open(&j, folder, 600000, why)); /* the same life: no gap */
	assert_true(j.same_boot);
	assert_int_equal(j.last_id, 500002);
	journal_close(&j);
	/* an older ring than what is kept */
	assert_true(journal_open(&j, folder, 900000, why));
	assert_int_equal(j.last_id, 900000);
	journal_close(&j);
}

static void
says_why_not(void **state)
{
	struct journal j;
	char why[MSG_TEXT];
	(void)state;
	assert_false(journal_open(&j, folder_path("no/such"), 0, why));
	assert_non_null(strstr(why, "No such file"));
	assert_int_equal(symlink("/dev/null", folder_path("journal")), 0);
	assert_false(journal_open(&j, folder, 0, why));
}

int
test_ring(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(outlives_us, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(goes_round, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(gathers, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(another_boot_is_noticed, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(ids_never_repeat, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(says_why_not, folder_make, folder_remove),
	};
	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
