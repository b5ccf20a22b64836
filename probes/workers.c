/* What servers of HTTP tell of their workers: Apache's mod_status in its form for
 * machines, and Tomcat's threads, of its manager's status page or its JMX proxy. */
#include "probes/bytes.h"

#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t
apache_ask(const struct asked *a, char *buf, size_t cap)
{
	return http_ask(a, buf, cap);
}

size_t
tomcat_ask(const struct asked *a, char *buf, size_t cap)
{
	return http_ask(a, buf, cap);
}

/* Of a large body only the beginning is there. */
static size_t
kept(const struct answer *a)
{
	return a->body_size < HTTP_BODY_MAX ? a->body_size : HTTP_BODY_MAX;
}

/* Each letter of the scoreboard is a worker; '.' is room for one more. */
static bool
read_scoreboard(struct answer *a)
{
	static const struct {
		char letter;
		enum metric metric;
	} letters[] = {
		{ '_', METRIC_IDLE },      { 'S', METRIC_STARTING },
		{ 'R', METRIC_READING },   { 'W', METRIC_WRITING },
		{ 'K', METRIC_KEEPING },   { 'D', METRIC_RESOLVING },
		{ 'C', METRIC_CLOSING },   { 'L', METRIC_LOGGING },
		{ 'G', METRIC_FINISHING }, { 'I', METRICS_COUNT },
		{ '.', METRICS_COUNT },
	};
	static const char word[] = "Scoreboard: ";
	const char *end = a->body + kept(a);
	const char *at = memmem(a->body, kept(a), word, sizeof word - 1);
	double busy = 0, all = 0;
	if (at == NULL)
		return false;
	for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
		if (letters[i].metric != METRICS_COUNT)
			a->value[letters[i].metric] = 0;
	for (at += sizeof word - 1; at < end && *at != '\n' && *at != '\r'; at++) {
		size_t i = 0;
		while (i < sizeof letters / sizeof *letters && letters[i].letter != *at)
			i++;
		if (i == sizeof letters / sizeof *letters)
			return false;
		if (letters[i].metric != METRICS_COUNT)
			a->value[letters[i].metric]++;
		busy += *at != '_' && *at != '.' && *at != 'I';
		all++;
	}
	a->value[METRIC_BUSY] = busy;
	a->value[METRIC_BUSY_LIMIT] = all;
	a->value[METRIC_BUSY_PERCENT] = all > 0 ? 100 * busy / all : (double)NAN;
	return all > 0;
}

enum judgement
apache_judge(const struct plan *p, struct reply *r, struct answer *a, char why[MSG_TEXT])
{
	enum judgement j = http_judge(p, r, a, why);
	if (j != JUDGE_GOOD)
		return j;
	if (a->body == NULL || !read_scoreboard(a)) {
		text_print(why, MSG_TEXT,
			   "no scoreboard: the URL ends in ?auto, and mod_status is on?");
		return JUDGE_BAD;
	}
	a->value[METRIC_REQUESTS] =
		bytes_line_number(a->body, kept(a), "Total Accesses", ':');
	a->value[METRIC_UPTIME] =
		bytes_line_number(a->body, kept(a), "ServerUptimeSeconds", ':') * 1000;
	return JUDGE_GOOD;
}

/* The number behind a word, from `at` on; NaN: it is not there. */
static double
number_behind(const char *at, const char *end, const char *word)
{
	char text[32] = "";
	const char *found = memmem(at, (size_t)(end - at), word, strlen(word));
	if (found == NULL)
		return (double)NAN;
	found += strlen(word);
	size_t n = (size_t)(end - found) < sizeof text - 1 ? (size_t)(end - found)
							   : sizeof text - 1;
	memcpy(text, found, n);
	char *after;
	double value = strtod(text, &after);
	return after != text && isfinite(value) ? value : (double)NAN;
}

/* The connector that is nearest to its limit counts: a pool, in XML or in lines. */
static bool
read_pools(struct answer *a, const char *begin, const char *busy_word,
	   const char *most_word)
{
	const char *end = a->body + kept(a);
	bool found = false;
	for (const char *at = a->body;
	     (at = memmem(at, (size_t)(end - at), begin, strlen(begin))) != NULL;) {
		at += strlen(begin);
		const char *next = memmem(at, (size_t)(end - at), begin, strlen(begin));
		const char *stop = next != NULL ? next : end;
		double busy = number_behind(at, stop, busy_word);
		double most = number_behind(at, stop, most_word);
		if (isnan(busy) || !(most > 0))
			continue;
		double percent = 100 * busy / most;
		if (found && percent < a->value[METRIC_BUSY_PERCENT])
			continue;
		found = true;
		a->value[METRIC_BUSY] = busy;
		a->value[METRIC_BUSY_LIMIT] = most;
		a->value[METRIC_BUSY_PERCENT] = percent;
	}
	return found;
}

enum judgement
tomcat_judge(const struct plan *p, struct reply *r, struct answer *a, char why[MSG_TEXT])
{
	enum judgement j = http_judge(p, r, a, why);
	if (j != JUDGE_GOOD)
		return j;
	if (a->body != NULL &&
	    (read_pools(a, "<threadInfo ", "currentThreadsBusy=\"", "maxThreads=\"") ||
	     read_pools(a, "ThreadPool", "currentThreadsBusy: ", "maxThreads: "))) {
		const char *end = a->body + kept(a);
		a->value[METRIC_REQUESTS] =
			number_behind(a->body, end, "requestCount=\"");
		return JUDGE_GOOD;
	}
	text_print(why, MSG_TEXT,
		   "no threads of Tomcat: …/manager/status?XML=true, or its JMX proxy?");
	return JUDGE_BAD;
}
