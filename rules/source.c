/* Rule files: reading them with what they include, and the bundle for the helpers. */
#include "base/owner.h"
#include "base/text.h"
#include "rules/build.h"
#include "rules/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 1024
#define DEPTH_MAX 16 /* includes within includes: each level holds paths on the stack */
#define FILE_MAX_BYTES (32u << 20)
#define BUNDLE_MAX_BYTES (64u << 20)
#define BUNDLE "monitord rules 1\n"

static void
tell(struct problems *p, const char *file, unsigned line, const char *format, const char *arg)
{
	struct problem *list = reallocarray(p->list, p->count + 1, sizeof *list);
	if (list == NULL)
		return;
	p->list = list;
	struct problem *new = &list[p->count++];
	*new = (struct problem){ .file = strdup(file), .line = line };
	text_print(new->text, sizeof new->text, "%s%s%s", format,
		   *arg != '\0' ? ": " : "", arg);
	p->errors++;
}

void
problems_free(struct problems *p)
{
	for (size_t i = 0; i < p->count; i++)
		free((char *)(uintptr_t)p->list[i].file);
	free(p->list);
	*p = (struct problems){ 0 };
}

void
problems_warn(struct problems *p, struct place place, const char *format, ...)
{
	struct problem new = { .file = place.file, .line = place.line, .warning = true };
	va_list args;
	if (place.file == NULL)
		return;
	va_start(args, format);
	vsnprintf(new.text, sizeof new.text, format, args);
	va_end(args);
	for (size_t i = 0; i < p->count; i++)
		if (p->list[i].line == new.line &&
		    strcmp(p->list[i].text, new.text) == 0 &&
		    strcmp(p->list[i].file, new.file) == 0)
			return;
	struct problem *list = p->count < PROBLEMS_MAX
				       ? reallocarray(p->list, p->count + 1, sizeof *list)
				       : NULL;
	if (list == NULL)
		return;
	p->list = list;
	new.file = strdup(place.file);
	if (new.file != NULL)
		list[p->count++] = new;
}

/* What reading one file after another needs to know. */
struct reading {
	struct sources *sources;
	struct problems *problems;
	bool privileged;
	unsigned depth; /* of includes */
	const char *from; /* includes the file that is being read; NULL: it is the first */
	unsigned line;
};

/* Of a file that cannot be taken; where another includes it, there. */
static void
tell_file(struct reading *r, const char *path, const char *format, const char *arg)
{
	char text[PATH_MAX + 64];
	text_print(text, sizeof text, "include: %s %s", path, format);
	tell(r->problems, r->from != NULL ? r->from : path, r->from != NULL ? r->line : 0,
	     r->from != NULL ? text : format, arg);
}

static char *
read_all(const char *path, size_t *size, struct reading *r)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	char *text = NULL;
	if (fd == -1 || fstat(fd, &st) != 0) {
		tell_file(r, path, "cannot be read", strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX_BYTES) {
		tell_file(r, path,
			  S_ISREG(st.st_mode) ? "is larger than 32 MiB" : "is no file",
			  "");
		goto out;
	}
	size_t cap = (size_t)st.st_size + 1, used = 0;
	ssize_t n = 0;
	text = malloc(cap);
	while (text != NULL && used < cap && (n = read(fd, text + used, cap - used)) > 0)
		used += (size_t)n;
	if (text == NULL || n == -1) {
		tell_file(r, path, "cannot be read", strerror(errno));
		free(text);
		text = NULL;
	}
	*size = used;
out:
	if (fd != -1)
		close(fd);
	return text;
}

static bool
add(struct sources *s, const char *path, char *text, size_t size)
{
	struct source *list = reallocarray(s->list, s->count + 1, sizeof *list);
	char *name = strdup(path);
	if (list != NULL)
		s->list = list;
	if (list == NULL || name == NULL) {
		free(name);
		free(text);
		return false;
	}
	list[s->count++] = (struct source){ .path = name, .text = text, .size = size };
	return true;
}

static void read_file(const char *path, struct reading *r);

static void
include(const char *from, unsigned line, const char *pattern, struct reading *r)
{
	struct problems *p = r->problems;
	char copy[PATH_MAX], full[PATH_MAX];
	glob_t g = { 0 };
	if (r->depth == DEPTH_MAX) {
		tell(p, from, line, "include within include, more than 16 deep", pattern);
		return;
	}
	text_print(copy, sizeof copy, "%s", from);
	if (*pattern == '/')
		text_print(full, sizeof full, "%s", pattern);
	else
		text_print(full, sizeof full, "%s/%s", dirname(copy), pattern);
	int found = glob(full, 0, NULL, &g);
	if (found == GLOB_NOMATCH && strpbrk(pattern, "*?[") == NULL)
		tell(p, from, line, "include finds no file", full);
	else if (found != 0 && found != GLOB_NOMATCH)
		tell(p, from, line, "include cannot be read", full);
	struct reading inner = *r;
	inner.depth++;
	inner.from = from;
	inner.line = line;
	for (size_t i = 0; found == 0 && i < g.gl_pathc; i++)
		read_file(g.gl_pathv[i], &inner);
	globfree(&g);
}

/* [monitord], as the reader would take it. */
static bool
is_monitord(const char *s, size_t n)
{
	static const char word[] = "monitord";
	const char *end = s + n;
	for (s++; s < end && (*s == ' ' || *s == '\t'); s++)
		;
	if ((size_t)(end - s) < sizeof word - 1 || memcmp(s, word, sizeof word - 1) != 0)
		return false;
	for (s += sizeof word - 1; s < end && (*s == ' ' || *s == '\t'); s++)
		;
	return s < end && *s == ']';
}

/* Cuts what the reader takes as a comment, and outer blanks. */
static void
trim(char *value)
{
	size_t n = 0;
	while (value[n] != '\0' && (value[n] != ';' || (n > 0 && value[n - 1] != ' ' &&
							value[n - 1] != '\t')))
		n++;
	while (n > 0 && strchr(" \t\r", value[n - 1]) != NULL)
		n--;
	value[n] = '\0';
}

/* Finds `include = PATTERN` in the [monitord] sections of a text. */
static void
includes(const char *path, const char *text, size_t size, struct reading *r)
{
	bool ours = false;
	unsigned line = 0;
	size_t bom = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	for (const char *at = text + bom, *end = text + size; at < end;) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((nl != NULL ? nl : end) - at);
		line++;
		if (n > 0 && *at == '[')
			ours = is_monitord(at, n);
		if (ours && n > 7 && n < PATH_MAX && memcmp(at, "include", 7) == 0) {
			char value[PATH_MAX];
			const char *v = at + 7, *stop = at + n;
			while (v < stop && (*v == ' ' || *v == '\t'))
				v++;
			if (v < stop && *v == '=') {
				v++;
				while (v < stop && (*v == ' ' || *v == '\t'))
					v++;
				text_print(value, sizeof value, "%.*s", (int)(stop - v),
					   v);
				trim(value);
				if (*value != '\0')
					include(path, line, value, r);
			}
		}
		at = nl != NULL ? nl + 1 : end;
	}
}

/* By what it is, not by its name: a loop may spell it anew each time round. */
static bool
known(const struct sources *s, const char *path)
{
	struct stat a, b;
	bool same = false;
	bool there = stat(path, &a) == 0;
	for (size_t i = 0; there && !same && i < s->count; i++)
		same = strcmp(s->list[i].path, path) == 0 ||
		       (stat(s->list[i].path, &b) == 0 && a.st_dev == b.st_dev &&
			a.st_ino == b.st_ino);
	return same;
}

static void
read_file(const char *path, struct reading *r)
{
	struct sources *s = r->sources;
	size_t size;
	if (known(s, path))
		return; /* each file once, whoever includes it */
	if (s->count >= FILES_MAX) {
		tell_file(r, path, "is one file too many: 1024 can be read", "");
		return;
	}
	char at[PATH_MAX];
	const char *why = r->privileged ? owner_doubt(path, at) : NULL;
	if (why != NULL) {
		tell_file(r, path, why, at);
		return;
	}
	char *text = read_all(path, &size, r);
	if (text == NULL)
		return;
	if (!add(s, path, text, size)) {
		tell_file(r, path, "cannot be read", "out of memory");
		return;
	}
	includes(path, text, size, r);
}

bool
sources_read(const char *path, bool privileged, struct sources *s, struct problems *p)
{
	size_t before = p->errors;
	struct reading r = { .sources = s, .problems = p, .privileged = privileged };
	read_file(path, &r);
	return p->errors == before;
}

void
sources_free(struct sources *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->list[i].path);
		free(s->list[i].text);
	}
	free(s->list);
	*s = (struct sources){ 0 };
}

bool
sources_write(const struct sources *s, int fd)
{
	bool good = dprintf(fd, BUNDLE "%zu\n", s->count) > 0;
	for (size_t i = 0; good && i < s->count; i++) {
		const struct source *f = &s->list[i];
		good = dprintf(fd, "%zu %zu\n%s\n", strlen(f->path), f->size, f->path) >
		       0;
		for (size_t at = 0; good && at < f->size;) {
			ssize_t n = write(fd, f->text + at, f->size - at);
			good = n > 0;
			at += good ? (size_t)n : 0;
		}
	}
	return good;
}

/* Several programs hold the same open file: its offset is nobody's, so it is not used. */
static char *
read_bundle(int fd, size_t *size)
{
	struct stat st;
	if (fstat(fd, &st) != 0 || st.st_size <= 0 ||
	    (uint64_t)st.st_size > BUNDLE_MAX_BYTES)
		return NULL;
	char *bytes = malloc((size_t)st.st_size);
	*size = 0;
	while (bytes != NULL && *size < (size_t)st.st_size) {
		ssize_t n = pread(fd, bytes + *size, (size_t)st.st_size - *size,
				  (off_t)*size);
		if (n <= 0) {
			free(bytes);
			return NULL;
		}
		*size += (size_t)n;
	}
	return bytes;
}

static bool
read_sources(FILE *f, struct sources *s)
{
	size_t count = 0;
	bool good = fscanf(f, BUNDLE "%zu", &count) == 1 && fgetc(f) == '\n' &&
		    count <= FILES_MAX;
	for (size_t i = 0; good && i < count; i++) {
		size_t name = 0, size = 0;
		good = fscanf(f, "%zu %zu", &name, &size) == 2 && fgetc(f) == '\n' &&
		       name < PATH_MAX && size <= FILE_MAX_BYTES;
		char path[PATH_MAX], *text = good ? malloc(size + 1) : NULL;
		good = text != NULL && fread(path, 1, name, f) == name &&
		       fgetc(f) == '\n' && fread(text, 1, size, f) == size;
		path[good ? name : 0] = '\0';
		if (!good)
			free(text);
		else
			good = add(s, path, text, size);
	}
	return good;
}

bool
sources_from_fd(int fd, struct sources *s)
{
	size_t size;
	char *bytes = read_bundle(fd, &size);
	FILE *f = bytes != NULL ? fmemopen(bytes, size, "r") : NULL;
	bool good = f != NULL && read_sources(f, s);
	if (f != NULL)
		fclose(f);
	free(bytes);
	return good;
}

struct rules *
rules_from_fd(int fd)
{
	struct sources s = { 0 };
	struct problems p = { 0 };
	struct rules *rules = sources_from_fd(fd, &s) ? rules_parse(&s, &p) : NULL;
	problems_free(&p);
	sources_free(&s);
	return rules;
}
