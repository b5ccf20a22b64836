/* test/unit/book.h: rule text to rules, for tests of what rules mean. */
#ifndef TEST_UNIT_BOOK_H
#define TEST_UNIT_BOOK_H

#include "rules/parse.h"

/* The rules of a text that must be right; a failed test, with the mistakes, if it is not.
 */
struct rules *book(const char *text);

/* "r.ini:3: message" lines for a text of size bytes, in a static buffer; "" for a right
 * one. */
const char *book_mistakes(const char *text, size_t size);

/* Macros for texts whose line numbers stand in the expected messages. */
#define RUN "[service a]\nrun = /bin/a\n"         /* lines 1 and 2 */
#define CHECK "[check c]\ntcp = h:1\n"            /* lines 1 and 2 */
#define BOTH RUN "[check c]\nof = a\ntcp = h:1\n" /* lines 1 to 5 */
#define CONTACT "[monitord]\nsmtp = h:25\n[contact ops]\nmail = a@b\n" /* lines 1 to 4 */

struct book_row {
	const char *text, *mistakes;
};

/* Fails after all rows were tried, having printed what was expected and got for each that
 * differs. */
void book_table(const struct book_row *rows, size_t count);
void book_same(const char *text, size_t size, const char *mistakes);

#endif
