/* rules/parse.h: rule text in, struct rules or a list of mistakes out. */
#ifndef RULES_PARSE_H
#define RULES_PARSE_H

#include "rules/rules.h"

#include <stddef.h>
#include <stdio.h>

struct problem {
	const char *file; /* as the user named it */
	unsigned line;	  /* 0: the file itself */
	bool warning;
	char text[240];
};

struct problems {
	struct problem *list; /* sorted by file order, then line */
	size_t count, errors;
};
void problems_free(struct problems *p);
/* A warning. What stands there already is not said again (instances are made of the same
 * lines), nor what stands in no file. */
void problems_warn(struct problems *p, struct place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* One rule file's text. */
struct source {
	char *path; /* absolute or as given */
	char *text;
	size_t size;
};
struct sources {
	struct source *list; /* the main file first, then includes in the order they are read */
	size_t count;
};

/* Reads the main file and what it includes (sorted; relative to the including file).
 * privileged: files and their folders must be root's and writable by nobody else. False:
 * problems say why. */
bool sources_read(const char *path, bool privileged, struct sources *s, struct problems *p);
void sources_free(struct sources *s);

/* The bundle: the accepted text of all files, for a memfd. */
bool sources_write(const struct sources *s, int fd);
bool sources_from_fd(int fd, struct sources *s);

/* Parses everything; NULL when there is an error in problems (warnings may stand there
 * besides a result). Out of memory is a problem like any other. */
struct rules *rules_parse(const struct sources *s, struct problems *p);

/* What a helper does with the bundle: NULL when it cannot be taken, then it is not the one that
 * monitord accepted. */
struct rules *rules_from_fd(int fd);

/* Sorts by file and line, and prints "FILE:LINE: message" lines. */
void problems_print(struct problems *p, const struct sources *s, FILE *out);

enum test_form {
	TEST_LINES, /* "FILE:LINE: message" */
	TEST_MARKS, /* the same, with the line below and a mark where it is wrong */
	TEST_JSON   /* for editors: an array of objects */
};

/* What else is looked at where there is no mistake; NULL: nothing. It may add warnings. */
typedef void rules_look(const struct rules *r, const struct sources *s, struct problems *p);

/* The whole of `monitord -t`: reads, parses, prints the mistakes to out. */
bool rules_test(const char *path, bool privileged, enum test_form form, rules_look *look,
		FILE *out);

/* ---- mark.c ---- */
/* Where in the sources' text a problem is: its line (it may stand in a continuation), and
 * bytes of it. False: not known. */
struct problem_place {
	unsigned line;
	const char *text; /* of the line, length bytes without its end */
	size_t length, column, width;
};
bool problem_mark(const struct problem *p, const struct sources *s, struct problem_place *out);
/* Where this key stands first in the section that begins there (file NULL: in any); else the
 * section itself. */
struct place source_key(const struct sources *s, struct place section, const char *key);

#endif
