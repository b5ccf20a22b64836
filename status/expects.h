/* status/expects.h: what a check expects, in the rule file's words. */
#ifndef STATUS_EXPECTS_H
#define STATUS_EXPECTS_H

#include "rules/rules.h"
#include "status/json.h"

/* An array of texts, "status 200 204 301..308", "header content-type ~ ^image/". */
void expects_json(const struct expect *expects, uint32_t count, struct json *j);

#endif
