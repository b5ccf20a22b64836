/* rules/template.h: texts of users with {variables} of a closed set: subjects, bodies and
 * the JSON of pages. A brace that encloses no word of letters and '-' stands for itself. */
#ifndef RULES_TEMPLATE_H
#define RULES_TEMPLATE_H

#include "base/text.h"

#include <stdbool.h>

enum variable {
	VARIABLE_HOST, VARIABLE_CONTACT, VARIABLE_INCIDENT, VARIABLE_ID, VARIABLE_STATE,
	VARIABLE_SEVERITY, VARIABLE_ROOT, VARIABLE_TEXT, VARIABLE_SINCE, VARIABLE_DURATION,
	VARIABLE_SERVED, VARIABLE_DONE, VARIABLE_NEXT, VARIABLE_EVIDENCE, VARIABLE_AFFECTED,
	VARIABLE_CHAIN, VARIABLE_COMMANDS, VARIABLE_SMS, VARIABLES
};
extern const char *const variable_name[VARIABLES];

/* True: all variables are known; else unknown gets the first that is not. */
bool template_check(const char *text, char *unknown, size_t cap);

/* Adds the text; each variable is put by value, unknown ones stay as they are. */
void template_write(struct text *out, const char *text,
		    void (*value)(struct text *out, enum variable v, const void *arg),
		    const void *arg);

#endif
