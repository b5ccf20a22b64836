/* alerts/body.h: a letter as text and as HTML: what is wrong; who is served by whom; what
 * was done and whether it is verified; what comes next; evidence; the chain; commands. */
#ifndef ALERTS_BODY_H
#define ALERTS_BODY_H

#include "alerts/letter.h"

/* UTF-8 lines that end in '\n', cut at cap - 1: by the contact's template, if there is one.
 * Returns the length. */
size_t body_write(const struct letter *l, char *out, size_t cap);

/* A document that asks for nothing from outside: its pictures are parts of the mail, named
 * chain_cid and trace_cid. */
size_t html_write(const struct letter *l, const char *chain_cid, const char *trace_cid, char *out,
		  size_t cap);

#endif
