/* memcached: version, stats and quit in one go (its text protocol). */
#include "probes/bytes.h"

#include "base/text.h"

#include <string.h>

size_t
memcached_ask(const struct asked *a, char *buf, size_t cap)
{
	(void)a;
	return text_print(buf, cap, "version\r\nstats\r\nquit\r\n");
}

static void
fill(struct answer *a, const char *text, size_t size)
{
#define FIELD(name) bytes_line_number(text, size, "STAT " name, ' ')
	double most = FIELD("max_connections");
	a->value[METRIC_CLIENTS] = FIELD("curr_connections");
	if (most > 0)
		a->value[METRIC_CLIENTS_PERCENT] = 100 * a->value[METRIC_CLIENTS] / most;
	a->value[METRIC_MEMORY_USED] = FIELD("bytes");
	most = FIELD("limit_maxbytes");
	if (most > 0)
		a->value[METRIC_MEMORY_USED_PERCENT] =
			100 * a->value[METRIC_MEMORY_USED] / most;
	a->value[METRIC_UPTIME] = FIELD("uptime") * 1000;
	a->value[METRIC_EVICTIONS] = FIELD("evictions");
#undef FIELD
}

enum judgement
memcached_judge(const struct plan *p, struct reply *r, struct answer *a,
		char why[MSG_TEXT])
{
	static const char version[] = "VERSION ";
	size_t n = r->size < sizeof version - 1 ? r->size : sizeof version - 1;
	(void)p;
	if (memcmp(r->bytes, version, n) != 0) {
		char shown[60];
		text_clean(shown, sizeof shown, r->bytes, r->size);
		text_print(why, MSG_TEXT, "not memcached: got '%s'", shown);
		return JUDGE_BAD;
	}
	if (memmem(r->bytes, r->size, "\nEND\r\n", 6) == NULL)
		return JUDGE_MORE;
	fill(a, r->bytes, r->size);
	return JUDGE_GOOD;
}
