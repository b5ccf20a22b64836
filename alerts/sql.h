/* alerts/sql.h: inside the spool: statements in one line each. */
#ifndef ALERTS_SQL_H
#define ALERTS_SQL_H

#include "alerts/spool.h"

#include <sqlite3.h>

struct spool {
	sqlite3 *db;
	char why[200];
	bool damaged;
};

/* Each value is told by a letter of types: "i" an int64_t, "t" a text. */
sqlite3_stmt *
sql_query(struct spool *s, const char *sql, const char *types, ...); /* NULL: failed */
bool sql_run(struct spool *s, const char *sql, const char *types, ...);
/* The first column of the first row; no row, or failed: none. */
int64_t
sql_number(struct spool *s, int64_t none, const char *sql, const char *types, ...);
void sql_column(sqlite3_stmt *q, int i, char *out, size_t cap);
bool sql_fail(struct spool *s); /* keeps SQLite's reason; always false */

#endif
