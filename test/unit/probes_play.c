#include "test/unit/probes_play.h"

#include "base/clock.h"
#include "base/text.h"
#include "rules/parse.h"
#include "test/unit/unit.h"

#include <dirent.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 30000

struct play play;
uid_t play_user;
unsigned play_nofile;

void
play_tell(enum msg_kind kind, const void *item, int fd)
{
	assert_int_equal(msg_send(play.channel, ROLE_MONITORD, play.role, kind,
				  play.generation, item, 1, fd),
			 MSG_SENT);
}

void
play_pace(uint32_t check, enum pace pace)
{
	struct msg_pace m = { .check = check, .pace = pace };
	play_tell(MSG_PACE, &m, -1);
}

static void
take_results(void)
{
	struct msg_result r;
	struct msg_well well;
	bool is_well = play.packet.head.kind == MSG_WELL;
	for (unsigned i = 0; i < play.packet.head.count; i++) {
		memcpy(&well, play.packet.items + i * sizeof well, sizeof well);
		if (is_well)
			msg_from_well(&well, &r);
		else
			memcpy(&r, play.packet.items + i * sizeof r, sizeof r);
		assert_true(r.check < PLAY_CHECKS && r.outcome < OUTCOMES);
		assert_true(r.value_count <= MSG_VALUES);
		assert_non_null(memchr(r.text, '\0', sizeof r.text));
		play.count[r.check]++;
		play.results++;
		play.last[r.check] = r;
	}
}

/* One packet, if it comes by end_ms; results of this generation are counted. */
static bool
hear_one(int64_t end_ms)
{
	char why[MSG_TEXT];
	struct pollfd p = { .fd = play.channel, .events = POLLIN };
	int64_t left = end_ms - clock_ms();
	if (play.packet.fd != -1)
		close(play.packet.fd);
	play.packet.fd = -1;
	if (left <= 0 || poll(&p, 1, (int)left) <= 0)
		return false;
	enum msg_got got =
		msg_receive(play.channel, play.role, ROLE_MONITORD, &play.packet, why);
	if (got == MSG_END || got == MSG_FORBIDDEN)
		fail_msg("the helper is gone (%d)", (int)got);
	if (got != MSG_GOT)
		play.packet.head.kind = MSG_KINDS;
	if (got == MSG_GOT &&
	    (play.packet.head.kind == MSG_RESULT || play.packet.head.kind == MSG_WELL) &&
	    play.packet.head.generation == play.generation)
		take_results();
	return true;
}

void
play_hear(enum msg_kind kind)
{
	int64_t end = clock_ms() + WAIT_MS;
	do {
		if (!hear_one(end))
			fail_msg("no %s", msg_name(kind));
	} while (play.packet.head.kind != kind);
}

const struct msg_result *
play_result(uint32_t check, unsigned count)
{
	int64_t end = clock_ms() + WAIT_MS;
	while (play.count[check] < count)
		if (!hear_one(end))
			fail_msg("check %u: %u results, expected %u", check,
				 play.count[check], count);
	return &play.last[check];
}

const struct msg_result *
play_verdict(uint32_t check)
{
	const struct msg_result *r;
	do {
		r = play_result(check, play.count[check] + 1);
	} while (strstr(r->text, "loop was late") != NULL);
	return r;
}

double
play_value(const struct msg_result *r, enum metric metric)
{
	for (uint32_t i = 0; i < r->value_count; i++)
		if (r->value[i].metric == metric)
			return r->value[i].value;
	return (double)NAN;
}

void
play_settle(void)
{
	static struct msg_ping ping;
	struct msg_ping pong;
	ping.number++;
	play_tell(MSG_PING, &ping, -1);
	do {
		play_hear(MSG_PONG);
		memcpy(&pong, play.packet.items, sizeof pong);
	} while (pong.number != ping.number);
}

void
play_load(const char *rules)
{
	struct source one = { .path = (char *)"/m.ini",
			      .text = (char *)(uintptr_t)rules,
			      .size = strlen(rules) };
	struct sources s = { .list = &one, .count = 1 };
	struct msg_rules m = { .generation = ++play.generation };
	if (play.bundle != -1)
		close(play.bundle);
	play.bundle = memfd_create("rules", MFD_CLOEXEC);
	assert_true(sources_write(&s, play.bundle));
	memset(play.count, 0, sizeof play.count);
	play.results = 0;
	play_tell(MSG_RULES, &m, play.bundle);
	play_hear(MSG_LOADED);
	play_settle(); /* the rules' descriptor is closed */
}

static void
child(int end)
{
	const char *build = getenv("MONITORD_BUILD");
	char program[512];
	text_print(program, sizeof program, "%s/monitord-probes",
		   build != NULL ? build : ".");
	dup2(end, 3);
	close_range(4, ~0u, 0);
	struct rlimit files = { play_nofile, play_nofile };
	if (play_nofile != 0 && setrlimit(RLIMIT_NOFILE, &files) != 0)
		_exit(126);
	if (play_user != 0 && (setgid(play_user) != 0 || setuid(play_user) != 0))
		_exit(126);
	execl(program, program, play.role == ROLE_NET ? "net" : "local", (char *)NULL);
	_exit(127);
}

void
play_start(enum role role, const char *rules)
{
	int fds[2];
	struct msg_hello hello;
	play = (struct play){ .role = role, .bundle = -1 };
	play.packet.fd = -1;
	assert_true(msg_pair(fds));
	play.channel = fds[0];
	play.helper = fork();
	if (play.helper == 0)
		child(fds[1]);
	close(fds[1]);
	play_hear(MSG_HELLO);
	memcpy(&hello, play.packet.items, sizeof hello);
	assert_int_equal(hello.role, role);
	play_load(rules);
}

void
play_end(void)
{
	if (play.helper == 0)
		return;
	kill(play.helper, SIGKILL);
	waitpid(play.helper, NULL, 0);
	close(play.channel);
	close(play.bundle);
	if (play.packet.fd != -1)
		close(play.packet.fd);
	play.packet.fd = -1;
	play.helper = 0;
}

unsigned
play_fds(void)
{
	char path[64];
	unsigned count = 0;
	text_print(path, sizeof path, "/proc/%d/fd", (int)play.helper);
	DIR *d = opendir(path);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		count += e->d_name[0] != '.';
	closedir(d);
	return count;
}

void
play_await_fds(unsigned count)
{
	int64_t end = clock_ms() + WAIT_MS;
	while (play_fds() != count) {
		if (clock_ms() > end)
			fail_msg("%u descriptors, expected %u", play_fds(), count);
		hear_one(clock_ms() + 5);
	}
}
