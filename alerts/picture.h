/* alerts/picture.h: the two pictures of a mail, drawn by cairo.
 *
 * Drawing needs fonts and much code that is not ours: it happens in a process of its own
 * that is killed at its deadline, and a mail goes without a picture that did not come. */
#ifndef ALERTS_PICTURE_H
#define ALERTS_PICTURE_H

#include "alerts/letter.h"

#define PICTURE_MAX 65536 /* bytes of a PNG */
#define PICTURE_MS 5000

/* The chain with the root, and how the metric went that tripped. PNG into out; 0: there is
 * none, or it could not be drawn in time. Blocks up to PICTURE_MS. */
size_t picture_chain(const struct letter *l, char *out, size_t cap);
size_t picture_trace(const struct letter *l, char *out, size_t cap);

#endif
