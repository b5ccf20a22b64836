#include "probes/results.h"

#include "test/unit/probes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A helper whose monitord is this test: its channel is descriptor HELPER_CHANNEL. */
static struct {
	struct helper helper;
	struct results results;
	int monitord, kept;
	struct msg_packet packet;
} our;

static int
begin(void **state)
{
	int fds[2];
	(void)state;
	our.kept = fcntl(HELPER_CHANNEL, F_DUPFD_CLOEXEC, 10);
	if (!msg_pair(fds))
		return -1;
	our.monitord = fcntl(fds[0], F_DUPFD_CLOEXEC, 10);
	int theirs = fcntl(fds[1], F_DUPFD_CLOEXEC, 10);
	close(fds[0]);
	close(fds[1]);
	dup2(theirs, HELPER_CHANNEL);
	close(theirs);
	our.helper =
		(struct helper){ .loop = loop_new(0), .role = ROLE_NET, .generation = 1 };
	return our.helper.loop != NULL && results_begin(&our.results, &our.helper, 3)
		       ? 0
		       : -1;
}

static int
end(void **state)
{
	uint32_t none[3] = { UINT32_MAX, UINT32_MAX, UINT32_MAX };
	(void)state;
	results_renumber(&our.results, none, 0);
	while (our.results.spare != NULL) {
		struct result_node *n = our.results.spare;
		our.results.spare = n->next;
		free(n);
	}
	free(our.results.waiting);
	loop_io_stop(&our.helper.io);
	loop_free(&our.helper.loop);
	close(our.monitord);
	close(HELPER_CHANNEL);
	if (our.kept != -1)
		dup2(our.kept, HELPER_CHANNEL);
	close(our.kept);
	return 0;
}

static void
add(uint32_t check, int64_t began_ns)
{
	struct msg_result m;
	memset(&m, 0, sizeof m);
	m.check = check;
	m.began_ns = began_ns;
	results_add(&our.results, &m);
}

/* The results of the next packet; 0: none came. */
static unsigned
heard(struct msg_result *out, size_t cap)
{
	char why[MSG_TEXT];
	if (msg_receive(our.monitord, ROLE_NET, ROLE_MONITORD, &our.packet, why) !=
	    MSG_GOT)
		return 0;
	assert_int_equal(our.packet.head.kind, MSG_RESULT);
	assert_true(our.packet.head.count <= cap);
	memcpy(out, our.packet.items, our.packet.head.count * sizeof *out);
	return our.packet.head.count;
}

static struct msg_result got[MSG_PACKET_MAX / sizeof(struct msg_result)];

static void
sends_a_turn_in_one_packet(void **state)
{
	(void)state;
	results_flush(&our.results);
	assert_int_equal(heard(got, COUNT(got)), 0); /* nothing to say, nothing said */
	for (int i = 0; i < 5; i++)
		add((uint32_t)i % 3, 100 + i);
	results_flush(&our.results);
	assert_int_equal(heard(got, COUNT(got)), 5);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(got[i].check, i % 3);
		assert_int_equal(got[i].began_ns, 100 + i);
	}
	assert_int_equal(heard(got, COUNT(got)), 0);
}

/* What is good and has nothing to say goes in little room, and before what is said of
 * others; never before what waits of the same check. */
static void
sends_what_is_well_in_little_room(void **state)
{
	char why[MSG_TEXT];
	struct msg_well wells[3];
	struct msg_result m;
	(void)state;
	memset(&m, 0, sizeof m);
	m.outcome = OUTCOME_GOOD;
	m.value_count = 1;
	m.value[0] = (struct msg_value){ .metric = 7, .value = 200 };
	results_add(&our.results, &m); /* of check 0 */
	m.check = 1;
	m.outcome = OUTCOME_BAD;
	results_add(&our.results, &m);
	m.outcome = OUTCOME_GOOD;
	m.began_ns = 5;
	results_add(&our.results, &m); /* behind the bad one */
	m.check = 2;
	m.value_count = MSG_WELL_VALUES + 1;
	results_add(&our.results, &m);
	m.value_count = 0;
	m.text[0] = 'x';
	results_add(&our.results, &m);
	results_flush(&our.results);
	assert_int_equal(msg_receive(our.monitord, ROLE_NET, ROLE_MONITORD, &our.packet,
				     why),
			 MSG_GOT);
	assert_int_equal(our.packet.head.kind, MSG_WELL);
	assert_int_equal(our.packet.head.count, 1);
	memcpy(wells, our.packet.items, sizeof *wells);
	msg_from_well(wells, &m);
	assert_int_equal(m.check, 0);
	assert_int_equal(m.outcome, OUTCOME_GOOD);
	assert_int_equal(m.value_count, 1);
	assert_int_equal(m.value[0].metric, 7);
	assert_true(m.value[0].value == 200);
	assert_int_equal(heard(got, COUNT(got)), 4);
	assert_int_equal(got[0].outcome, OUTCOME_BAD);
	assert_int_equal(got[1].check, 1);
	assert_int_equal(got[1].began_ns, 5);
	assert_int_equal(heard(got, COUNT(got)), 0);
}

static void
sends_many_in_few(void **state)
{
	(void)state;
	unsigned n = 0, packets = 0, k;
	for (unsigned i = 0; i < 180; i++)
		add(i % 3, i);
	results_flush(&our.results);
	for (; (k = heard(got, COUNT(got))) > 0; packets++)
		for (unsigned i = 0; i < k; i++)
			assert_int_equal(got[i].began_ns, n++);
	assert_int_equal(n, 180);
	assert_int_equal(packets, (180 + COUNT(got) - 1) / COUNT(got));
}

/* Fills the channel: what is added then waits, the last 64 of each check. */
static void
keeps_the_last_of_each_check(void **state)
{
	unsigned sent = 0, k, zeros = 0, ones = 0;
	(void)state;
	while (!our.helper.full) {
		add(2, -1);
		results_flush(&our.results);
		sent++;
		assert_true(sent < 100000);
	}
	for (int i = 0; i < 200; i++)
		add(0, i);
	add(1, 7);
	results_flush(&our.results);
	assert_int_equal(our.results.waiting[0], RESULTS_KEPT);
	while ((k = heard(got, COUNT(got))) >
	       0) /* all that the channel took is of check 2 */
		for (unsigned i = 0; i < k; i++, sent--)
			assert_int_equal(got[i].check, 2);
	our.helper.full = false; /* as when it becomes writable */
	results_flush(&our.results);
	while ((k = heard(got, COUNT(got))) > 0)
		for (unsigned i = 0; i < k; i++) {
			if (got[i].check == 2)
				sent--;
			else if (got[i].check == 1)
				ones++;
			else
				assert_int_equal(got[i].began_ns,
						 200 - RESULTS_KEPT + (int)zeros++);
		}
	assert_int_equal(sent, 0);
	assert_int_equal(zeros, RESULTS_KEPT);
	assert_int_equal(ones, 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(our.results.waiting[i], 0);
}

static void
renumbers_what_waits(void **state)
{
	uint32_t new_id[3] = { 4, UINT32_MAX, 0 };
	(void)state;
	add(0, 1);
	add(1, 2);
	add(2, 3);
	add(1, 4);
	assert_true(results_renumber(&our.results, new_id, 5));
	assert_int_equal(our.results.waiting[4], 1);
	assert_int_equal(our.results.waiting[0], 1);
	add(3, 5);
	results_flush(&our.results);
	assert_int_equal(heard(got, COUNT(got)), 3);
	assert_int_equal(got[0].check, 4);
	assert_int_equal(got[1].check, 0);
	assert_int_equal(got[1].began_ns, 3);
	assert_int_equal(got[2].check, 3);
	assert_true(results_renumber(&our.results, (uint32_t[5]){ 0, 1, 2, 0, 0 }, 3));
}

int
test_probes_results(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sends_a_turn_in_one_packet),
		cmocka_unit_test(sends_what_is_well_in_little_room),
		cmocka_unit_test(sends_many_in_few),
		cmocka_unit_test(keeps_the_last_of_each_check),
		cmocka_unit_test(renumbers_what_waits),
	};
	return cmocka_run_group_tests_name("probes_results", tests, begin, end);
}
