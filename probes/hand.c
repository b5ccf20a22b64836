/* One check, once, by hand: each phase with its time, the bytes, and what each test says.
 * With the rights of whoever calls, and of the probes where that is root; monitord has no
 * part in it. */
#include "probes/hand.h"

#include "base/clock.h"
#include "base/text.h"
#include "probes/exchange.h"
#include "probes/expect.h"
#include "rules/parse.h"
#include "rules/units.h"
#include "rules/world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#define SHOWN_LINES 40 /* of one direction's bytes */
#define SHOWN_COLUMNS 100

static struct hand {
	struct stream stream;
	struct run run;
	int64_t began_ns;
	bool first_byte;
	struct msg_result result;
	bool ended;
	char secret[HAND_SECRET]; /* the check's password or token, if it is no longer */
	size_t secret_size;
} hand;

static void
stamp(int64_t at_ns)
{
	printf("%9.2f ms  ", (double)(at_ns - hand.began_ns) / 1e6);
}

/* ---- bytes ---- */

static size_t
show_byte(unsigned char c)
{
	static const char named[] = "\r\n\t\\", letters[] = "rnt\\";
	const char *at = c != '\0' ? strchr(named, c) : NULL;
	if (at != NULL)
		printf("\\%c", letters[at - named]);
	else if (c >= 32 && c < 127)
		putchar(c);
	else
		printf("\\x%02x", c);
	return at != NULL ? 2 : c >= 32 && c < 127 ? 1 : 4;
}

/* Credentials are nobody's business who looks over a shoulder. How many bytes here are such, and
 * what stands in their place. */
static size_t
hidden(const char *bytes, size_t size, bool begins, const char **instead)
{
	static const char name[] = "Authorization: ";
	size_t n = sizeof name - 1, secret = hand.secret_size;
	if (begins && size >= n && memcmp(bytes, name, n) == 0) {
		const char *end = memchr(bytes, '\r', size);
		*instead = "Authorization: (hidden)";
		return end != NULL ? (size_t)(end - bytes) : size;
	}
	*instead = "(hidden)";
	return secret > 0 && size >= secret && memcmp(bytes, hand.secret, secret) == 0
		       ? secret
		       : 0;
}

static void
show_bytes(const char *bytes, size_t size)
{
	unsigned lines = 0;
	size_t column = 0;
	for (size_t i = 0; i < size; i++) {
		const char *instead;
		if (column == 0)
			printf("%*s", 16, "");
		size_t skipped = hidden(bytes + i, size - i, column == 0, &instead);
		if (skipped > 0) {
			column += (size_t)printf("%s", instead);
			i += skipped;
			if (i == size) {
				putchar('\n');
				return;
			}
		}
		column += show_byte((unsigned char)bytes[i]);
		if (bytes[i] != '\n' && column < SHOWN_COLUMNS && i + 1 < size)
			continue;
		putchar('\n');
		column = 0;
		if (++lines == SHOWN_LINES && i + 1 < size) {
			printf("%*s… and %zu bytes more\n", 16, "", size - i - 1);
			return;
		}
	}
}

static void
on_bytes(struct stream *s, bool sent, const char *bytes, size_t size)
{
	(void)s;
	stamp(clock_ns());
	if (sent)
		printf("sent %zu bytes\n", size);
	else if (size == 0)
		printf("the peer closed\n");
	else
		printf("%s %zu bytes\n",
		       hand.first_byte ? "received" : "first bytes:", size);
	hand.first_byte = hand.first_byte || !sent;
	show_bytes(bytes, size);
}

/* ---- phases and the verdict ---- */

static void
on_phase(struct stream *s, enum phase phase, const char *detail)
{
	static const char *const words[PHASES] = {
		[PHASE_WAIT] = "waits for its turn", [PHASE_FILES] = "reads its files",
		[PHASE_RESOLVE] = "resolve",         [PHASE_OPEN] = "opens the socket",
		[PHASE_CONNECT] = "connect",         [PHASE_TLS] = "TLS handshake",
		[PHASE_EXCHANGE] = "connected",
	};
	/* a peer's word for a host or protocol is nobody's for a terminal */
	char text[300] = "";
	(void)s;
	stamp(clock_ns());
	if (detail != NULL)
		text_clean(text, sizeof text, detail, strlen(detail));
	printf("%s%s%s\n", words[phase], detail != NULL ? " " : "", text);
}

static void
on_test(void *arg, bool right, const char *wording, const char *found)
{
	const char *list = arg;
	bool warn = strcmp(list, "warn") == 0;
	printf("%*s%s %s: %s (%s)\n", 16, "", list, wording,
	       right == warn ? (warn ? "WARNS" : "FAILS")
			     : (warn ? "is not so" : "holds"),
	       found);
}

void
hand_tests(const struct plan *p, const struct answer *a)
{
	static char expects[] = "expect", warns[] = "warn";
	expect_each(p, false, a, on_test, expects);
	expect_each(p, true, a, on_test, warns);
	fflush(stdout); /* it may be a child that ends without a word */
}

static void
on_answer(struct stream *s, const struct plan *p, const struct answer *a)
{
	(void)s;
	stamp(clock_ns());
	printf("judged\n");
	hand_tests(p, a);
}

static void
print_value(const struct msg_value *v)
{
	char text[64];
	units_text(metric_table[v->metric].unit, v->value, text, sizeof text);
	printf("%*s%s = %s\n", 16, "", metric_table[v->metric].name, text);
}

void
hand_report(const struct msg_result *m)
{
	static const char *const words[OUTCOMES] = { [OUTCOME_UNKNOWN] = "unknown",
						     [OUTCOME_GOOD] = "up",
						     [OUTCOME_BAD] = "down",
						     [OUTCOME_WARN] = "degraded" };
	printf("%9.2f ms  %s%s%s\n", (double)m->latency_ns / 1e6, words[m->outcome],
	       m->text[0] != '\0' ? ": " : "", m->text);
	for (uint32_t i = 0; i < m->value_count; i++)
		print_value(&m->value[i]);
}

static void
on_report(struct stream *s, const struct msg_result *m, bool news)
{
	(void)news;
	hand.result = *m;
	hand.ended = true;
	loop_stop(s->loop);
}

/* ---- what monitord would open ---- */

static bool
on_open(struct stream *s, const struct msg_open *o)
{
	const struct check *c = &s->rules->checks[o->id];
	struct msg_opened answer = { .what = o->what, .id = o->id, .token = o->token };
	int fd = hand_opened(c, (enum open_what)o->what);
	answer.error = fd == -1 ? errno : 0;
	stream_opened(s, &answer, fd);
	return true;
}

/* ---- */

static int
by_stream(const struct rules *rules, uint32_t id)
{
	struct stream *s = &hand.stream;
	uint64_t *active = calloc(rules->route_count + 1, sizeof *active);
	*s = (struct stream){ .loop = loop_new(0),
			      .rules = rules,
			      .active = active,
			      .open = on_open,
			      .report = on_report,
			      .phase = on_phase,
			      .bytes = on_bytes,
			      .answer = on_answer };
	if (s->loop == NULL || active == NULL || !resolve_begin(s->loop)) {
		fputs("monitord-probes: no loop, or no resolver\n", stderr);
		return HAND_NOT_DONE;
	}
	/* any backend may answer by hand */
	for (uint32_t r = 0; r < rules->route_count; r++)
		active[r] = UINT64_MAX >> (64 - rules->routes[r].backend_count);
	if (getrandom(&s->unique, sizeof s->unique, 0) != (ssize_t)sizeof s->unique)
		s->unique = (uint64_t)clock_real_ms();
	stream_begin(s);
	if (!run_begin(&hand.run, s, id)) {
		fputs("monitord-probes: out of memory\n", stderr);
		return HAND_NOT_DONE;
	}
	if (!hand_drop_rights(rules, &rules->checks[id]))
		return HAND_NOT_DONE;
	hand.secret_size = hand_secret(hand.secret);
	hand.began_ns = clock_ns();
	schedule_begin_now(&hand.run.schedule);
	if (!hand.ended)
		loop_run(s->loop);
	hand_report(&hand.result);
	run_end(&hand.run);
	free(active);
	return hand.result.outcome == OUTCOME_GOOD || hand.result.outcome == OUTCOME_WARN
		       ? HAND_UP
		       : HAND_DOWN;
}

static bool
is_stream(const struct check *c)
{
	return check_role(c) == ROLE_NET && kind_table[c->kind].wanted != NULL;
}

static int
measure(const struct rules *rules, const struct sources *sources, const char *path,
	const char *name)
{
	uint32_t id = rules_find(rules, OBJECT_CHECK, name);
	if (id == RULES_NONE) {
		fprintf(stderr, "%s: no check '%s'\n", path, name);
		return HAND_NO_NAME;
	}
	const struct check *c = &rules->checks[id];
	struct place place = check_place(rules, c);
	printf("[check %s] of %s:%u\n", c->name, place.file, place.line);
	return is_stream(c) ? by_stream(rules, id) : hand_helper(sources, rules, id);
}

int
hand_main(const char *path, const char *name)
{
	struct sources sources = { .list = NULL };
	struct problems problems = { .list = NULL };
	struct rules *rules = sources_read(path, false, &sources, &problems)
				      ? rules_parse(&sources, &problems)
				      : NULL;
	int code = HAND_WRONG_USE;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (rules == NULL)
		problems_print(&problems, &sources, stderr);
	else
		code = measure(rules, &sources, path, name);
	rules_free(&rules);
	sources_free(&sources);
	problems_free(&problems);
	return code;
}
