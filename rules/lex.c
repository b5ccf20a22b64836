#include "rules/build.h"

#include <signal.h>
#include <string.h>

void
lex_skip(const char **p)
{
	*p += strspn(*p, " \t");
}

bool
lex_end(struct build *b, const char *p)
{
	lex_skip(&p);
	if (*p == '\0')
		return true;
	build_error(b, b->entry->place, "%s: '%.60s' behind the value", b->entry->key, p);
	return false;
}

bool
lex_word(struct build *b, const char **p, const char *stops, char *out, size_t cap, bool *quoted)
{
	size_t used = 0;
	bool in = false;
	*quoted = false;
	lex_skip(p);
	const char *s = *p, *start = s;
	for (; *s != '\0'; s++) {
		char c = *s;
		if (in && c == '\\' && s[1] == '"')
			c = *++s;
		else if (c == '"') {
			in = !in;
			*quoted = true;
			continue;
		} else if (!in && (c == ' ' || c == '\t' || strchr(stops, c) != NULL))
			break;
		if (used + 1 < cap)
			out[used] = c;
		used++;
	}
	*p = s;
	if (used >= cap) {
		build_error(b, b->entry->place,
			    "%s: a word of %zu bytes; %zu are allowed", b->entry->key,
			    used, cap - 1);
		used = 0;
	}
	out[used] = '\0';
	return s > start;
}

bool
lex_list(struct build *b, const char *value,
	 void (*item)(struct build *b, void *arg, const char *text), void *arg)
{
	bool in = false, good = true;
	const char *start = value;
	for (const char *s = value;; s++) {
		if (in && *s == '\\' && s[1] == '"') {
			s++;
			continue;
		}
		if (*s == '"')
			in = !in;
		if (*s != '\0' && (in || *s != ','))
			continue;
		size_t n = (size_t)(s - start), lead = 0;
		while (lead < n && (start[lead] == ' ' || start[lead] == '\t'))
			lead++;
		while (n > lead && (start[n - 1] == ' ' || start[n - 1] == '\t'))
			n--;
		if (n == lead) {
			build_error(b, b->entry->place, "%s: an empty item in the list",
				    b->entry->key);
			good = false;
		} else {
			item(b, arg, build_text(b, start + lead, n - lead));
		}
		if (*s == '\0')
			return good;
		start = s + 1;
	}
}

bool
lex_next(struct build *b, const char **p, char *out, size_t cap)
{
	bool quoted;
	return lex_word(b, p, "", out, cap, &quoted);
}

int
build_signal(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = {
		{ "HUP", SIGHUP },   { "INT", SIGINT },   { "QUIT", SIGQUIT },
		{ "ABRT", SIGABRT }, { "KILL", SIGKILL }, { "USR1", SIGUSR1 },
		{ "USR2", SIGUSR2 }, { "TERM", SIGTERM }, { "ALRM", SIGALRM },
		{ "CONT", SIGCONT }, { "STOP", SIGSTOP }, { "WINCH", SIGWINCH },
	};
	if (strncmp(name, "SIG", 3) == 0)
		name += 3;
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		if (strcmp(signals[i].name, name) == 0)
			return signals[i].number;
	return 0;
}
