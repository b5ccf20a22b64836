/* status/silences.h: what may stay quiet by an operator's order: monitord's silences, by
 * name, as ids change with the rules. */
#ifndef STATUS_SILENCES_H
#define STATUS_SILENCES_H

#include "base/journal.h"
#include "base/msg.h"
#include "rules/rules.h"
#include "status/json.h"

struct silence {
	int64_t until_real_ms; /* 0: free */
	uint64_t event;
	char kind[12], name[JOURNAL_NAME]; /* kind monitord: all */
	char who[MSG_PERSON], why[MSG_TEXT];
};

struct silences {
	struct silence list[MSG_SILENCES];
};

void silences_view(struct silences *s, const struct msg_silence_view *v,
		   const struct rules *rules);
void silences_json(const struct silences *s, struct json *j); /* an array */

#endif
