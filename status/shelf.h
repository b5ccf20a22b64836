/* status/shelf.h: each object's JSON, kept until its view changes. What passes with time
 * alone (an age, an uptime) is a hole in the text, and filled in each time. */
#ifndef STATUS_SHELF_H
#define STATUS_SHELF_H

#include "status/json.h"
#include "status/store.h"

struct kept; /* one object's text */

struct shelf {
	struct kept *texts[OBJECT_KINDS]; /* by id */
	uint32_t counts[OBJECT_KINDS];
	struct json scratch; /* where a text grows before it is kept */
	uint64_t version; /* grows with every change of anything that status tells */
};

/* Empty, for these rules; NULL: none. */
void shelf_load(struct shelf *s, const struct rules *rules);
/* The object's view has changed: its text, and those that tell of it, are forgotten. */
void shelf_forget(struct shelf *s, const struct store *store, enum object_kind kind,
		  uint32_t id);
/* Adds the object's text, rendered if it is not there. */
void shelf_write(struct shelf *s, const struct store *store, enum object_kind kind,
		 uint32_t id, struct json *j);

#endif
