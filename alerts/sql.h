/* alerts/sql.h: inside the spool: statements in one line each. */
#ifndef ALERTS_SQL_H
#define ALERTS_SQL_H

#include "alerts/spool.h"

#include <sqlite3.h>

#define SQL_STATEMENTS 96

struct spool {
	sqlite3 *db;
	char why[200];
	bool damaged;
	struct sql_row { /* prepared once; by the address of its text */
		const char *sql;
		sqlite3_stmt *statement;
		bool used;
	} statements[SQL_STATEMENTS];
	/* of the transaction that is open */
	uint64_t cursor, unknown;
	int64_t cursor_ms;
	bool moved; /* the cursor, and is to be written */
	/* the thread of the last line, as lines of one come together */
	int64_t thread, thread_number, thread_lone, thread_lines, thread_severity;
	char member[160];
};

/* Each value is told by a letter of types: "i" an int64_t, "t" a text, "b" bytes and their
 * size_t. sql lives as long as the spool. What sql_query gives is ended by sql_end. */
sqlite3_stmt *
sql_query(struct spool *s, const char *sql, const char *types, ...); /* NULL: failed */
bool sql_run(struct spool *s, const char *sql, const char *types, ...);
/* The first column of the first row; no row, or failed: none. */
int64_t
sql_number(struct spool *s, int64_t none, const char *sql, const char *types, ...);
void sql_end(struct spool *s, sqlite3_stmt *q);
void sql_close(struct spool *s); /* all statements */
void sql_column(sqlite3_stmt *q, int i, char *out, size_t cap);
bool sql_fail(struct spool *s); /* keeps SQLite's reason; always false */

#endif
