/* status/incidents.h: what is or was wrong, one entry a root cause: what monitord says of
 * it, and its symptoms and actions, gathered from the journal's lines that belong to it.
 */
#ifndef STATUS_INCIDENTS_H
#define STATUS_INCIDENTS_H

#include "base/journal.h"
#include "base/msg.h"
#include "rules/world.h"
#include "status/batch.h"
#include "status/json.h"

#define INCIDENTS_KEPT 768 /* more than monitord holds open: the oldest that is over goes */
#define INCIDENT_SYMPTOMS 16
#define INCIDENT_ACTIONS 8

struct incident {
	uint64_t id; /* 0: free */
	enum incident_state state;
	bool revised; /* its root is what monitord says, not its first line's object */
	bool viewed; /* monitord knows of it; else it ended in an earlier life, untold */
	bool whole;  /* its first line was seen: nothing is missing */
	bool saved;  /* as it is now */
	int64_t since_real_ms, until_real_ms;
	int64_t last_real_ms; /* of its newest line that tells what happened */
	char root[JOURNAL_NAME], root_kind[12];
	uint32_t symptom_count, action_count;
	char symptoms[INCIDENT_SYMPTOMS][JOURNAL_NAME];
	char actions[INCIDENT_ACTIONS][MSG_TEXT * 2]; /* the last ones */
	char who[MSG_PERSON], why[MSG_TEXT]; /* that it was acknowledged */
	char text[JOURNAL_TEXT];
};

struct incidents {
	struct incident list[INCIDENTS_KEPT];
	uint32_t count, next; /* next: where one that is over is looked for */
};

void incidents_view(struct incidents *s, const struct msg_incident_view *v,
		    const struct rules *rules);
void incidents_line(struct incidents *s, const struct journal_line *line);
void
incidents_json(const struct incidents *s, struct json *j); /* an array, oldest first */
/* One object. False: no such incident. */
bool incidents_one(const struct incidents *s, uint64_t id, struct json *j);
bool incidents_known(const struct incidents *s, uint64_t id);
/* Records for the archive: of those that are not saved as they are, as if they were over by
 * now, for nobody tells its end of one that a boot ended; and of all that touch this time (Unix
 * time, until excluded), as they are. */
void incidents_save(struct incidents *s, struct batch *b);
void incidents_between(const struct incidents *s, int64_t since_ms, int64_t until_ms,
		       struct batch *b);
uint32_t incidents_open(const struct incidents *s); /* how many are not closed */

#endif
