/* status/import.h: monitorctl import: a Monit control file becomes a rule file. What has
 * no counterpart is listed, in a comment where it stood and in a report; nothing is left
 * out in silence. */
#ifndef STATUS_IMPORT_H
#define STATUS_IMPORT_H

#include <stdio.h>

/* The text of an included file, for free(); NULL: errno. */
typedef char *import_read(const char *path);

/* Text as read from the file; read NULL: includes are listed as lost. report gets FILE:LINE: lines. Returns how many statements
 * have no counterpart; -1: out of memory. */
int import_monitrc(const char *file, const char *text, import_read *read, FILE *rules,
		   FILE *report);

#endif
