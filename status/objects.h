/* status/objects.h: the objects of the status socket as JSON, from the store. */
#ifndef STATUS_OBJECTS_H
#define STATUS_OBJECTS_H

#include "status/json.h"
#include "status/shelf.h"
#include "status/store.h"

/* One object; id is in range. Kinds: service, check, route, rule. */
void
object_json(const struct store *s, enum object_kind kind, uint32_t id, struct json *j);
/* All of the kind as an array. */
void objects_json(const struct store *s, struct shelf *shelf, enum object_kind kind,
		  struct json *j);
/* The whole of GET /v1/status. */
void status_json(const struct store *s, struct shelf *shelf, struct json *j);

#endif
