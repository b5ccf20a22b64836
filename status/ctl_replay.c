/* monitorctl replay FILE [--since 7d]: what these rules would have done. */
#include "status/ctl.h"

#include "base/clock.h"
#include "base/text.h"
#include "rules/parse.h"
#include "rules/units.h"
#include "status/replay.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

struct reading {
	struct record_reader *reader;
	struct replay *replay;
	unsigned damaged;
};

static bool
on_block(void *arg, const struct record_head *head, const unsigned char *bytes)
{
	struct reading *x = arg;
	x->damaged += !record_read(x->reader, head, bytes, replay_feed, x->replay);
	return true;
}

static const char *
mark_of(const struct replay_line *l, bool new)
{
	return l->matched ? "both" : new ? "new" : "old";
}

static void
print_line(const struct ctl *ctl, const struct replay_line *l, bool new)
{
	char when[40], local[40];
	const char *mark = mark_of(l, new);
	clock_rfc3339(l->real_ms, when, sizeof when);
	if (ctl->json) {
		json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s}", "time", when, "rules",
				      mark, "kind", l->kind, "object", l->object, "text",
				      l->text);
		if (o != NULL) {
			json_dumpf(o, stdout, JSON_COMPACT);
			putchar('\n');
		}
		json_decref(o);
		return;
	}
	enum tone tone = *mark == 'b' ? TONE_DIM : *mark == 'n' ? TONE_GOOD : TONE_BAD;
	printf("%s%s %c %-16s %s%s\n", tone_on(tone),
	       local_time(when, local, sizeof local),
	       *mark == 'b'   ? '='
	       : *mark == 'n' ? '+'
			      : '-',
	       l->kind, l->text, tone_off());
}

/* Both, by time; what both did stands once. */
static void
print_all(const struct ctl *ctl, const struct replay *r)
{
	const struct replay_lines *a = replay_would(r), *b = replay_was(r);
	const struct replay_sums *s = replay_sums(r);
	size_t i = 0, k = 0, both = 0, new = 0, old = 0;
	char first[40], last[40], x[40], y[40];
	while (i < a->count || k < b->count) {
		bool take_new =
			k == b->count ||
			(i < a->count && a->list[i].real_ms <= b->list[k].real_ms);
		const struct replay_line *l = take_new ? &a->list[i++] : &b->list[k++];
		both += take_new && l->matched;
		new += take_new && !l->matched;
		old += !take_new && !l->matched;
		if (take_new || !l->matched)
			print_line(ctl, l, take_new);
	}
	if (ctl->json)
		return;
	clock_rfc3339(s->first_ms, first, sizeof first);
	clock_rfc3339(s->last_ms, last, sizeof last);
	printf("%s to %s: %llu measurements; %zu as it was (=), %zu only by these rules "
	       "(+), "
	       "%zu only as it was (-)\n",
	       local_time(first, x, sizeof x), local_time(last, y, sizeof y),
	       (unsigned long long)s->measurements, both, new, old);
	if (s->unknown > 0)
		printf("%llu measurements are of what these rules do not have\n",
		       (unsigned long long)s->unknown);
}

static enum ctl_exit
replay(const struct ctl *ctl, const struct rules *rules, int64_t since_ms)
{
	struct reading x = { .reader = record_reader_new(replay_need(rules)),
			     .replay = replay_new(rules, since_ms) };
	enum ctl_exit code = CTL_DONE;
	char folder[PATH_MAX];
	text_print(folder, sizeof folder, "%s/status", rules->settings.state);
	if (x.reader == NULL || x.replay == NULL) {
		fputs("monitorctl: out of memory\n", stderr);
		code = CTL_NOT_REACHED;
	} else if (record_files_read(folder, since_ms, on_block, &x) == -1) {
		fprintf(stderr, "monitorctl: the record in %s: %s\n", folder,
			strerror(errno));
		code = errno == EACCES || errno == EPERM ? CTL_NOT_ALLOWED
							 : CTL_NOT_REACHED;
	} else if (replay_sums(x.replay)->first_ms == 0) {
		fprintf(stderr, "monitorctl: nothing of that time is recorded in %s\n",
			folder);
		code = CTL_NOT_REACHED;
	} else {
		replay_end(x.replay);
		print_all(ctl, x.replay);
		if (x.damaged > 0)
			fprintf(stderr, "monitorctl: %u damaged blocks are left out\n",
				x.damaged);
	}
	record_reader_free(&x.reader);
	replay_free(&x.replay);
	return code;
}

enum ctl_exit
ctl_replay(struct ctl *ctl)
{
	struct sources s = { 0 };
	struct problems p = { 0 };
	char why[UNITS_WHY];
	int64_t span_ms = 0, since_ms = 0;
	enum ctl_exit code = CTL_WRONG_USE;
	if (ctl->since != NULL && !units_duration(ctl->since, &span_ms, why)) {
		fprintf(stderr, "monitorctl: --since %s\n", why);
		return code;
	}
	if (ctl->since != NULL)
		since_ms = clock_real_ms() - span_ms;
	struct rules *rules =
		sources_read(ctl->names[0], false, &s, &p) ? rules_parse(&s, &p) : NULL;
	problems_print(&p, &s, stderr);
	if (rules != NULL)
		code = replay(ctl, rules, since_ms);
	rules_free(&rules);
	problems_free(&p);
	sources_free(&s);
	return code;
}
