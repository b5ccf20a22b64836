/* probes/expect.h: the tests of a check, against what was measured. */
#ifndef PROBES_EXPECT_H
#define PROBES_EXPECT_H

#include "probes/kind.h"

/* Does every expect hold? First those that early names (EXPECT_STATUS and EXPECT_HEADER),
 * so that a wrong head needs no body. False: why says which does not, and what was found.
 */
bool
expect_all(const struct plan *p, const struct answer *a, bool early, char why[MSG_TEXT]);
/* Does any warn hold? True: why says which. */
bool expect_warns(const struct plan *p, const struct answer *a, char why[MSG_TEXT]);
/* Each expect (or warn): is it so, as a user would write it, and what was found. */
void
expect_each(const struct plan *p, bool warns, const struct answer *a,
	    void (*fn)(void *arg, bool is_so, const char *wording, const char *found),
	    void *arg);
/* By hand: whoever asks expect_all hears each test from now on. */
void expect_show(void (*fn)(const struct plan *p, const struct answer *a));
/* Does that regex of the rules fit in the text? end: behind it, or 0. */
bool expect_matches(const pcre2_code *re, const char *text, size_t size, size_t *end);
/* {active} stands in an expectation, and nobody knows yet whom it names. */
bool expect_unknown(const struct plan *p, const struct answer *a);
/* All that is wrong with the head is that another backend answered than the front was
 * last seen to use: it is what we know that is old. */
bool expect_elsewhere(const struct plan *p, const struct answer *a);

/* ---- body.c ---- */
/* Do the tests of a body hold? found: what is there. */
bool body_json(const struct expect *x, const pcre2_code *re, const char *bytes,
	       size_t size, char *found, size_t cap);
bool body_sha256(const char *bytes, size_t size, char hex[65]); /* false: out of memory */

#endif
