/* Text -> sections with entries. inih keeps the structure; our reader in front of it counts
 * the lines, joins continuations, refuses what inih would cut or swallow in silence, and
 * hands it one short line at a time: "[index]" or "key = index". */
#include "base/text.h"
#include "rules/build.h"
#include "rules/keys.h"

#include <ini.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX 40

struct reader {
	struct build *b;
	const char *file;
	const char *at, *end;
	unsigned line; /* of the line read last */
	bool pending;  /* a line that was read ahead lies in ahead */
	char *ahead;
	unsigned ahead_line;
	struct section *section; /* NULL: none, or one that was refused */
	bool refused;
	/* what inih is about to hand to on_entry */
	const char *value;
	unsigned value_line;
	char bytes[LINE_MAX_BYTES + 1]; /* of the line read last: what is kept of it is copied */
};

static struct place
here(const struct reader *r, unsigned line)
{
	return (struct place){ .file = r->file, .line = line };
}

/* Of the section that is being read a line is lost. */
static void
tear(struct reader *r)
{
	if (r->section != NULL)
		r->section->torn = true;
}

/* The next physical line, cleaned of CR and BOM, checked, good until the next; NULL: none.
 * Bad ones are told and skipped. */
static char *
physical(struct reader *r)
{
	if (r->line == 0 && r->end - r->at >= 2 &&
	    (memcmp(r->at, "\xff\xfe", 2) == 0 || memcmp(r->at, "\xfe\xff", 2) == 0)) {
		build_error(r->b, here(r, 1), "the file is UTF-16: save it as UTF-8");
		r->at = r->end;
		r->line = 1;
	}
	while (r->at < r->end) {
		const char *s = r->at, *nl = memchr(s, '\n', (size_t)(r->end - s));
		const char *e = nl != NULL ? nl : r->end;
		r->at = nl != NULL ? nl + 1 : r->end;
		r->line++;
		if (r->line == 1 && e - s >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0)
			s += 3;
		if (e > s && e[-1] == '\r')
			e--;
		if (e - s > LINE_MAX_BYTES) {
			build_error(r->b, here(r, r->line),
				    "a line of %td bytes; %d are allowed", e - s,
				    LINE_MAX_BYTES);
			tear(r);
			continue;
		}
		const char *bad = s;
		while (bad < e && ((unsigned char)*bad >= 0x20 || *bad == '\t') &&
		       *bad != 0x7f)
			bad++;
		if (bad < e) {
			build_error(r->b, here(r, r->line),
				    "a control byte (0x%02x) in column %td",
				    (unsigned char)*bad, bad - s + 1);
			tear(r);
			continue;
		}
		memcpy(r->bytes, s, (size_t)(e - s));
		r->bytes[e - s] = '\0';
		return r->bytes;
	}
	return NULL;
}

static bool
blank(const char *s)
{
	return s[strspn(s, " \t")] == '\0';
}

static bool
comment(const char *s)
{
	s += strspn(s, " \t");
	return *s == ';' || *s == '#';
}

/* Cuts ` ;` outside quotes and outer blanks. False: a quote is left open (told). */
static bool
trim_value(struct reader *r, char *v, unsigned line)
{
	bool quoted = false, hash = false;
	char *p;
	for (p = v; *p != '\0'; p++) {
		if (quoted && *p == '\\' && p[1] == '"')
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (!quoted && *p == ';' &&
			 (p == v || p[-1] == ' ' || p[-1] == '\t'))
			break;
		else if (!quoted && *p == '#' && p > v && (p[-1] == ' ' || p[-1] == '\t'))
			hash = true;
	}
	while (p > v && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	*p = '\0';
	memmove(v, v + strspn(v, " \t"), strlen(v + strspn(v, " \t")) + 1);
	if (quoted) {
		build_error(r->b, here(r, line), "a double quote is left open");
		tear(r);
		return false;
	}
	if (hash)
		build_warning(r->b, here(r, line),
			      "' #' begins no comment behind a value; ' ;' does");
	return true;
}

static char *
next_line(struct reader *r)
{
	if (r->pending) {
		r->pending = false;
		return r->ahead;
	}
	char *s = physical(r);
	r->ahead_line = r->line;
	return s;
}

/* "key" of "key = …", as far as it reads like one. */
static size_t
key_length(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");
	size_t gap = strspn(s + n, " \t");
	return n > 0 && s[n + gap] == '=' ? n : 0;
}

struct joined { /* a value and the lines that go on with it */
	const char *value;
	char *room; /* NULL: value may be somebody else's too */
	size_t used, cap;
};

/* Twice the room each time: a value of many lines costs no more than its length. */
static bool
join_room(struct build *b, struct joined *j, size_t add)
{
	if (j->room != NULL && j->used + add + 2 <= j->cap)
		return true;
	size_t cap = 2 * (j->used + add + 2);
	char *room = build_get(b, cap);
	if (b->out_of_memory)
		return false;
	memcpy(room, j->value, j->used);
	j->value = j->room = room;
	j->cap = cap;
	return true;
}

/* Keeps value, with the continuation lines that follow. */
static const char *
join(struct reader *r, const char *first)
{
	struct joined j = { .used = strlen(first) };
	bool full = false;
	j.value = build_same(r->b, first, j.used);
	for (;;) {
		char *s = physical(r);
		r->ahead_line = r->line;
		if (s == NULL)
			return j.value;
		if (comment(s))
			continue;
		if (blank(s) || (*s != ' ' && *s != '\t')) {
			r->ahead = s;
			r->pending = true;
			return j.value;
		}
		unsigned line = r->line;
		s += strspn(s, " \t");
		size_t n = key_length(s);
		if (n > 0 && r->section != NULL &&
		    keys_find(r->section->kind, s, n) != NULL) {
			build_error(
				r->b, here(r, line),
				"'%.*s' is indented: it would continue the value above",
				(int)n, s);
			tear(r);
			continue;
		}
		if (*s == '[') {
			build_error(r->b, here(r, line),
				    "a section begins at the line's start");
			continue;
		}
		if (!trim_value(r, s, line))
			continue;
		size_t add = strlen(s);
		if (j.used + add + 1 > 8 * LINE_MAX_BYTES) {
			if (!full)
				build_error(r->b, here(r, line),
					    "the value is longer than 64 KiB");
			full = true;
			continue;
		}
		if (!join_room(r->b, &j, add))
			return j.value;
		j.room[j.used] = ' ';
		memcpy(j.room + j.used + 1, s, add + 1);
		j.used += add + 1;
	}
}

static bool
name_good(const char *s, size_t n)
{
	if (n == 0 || n > RULES_NAME_MAX || strchr("0123456789-_.", *s) != NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.",
			   s[i]) == NULL)
			return false;
	return true;
}

static struct section *
add_section(struct build *b)
{
	if (b->section_count == b->section_cap) {
		size_t cap = b->section_cap == 0 ? 64 : 2 * b->section_cap;
		struct section *list = reallocarray(b->sections, cap, sizeof *list);
		if (list == NULL) {
			b->out_of_memory = true;
			return NULL;
		}
		b->sections = list;
		b->section_cap = cap;
	}
	b->sections[b->section_count] = (struct section){ 0 };
	return &b->sections[b->section_count++];
}

static void
open_section(struct reader *r, const char *s, unsigned line)
{
	struct build *b = r->b;
	const char *close = strchr(s, ']');
	r->section = NULL;
	r->refused = true;
	if (close == NULL) {
		build_error(b, here(r, line), "'[' without ']'");
		return;
	}
	const char *rest = close + 1 + strspn(close + 1, " \t");
	if (*rest != '\0' && *rest != ';' && *rest != '#') {
		build_error(b, here(r, line), "text after ']'");
		return;
	}
	const char *kind = s + 1 + strspn(s + 1, " \t");
	size_t kind_length = strcspn(kind, " \t]");
	const char *name = kind + kind_length + strspn(kind + kind_length, " \t");
	size_t name_length = (size_t)(close - name);
	while (name_length > 0 &&
	       (name[name_length - 1] == ' ' || name[name_length - 1] == '\t'))
		name_length--;
	enum object_kind k = OBJECT_KINDS;
	for (unsigned i = 0; i < OBJECT_KINDS; i++)
		if (strlen(object_kind_name[i]) == kind_length &&
		    memcmp(object_kind_name[i], kind, kind_length) == 0)
			k = (enum object_kind)i;
	if (k == OBJECT_KINDS) {
		char word[72], hint[96];
		struct text_nearest nearest = { .word = word, .distance = 4 };
		text_print(word, sizeof word, "%.*s",
			   (int)(kind_length < 64 ? kind_length : 64), kind);
		for (unsigned i = 0; i < OBJECT_KINDS; i++)
			text_nearer(&nearest, object_kind_name[i]);
		build_error(b, here(r, line), "unknown section kind '%s'%s", word,
			    text_hint(&nearest, hint, sizeof hint));
		return;
	}
	if (k == OBJECT_MONITORD ? name_length != 0 : !name_good(name, name_length)) {
		build_error(
			b, here(r, line),
			k == OBJECT_MONITORD ? "[monitord] takes no name"
			: name_length == 0
				? "[%s] needs a name"
				: "[%s …]: a name is letters, digits, '-', '_' and '.', a letter "
				  "first, at most 64 bytes",
			object_kind_name[k]);
		return;
	}
	struct section *section = add_section(b);
	if (section == NULL)
		return;
	section->kind = k;
	section->name = build_text(b, name, name_length);
	section->place = here(r, line);
	r->section = section;
}

/* As people write the rest of a condition or of a list. */
static bool
goes_on(const char *s)
{
	static const char *const begins[] = { "and ", "or ", "not ", "->", ",", "(" };
	for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
		if (strncmp(s, begins[i], strlen(begins[i])) == 0)
			return true;
	return false;
}

/* inih asks for a line: the next entry or section, as a short one. */
static char *
feed(char *out, int cap, void *stream)
{
	struct reader *r = stream;
	char *s;
	while ((s = next_line(r)) != NULL) {
		unsigned line = r->ahead_line;
		if (blank(s) || comment(s))
			continue;
		if (*s == '[') {
			open_section(r, s, line);
			if (r->section == NULL)
				join(r, "");
			continue;
		}
		char *equals = strchr(s, '=');
		size_t n = equals != NULL ? (size_t)(equals - s) : 0;
		while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
			n--;
		if (*s == ' ' || *s == '\t') {
			build_error(r->b, here(r, line),
				    "an indented line that continues nothing");
			tear(r);
			continue;
		}
		if (n == 0 || n > KEY_MAX || strcspn(s, ": \t;#") < n) {
			build_error(
				r->b, here(r, line),
				"expected KEY = VALUE or [KIND NAME]%s",
				goes_on(s)
					? ": a line that goes on with the one above begins with a blank"
					: "");
			tear(r);
			join(r, "");
			continue;
		}
		bool good = trim_value(r, equals + 1, line);
		/* the line is lost then */
		text_print(out, (size_t)cap, "%.*s = .\n", (int)n, s);
		const char *value = join(r, equals + 1);
		if (!good)
			continue;
		r->value = value;
		r->value_line = line;
		return out;
	}
	return NULL;
}

static int
on_entry(void *user, const char *section, const char *key, const char *unused)
{
	struct reader *r = user;
	struct section *s = r->section;
	(void)section;
	(void)unused;
	if (s == NULL) {
		if (!r->refused)
			build_error(r->b, here(r, r->value_line),
				    "'%s' stands before any section", key);
		return 1;
	}
	if (s->count == s->cap) {
		size_t cap = s->cap == 0 ? 8 : 2 * s->cap;
		struct entry *list = reallocarray(s->entries, cap, sizeof *list);
		if (list == NULL) {
			r->b->out_of_memory = true;
			return 1;
		}
		s->entries = list;
		s->cap = cap;
	}
	s->entries[s->count++] = (struct entry){
		.key = build_same(r->b, key, strlen(key)),
		.value = r->value,
		.place = here(r, r->value_line),
	};
	return 1;
}

void
build_read(struct build *b, const struct source *source)
{
	struct reader r = {
		.b = b,
		.file = build_text(b, source->path, strlen(source->path)),
		.at = source->text,
		.end = source->text + source->size,
	};
	b->rules->files[b->rules->file_count++] = r.file;
	ini_parse_stream(feed, &r, on_entry, &r);
}
