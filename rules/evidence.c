/* The key evidence of [service]: what is kept of a process before it is killed. */
#include "rules/keys.h"
#include "rules/units.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define error(b, ...) build_error(b, (b)->entry->place, __VA_ARGS__)
#define LINES_MOST 1000
#define THREADS_MOST 100
#define WITHIN_MOST_MS 10000

/* SIG [within T] */
static bool
take_signal(struct build *b, const char **p, struct evidence *out)
{
	char word[64] = "", why[UNITS_WHY];
	lex_next(b, p, word, sizeof word);
	out->signal = build_signal(word);
	out->within_ms = EVIDENCE_WITHIN_MS;
	if (out->signal == 0 || out->signal == SIGKILL || out->signal == SIGSTOP) {
		error(b, "evidence: signal: '%s' is no signal that a process can answer",
		      word);
		return false;
	}
	if (!lex_next(b, p, word, sizeof word))
		return true;
	if (strcmp(word, "within") != 0 || !lex_next(b, p, word, sizeof word)) {
		error(b, "evidence: signal: expected 'within T', not '%s'", word);
		return false;
	}
	if (!units_duration(word, &out->within_ms, why)) {
		error(b, "evidence: signal: %s", why);
		return false;
	}
	if (out->within_ms < 1 || out->within_ms > WITHIN_MOST_MS) {
		error(b, "evidence: signal: within 1ms to 10s, not '%s'", word);
		return false;
	}
	return true;
}

/* [FILE] [N lines] */
static bool
take_log(struct build *b, const char **p, struct evidence *out)
{
	char word[4096], why[UNITS_WHY];
	uint64_t n;
	out->count = 50;
	if (!lex_next(b, p, word, sizeof word))
		return true;
	if (strpbrk(word, "/.") != NULL) {
		out->file = keys_path(b, build_text(b, word, strlen(word)), b->entry);
		if (!lex_next(b, p, word, sizeof word))
			return true;
	}
	if (!units_count(word, 1, LINES_MOST, &n, why)) {
		error(b, "evidence: log: %s", why);
		return false;
	}
	out->count = (uint32_t)n;
	if (!lex_next(b, p, word, sizeof word) || strcmp(word, "lines") != 0) {
		error(b, "evidence: log: expected N lines, as log 50 lines");
		return false;
	}
	return true;
}

/* [N] */
static bool
take_threads(struct build *b, const char **p, struct evidence *out)
{
	char word[64], why[UNITS_WHY];
	uint64_t n = 10;
	if (lex_next(b, p, word, sizeof word) &&
	    !units_count(word, 1, THREADS_MOST, &n, why)) {
		error(b, "evidence: threads: %s", why);
		return false;
	}
	out->count = (uint32_t)n;
	return true;
}

static bool
take_nothing(struct build *b, const char **p, struct evidence *out)
{
	(void)b;
	(void)p;
	(void)out;
	return true;
}

static const struct {
	const char *name;
	bool (*take)(struct build *b, const char **p, struct evidence *out);
} words[EVIDENCES] = {
	[EVIDENCE_SIGNAL] = { "signal", take_signal },
	[EVIDENCE_LOG] = { "log", take_log },
	[EVIDENCE_SOCKETS] = { "sockets", take_nothing },
	[EVIDENCE_THREADS] = { "threads", take_threads },
};

static void
evidence_item(struct build *b, void *object, const char *text)
{
	struct service *s = object;
	struct evidence new = { .kind = EVIDENCE_SIGNAL };
	const char *p = text;
	char word[32] = "";
	lex_next(b, &p, word, sizeof word);
	while (new.kind < EVIDENCES && strcmp(words[new.kind].name, word) != 0)
		new.kind++;
	if (new.kind == EVIDENCES) {
		error(b, "evidence: expected signal, log, sockets or threads, not '%s'",
		      word);
		return;
	}
	if (s->evidence_count == EVIDENCE_MAX) {
		error(b, "evidence: more than %d items", EVIDENCE_MAX);
		return;
	}
	if (s->evidence == NULL)
		s->evidence = build_get(b, EVIDENCE_MAX * sizeof *s->evidence);
	if (words[new.kind].take(b, &p, &new) && lex_end(b, p) && !b->out_of_memory)
		s->evidence[s->evidence_count++] = new;
}

void
set_evidence(struct build *b, void *object, const struct entry *e)
{
	lex_list(b, e->value, evidence_item, object);
}
