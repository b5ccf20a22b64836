/* alerts/payload.h: a letter as the JSON of a webhook. */
#ifndef ALERTS_PAYLOAD_H
#define ALERTS_PAYLOAD_H

#include "alerts/letter.h"

/* {"key","incident","state","host","contact","root","root_kind","since","until","text",
 * "events":[{"id","time","kind","object","rule","cause","text"}],"omitted"}; key is the
 * same for each try of one page; a missing value is null. To be freed; NULL: out of
 * memory. */
char *payload_new(const struct letter *l);

#endif
