#include "alerts/sql.h"

#include "base/text.h"

#include <stdarg.h>
#include <string.h>

bool
sql_fail(struct spool *s)
{
	int rc = sqlite3_errcode(s->db) & 0xff;
	s->damaged = s->damaged || rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB;
	text_print(s->why, sizeof s->why, "%s", sqlite3_errmsg(s->db));
	return false;
}

/* The statement, from the last time if it is free. NULL: failed. */
static sqlite3_stmt *
statement_of(struct spool *s, const char *sql)
{
	sqlite3_stmt *q;
	struct sql_row *row = NULL;
	for (size_t i = 0; i < SQL_STATEMENTS; i++) {
		struct sql_row *r =
			&s->statements[((uintptr_t)sql / 16 + i) % SQL_STATEMENTS];
		if (r->sql == sql && !r->used) {
			r->used = true;
			return r->statement;
		}
		if (r->sql == NULL) {
			row = r;
			break;
		}
	}
	if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) != SQLITE_OK) {
		sql_fail(s);
		return NULL;
	}
	if (row != NULL)
		*row = (struct sql_row){ .sql = sql, .statement = q, .used = true };
	return q;
}

void
sql_end(struct spool *s, sqlite3_stmt *q)
{
	for (size_t i = 0; i < SQL_STATEMENTS; i++)
		if (s->statements[i].statement == q && q != NULL) {
			sqlite3_reset(q);
			sqlite3_clear_bindings(q);
			s->statements[i].used = false;
			return;
		}
	sqlite3_finalize(q);
}

void
sql_close(struct spool *s)
{
	for (size_t i = 0; i < SQL_STATEMENTS; i++)
		sqlite3_finalize(s->statements[i].statement);
	memset(s->statements, 0, sizeof s->statements);
}

/* A statement with its values bound. NULL: failed. */
static sqlite3_stmt *
prepare(struct spool *s, const char *sql, const char *types, va_list values)
{
	sqlite3_stmt *q = statement_of(s, sql);
	for (int i = 0; q != NULL && types[i] != '\0'; i++) {
		if (types[i] == 'i') {
			sqlite3_bind_int64(q, i + 1, va_arg(values, int64_t));
		} else if (types[i] == 't') {
			/* it outlives the use: sql_end forgets it */
			sqlite3_bind_text(q, i + 1, va_arg(values, const char *), -1,
					  SQLITE_STATIC);
		} else {
			const void *bytes = va_arg(values, const void *);
			sqlite3_bind_blob64(q, i + 1, bytes, va_arg(values, size_t),
					    SQLITE_STATIC);
		}
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
	sql_end(s, q);
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
	sql_end(s, q);
	return n;
}

void
sql_column(sqlite3_stmt *q, int i, char *out, size_t cap)
{
	const unsigned char *text = sqlite3_column_text(q, i);
	text_print(out, cap, "%s", text != NULL ? (const char *)text : "");
}
