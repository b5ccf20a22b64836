/* A helper that was taken over: it greets and takes the rules as any other does, and then
 * says to monitord whatever its role may say, with ids and numbers of its own making, and
 * at times what it may not. hostile.sh puts it in a helper's place.
 *
 *   hostile [net|local], under the name of the helper that it stands for */
#include "base/clock.h"
#include "base/helper.h"
#include "base/log.h"
#include "rules/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SCRIPTS 100
#define LINE "\nforged\n" /* that the log is to show as its own */
#define BURST 20 /* messages each millisecond */

struct hostile {
	struct helper helper;
	struct rules *rules;
	struct loop_timer timer;
	struct msg_watch watch; /* the last that we were told to measure */
	uint64_t state;
	unsigned scripts; /* that it has begun */
	int listener, called; /* status: what monitord lent, and who called there; -1 */
};

static uint32_t
any(struct hostile *h, uint32_t below)
{
	h->state ^= h->state << 13;
	h->state ^= h->state >> 7;
	h->state ^= h->state << 17;
	return (uint32_t)(h->state >> 20) % below;
}

/* One of count, the first that is none, or far off. */
static uint32_t
id(struct hostile *h, uint32_t count)
{
	switch (any(h, 4000)) {
	case 0:
		return count;
	case 1:
		return UINT32_MAX;
	default:
		return count > 0 ? any(h, count) : 0;
	}
}

static double
number(struct hostile *h)
{
	static const double odd[] = { 0, -1, 1e308, -1e308, 99999999999.0 };
	uint32_t n = any(h, 10);
	return n < 5 ? odd[n] : n == 5 ? 0.0 / (double)any(h, 1) : any(h, 1000000);
}

/* Start time of a process, in the way that WATCH tells it; 0: there is none. */
static uint64_t
ticks_of(int32_t pid)
{
	char path[64], text[1024] = "";
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return 0;
	size_t n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[n] = '\0';
	char *at = strrchr(text, ')');
	for (int field = 2; at != NULL && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at != NULL ? strtoull(at, NULL, 10) : 0;
}

static void
values(struct hostile *h, struct msg_value *v, uint32_t *count, uint32_t most)
{
	*count = any(h, 3000) == 0 ? most + 1 : any(h, most + 1);
	for (uint32_t i = 0; i < most; i++)
		v[i] = (struct msg_value){ .metric = any(h, METRICS_COUNT + 2),
					   .value = number(h) };
}

static void
send_result(struct hostile *h)
{
	struct msg_result r;
	memset(&r, 0, sizeof r);
	r.check = id(h, h->rules->check_count);
	r.outcome = any(h, OUTCOMES + 1);
	r.began_ns = any(h, 4) == 0 ? (int64_t)h->state : clock_ns() - any(h, 1000000);
	r.latency_ns =
		any(h, 4) == 0 ? -(int64_t)any(h, 1000) : (int64_t)any(h, 100000000);
	values(h, r.value, &r.value_count, MSG_VALUES);
	memset(r.text, 'A' + (int)any(h, 26), sizeof r.text);
	memcpy(r.text + 8, LINE, sizeof LINE - 1);
	helper_send(&h->helper, MSG_RESULT, &r, 1);
}

static void
send_well(struct hostile *h)
{
	struct msg_well w;
	memset(&w, 0, sizeof w);
	w.check = id(h, h->rules->check_count);
	w.began_ns = any(h, 4) == 0 ? (int64_t)h->state : clock_ns() - any(h, 1000000);
	w.latency_ns =
		any(h, 4) == 0 ? -(int64_t)any(h, 1000) : (int64_t)any(h, 100000000);
	w.value_count =
		(uint8_t)(any(h, 3000) == 0 ? any(h, 256) : any(h, MSG_WELL_VALUES + 1));
	for (unsigned i = 0; i < MSG_WELL_VALUES; i++) {
		w.metric[i] = (uint8_t)any(h, 256);
		w.value[i] = number(h);
	}
	helper_send(&h->helper, MSG_WELL, &w, 1);
}

static void
send_sample(struct hostile *h)
{
	struct msg_sample s;
	memset(&s, 0, sizeof s);
	s.service = any(h, 2) == 0 ? h->watch.service : id(h, h->rules->service_count);
	s.pid = h->watch.pid;
	s.start_ticks = h->watch.start_ticks;
	s.taken_ns = clock_ns();
	values(h, s.value, &s.value_count, MSG_SAMPLE_VALUES);
	helper_send(&h->helper, MSG_SAMPLE, &s, 1);
}

/* The one whom monitord must not touch though its section names no user; it lets no other be
 * named there, as all of this host would be at stake. 0: none. */
static int32_t
bystander(void)
{
	static int32_t pid;
	char path[64], line[64];
	for (int32_t i = 2; pid == 0 && i < 200000; i++) {
		snprintf(path, sizeof path, "/proc/%d/cmdline", (int)i);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd != -1 ? read(fd, line, sizeof line) : -1;
		if (fd != -1)
			close(fd);
		if (n == 16 && memcmp(line,
				      "/bin/sleep\0"
				      "6140",
				      16) == 0)
			pid = i;
	}
	return pid;
}

static void
send_found(struct hostile *h)
{
	struct msg_found f;
	memset(&f, 0, sizeof f);
	f.service = id(h, h->rules->service_count);
	f.pid = any(h, 8) == 0   ? 1
		: any(h, 8) == 0 ? (int32_t)getppid()
				 : (int32_t)any(h, 70000);
	if (f.service < h->rules->service_count &&
	    h->rules->services[f.service].user == NULL)
		f.pid = bystander();
	f.start_ticks = ticks_of(f.pid);
	helper_send(&h->helper, MSG_FOUND, &f, 1);
}

static void
send_seen(struct hostile *h)
{
	struct msg_route_seen s;
	memset(&s, 0, sizeof s);
	s.route = id(h, h->rules->route_count);
	s.error = any(h, 3);
	s.number = any(h, 2) == 0 ? any(h, 100) : h->state;
	s.active = any(h, 2) == 0 ? any(h, 8) : h->state;
	memset(s.text, 0xc3, sizeof s.text); /* no UTF-8, no end */
	memcpy(s.text + 8, LINE, sizeof LINE - 1);
	helper_send(&h->helper, MSG_ROUTE_SEEN, &s, 1);
}

static void
send_write(struct hostile *h)
{
	struct msg_route_write w;
	memset(&w, 0, sizeof w);
	w.route = id(h, h->rules->route_count);
	w.number = any(h, 100);
	w.active = any(h, 2) == 0 ? any(h, 8) : h->state;
	helper_send(&h->helper, MSG_ROUTE_WRITE, &w, 1);
}

static void
send_open(struct hostile *h)
{
	struct msg_open o;
	memset(&o, 0, sizeof o);
	o.what = any(h, OPEN_WHATS + 2);
	o.id = id(h, 8);
	o.token = h->state;
	helper_send(&h->helper, MSG_OPEN, &o, 1);
}

/* It begins with these, as it lives no longer once it says the rest. */
static bool
send_script(struct hostile *h)
{
	struct msg_open o = { .what = OPEN_CHECK_SCRIPT, .token = h->state };
	if (h->helper.role != ROLE_LOCAL || h->scripts++ >= SCRIPTS)
		return false;
	for (uint32_t i = 0; i < h->rules->check_count; i++)
		if (h->rules->checks[i].kind == CHECK_SCRIPT)
			o.id = i; /* the last one: it takes its time */
	helper_send(&h->helper, MSG_OPEN, &o, 1);
	return true;
}

/* The listener that monitord lends: at its other end, and at that of who calls there, the kernel
 * names who made it listen: root. */
static void
take_listener(struct hostile *h, const struct msg_packet *p)
{
	struct msg_opened opened;
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	memcpy(&opened, p->items, sizeof opened);
	if (h->listener != -1 || opened.what != OPEN_LISTENER || opened.id != 0 ||
	    p->fd == -1)
		return;
	h->listener = fcntl(p->fd, F_DUPFD_CLOEXEC, 0);
	h->called = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(a.sun_path, sizeof a.sun_path, "%s", h->rules->settings.socket);
	if (connect(h->called, (struct sockaddr *)&a, sizeof a) != 0)
		log_error("%s: %s", a.sun_path, strerror(errno));
}

static void
ask_for_listener(struct hostile *h)
{
	struct msg_open o = { .what = OPEN_LISTENER };
	if (h->helper.role == ROLE_STATUS)
		helper_send(&h->helper, MSG_OPEN, &o, 1);
}

/* Nobody's client: a pair or a file of our own, or what has root at its other end: the channel to
 * monitord, its listener, a server of root's that we connected to. */
static void
send_command(struct hostile *h, bool asks)
{
	int pair[2] = { -1, -1 }, fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int others[] = { fd, HELPER_CHANNEL, h->listener, h->called };
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
	struct msg_command c;
	struct msg_who w = { .token = h->state };
	memset(&c, 0, sizeof c);
	c.token = h->state;
	c.verb = any(h, VERBS + 2);
	c.id = id(h, h->rules->service_count);
	c.target = id(h, 4);
	c.wait = any(h, 2);
	c.seconds = any(h, 2) == 0 ? 0 : any(h, 100000);
	int client =
		any(h, 4) == 0 ? pair[0] : others[any(h, sizeof others / sizeof *others)];
	if (client != -1 && asks)
		helper_send_fd(&h->helper, MSG_WHO, &w, client);
	else if (client != -1)
		helper_send_fd(&h->helper, MSG_COMMAND, &c, client);
	close(pair[0]);
	close(pair[1]);
	close(fd);
}

static void
send_counts(struct hostile *h)
{
	struct msg_alert_counts c = { .queued = h->state,
				      .sent = UINT64_MAX,
				      .failed = any(h, 9) };
	struct msg_test_done t;
	memset(&t, 0, sizeof t);
	t.token = any(h, 1000);
	memset(t.text, '"', sizeof t.text);
	if (any(h, 2) == 0)
		helper_send(&h->helper, MSG_ALERT_COUNTS, &c, 1);
	else
		helper_send(&h->helper, MSG_TEST_DONE, &t, 1);
}

/* What the channel's border must stop: no such kind, half an item, another generation. */
static void
send_forbidden(struct hostile *h)
{
	unsigned char bytes[64];
	struct msg_head head = { .kind = (uint16_t)any(h, MSG_KINDS + 3),
				 .count = (uint16_t)any(h, 5),
				 .generation = any(h, 3) };
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)any(h, 256);
	memcpy(bytes, &head, sizeof head);
	send(HELPER_CHANNEL, bytes, any(h, sizeof bytes + 1), MSG_NOSIGNAL);
}

static void
say(struct hostile *h)
{
	if (send_script(h))
		return;
	if (any(h, 5000) == 0)
		send_forbidden(h);
	else if (any(h, 20) == 0)
		send_open(h);
	else if (h->helper.role == ROLE_NET)
		any(h, 2) == 0 ? send_result(h) : send_well(h);
	else if (h->helper.role == ROLE_LOCAL)
		any(h, 3) == 0   ? send_result(h)
		: any(h, 2) == 0 ? send_sample(h)
				 : send_found(h);
	else if (h->helper.role == ROLE_ROUTES)
		any(h, 2) == 0 ? send_seen(h) : send_write(h);
	else if (h->helper.role == ROLE_ALERTS)
		send_counts(h);
	else
		send_command(h, any(h, 4) == 0);
}

static void
on_timer(struct loop_timer *timer)
{
	struct hostile *h = timer->arg;
	for (int i = 0; i < BURST && !h->helper.full; i++)
		say(h);
}

static void
on_packet(struct helper *helper, struct msg_packet *p)
{
	struct hostile *h = helper->arg;
	struct msg_rules rules;
	if (p->head.kind == MSG_WATCH)
		memcpy(&h->watch, p->items, sizeof h->watch);
	if (p->head.kind == MSG_OPENED)
		take_listener(h, p);
	if (p->head.kind != MSG_RULES)
		return;
	memcpy(&rules, p->items, sizeof rules);
	rules_free(&h->rules);
	h->rules = rules_from_fd(p->fd);
	if (h->rules == NULL)
		exit(1);
	helper_loaded(helper, rules.generation);
	ask_for_listener(h);
	loop_timer_start(helper->loop, &h->timer, 1, 1, on_timer, h);
}

static enum role
role_of(const char *name, const char *argument)
{
	if (strstr(name, "probes") != NULL)
		return argument != NULL && strcmp(argument, "net") == 0 ? ROLE_NET
									: ROLE_LOCAL;
	return strstr(name, "routes") != NULL   ? ROLE_ROUTES
	       : strstr(name, "alerts") != NULL ? ROLE_ALERTS
						: ROLE_STATUS;
}

int
main(int argc, char **argv)
{
	static struct hostile h;
	log_open("hostile");
	h.state = (uint64_t)clock_ns() | 1;
	h.listener = h.called = -1;
	h.helper = (struct helper){ .loop = loop_new(0),
				    .role = role_of(argv[0], argc > 1 ? argv[1] : NULL),
				    .packet = on_packet,
				    .arg = &h };
	if (h.helper.loop == NULL || !helper_begin(&h.helper, 0))
		return 1;
	loop_run(h.helper.loop);
	return 0;
}
