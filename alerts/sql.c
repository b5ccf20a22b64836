#include "alerts/sql.h"

#include "base/text.h"

#include <stdarg.h>

bool
sql_fail(struct spool *s)
{
	int rc = sqlite3_errcode(s->db) & 0xff;
	s->damaged = s->damaged || rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB;
	text_print(s->why, sizeof s->why, "%s", sqlite3_errmsg(s->db));
	return false;
}

/* A statement with its values bound. NULL: failed. */
static sqlite3_stmt *
prepare(struct spool *s, const char *sql, const char *types, va_list values)
{
	sqlite3_stmt *q;
	if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) != SQLITE_OK) {
		sql_fail(s);
		return NULL;
	}
	for (int i = 0; types[i] != '\0'; i++) {
		if (types[i] == 'i')
			sqlite3_bind_int64(q, i + 1, va_arg(values, int64_t));
		else
			sqlite3_bind_text(q, i + 1, va_arg(values, const char *), -1,
					  SQLITE_TRANSIENT);
	}
	return q;
}

sqlite3_stmt *
sql_query(struct spool *s, const char *sql, const char *types, ...)
{
	va_list values;
	va_start(values, types);
	sqlite3_stmt *q = prepare(s, sql, types, values);
	va_end(values);
	return q;
}

bool
sql_run(struct spool *s, const char *sql, const char *types, ...)
{
	va_list values;
	va_start(values, types);
	sqlite3_stmt *q = prepare(s, sql, types, values);
	va_end(values);
	if (q == NULL)
		return false;
	int rc;
	while ((rc = sqlite3_step(q)) == SQLITE_ROW)
		;
	bool good = rc == SQLITE_DONE || sql_fail(s);
	sqlite3_finalize(q);
	return good;
}

int64_t
sql_number(struct spool *s, int64_t none, const char *sql, const char *types, ...)
{
	va_list values;
	va_start(values, types);
	sqlite3_stmt *q = prepare(s, sql, types, values);
	va_end(values);
	if (q == NULL)
		return none;
	int rc = sqlite3_step(q);
	int64_t n = rc == SQLITE_ROW ? sqlite3_column_int64(q, 0) : none;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		sql_fail(s);
	sqlite3_finalize(q);
	return n;
}

void
sql_column(sqlite3_stmt *q, int i, char *out, size_t cap)
{
	const unsigned char *text = sqlite3_column_text(q, i);
	text_print(out, cap, "%s", text != NULL ? (const char *)text : "");
}
