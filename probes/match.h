/* probes/match.h: a regex of a rule file (PCRE2) over text that anybody may have written. */
#ifndef PROBES_MATCH_H
#define PROBES_MATCH_H

#include <stdbool.h>
#include <stddef.h>

struct match;

struct match *match_new(const char *regex); /* NULL: out of memory, as the parser tried it */
void match_free(struct match **mp);
/* Whether it fits somewhere in so many bytes; not if that would take too long to find out. */
bool match_fits(const struct match *m, const char *text, size_t size);

#endif
