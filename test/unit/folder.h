/* test/unit/folder.h: an empty folder of one's own for each test. */
#ifndef TEST_UNIT_FOLDER_H
#define TEST_UNIT_FOLDER_H

#include <limits.h>
#include <stddef.h>

extern char folder[PATH_MAX];

int folder_make(void **state); /* for cmocka's setup */
int folder_remove(void **state); /* for its teardown: with what is in it, two levels deep */

/* "FOLDER/NAME", good until the fourth next call. */
const char *folder_path(const char *name);
void folder_write(const char *name, const char *text);
/* What stands in the file, "" if it is not there; in a static buffer. */
const char *folder_read(const char *name);

/* Asks done(arg) until it says true, for at most 20 seconds; else the test fails. */
void folder_await(int (*done)(void *arg), void *arg);

#endif
