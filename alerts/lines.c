/* From lines to alerts: what belongs to one incident, and who hears of it. */
#include "alerts/spool.h"

#include "alerts/sql.h"
#include "base/text.h"

#include <string.h>

#define GATHER_MS 2000 /* an incident's first alert waits for what belongs to it */
#define LINES_KEPT 400 /* of one incident: the first and the newest */

static enum phase
phase_of(const struct journal_line *line)
{
	static const struct {
		const char *kind;
		enum phase phase;
	} phases[] = {
		{ "incident-close", PHASE_CLOSE },
		{ "incident-remind", PHASE_REMIND },
		{ "incident-again", PHASE_AGAIN },
		{ "incident-ack", PHASE_ACK },
	};
	if (line->incident == 0)
		return PHASE_EVENT;
	for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
		if (strcmp(phases[i].kind, line->kind) == 0)
			return phases[i].phase;
	return PHASE_OPEN;
}

/* Of these there may be more than one in an incident: by the line's id. */
static bool
repeats(enum phase phase)
{
	return phase == PHASE_REMIND || phase == PHASE_CLOSE || phase == PHASE_AGAIN ||
	       phase == PHASE_ACK;
}

/* The row of the line's incident, or of the line itself becomes the spool's thread. */
static bool
find_thread(struct spool *s, const struct journal_line *line, int64_t severity)
{
	int64_t lone = line->incident == 0;
	int64_t n = (int64_t)(lone ? line->id : line->incident);
	if (s->thread != 0 && s->thread_number == n && s->thread_lone == lone)
		return true;
	s->thread = 0;
	s->member[0] = '\0';
	if (!sql_run(
		    s,
		    "INSERT OR IGNORE INTO thread (life, number, lone, since_ms, severity)"
		    " SELECT life, ?, ?, ?, ? FROM state",
		    "iiii", n, lone, line->real_ms, severity))
		return false;
	bool made = sqlite3_changes(s->db) > 0;
	s->thread =
		made ? sqlite3_last_insert_rowid(s->db)
		     : sql_number(
			       s, 0,
			       "SELECT t.id FROM thread t, state s WHERE t.life = s.life AND"
			       " t.number = ? AND t.lone = ?",
			       "ii", n, lone);
	s->thread_number = n;
	s->thread_lone = lone;
	s->thread_severity = made ? severity
				  : sql_number(s, SEVERITY_NONE,
					       "SELECT severity FROM thread WHERE id = ?",
					       "i", s->thread);
	s->thread_lines =
		made ? 0
		     : sql_number(s, 0, "SELECT count(*) FROM line WHERE thread = ?", "i",
				  s->thread);
	return s->thread != 0;
}

static bool
keep_member(struct spool *s, const struct journal_line *l)
{
	char member[sizeof s->member];
	if (s->thread_lone || l->object[0] == '\0')
		return true;
	text_print(member, sizeof member, "%s %s", l->object_kind, l->object);
	if (strcmp(member, s->member) == 0)
		return true;
	text_print(s->member, sizeof s->member, "%s", member);
	return sql_run(s, "INSERT OR IGNORE INTO member VALUES (?, ?, ?, ?)", "itti",
		       s->thread, l->object_kind, l->object, (int64_t)l->id);
}

static bool
keep_line(struct spool *s, const struct journal_line *l)
{
	if (!sql_run(s, "INSERT OR REPLACE INTO line VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		     "iiittttit", s->thread, (int64_t)l->id, l->real_ms, l->kind,
		     l->object_kind, l->object, l->rule, (int64_t)l->cause, l->text) ||
	    !keep_member(s, l))
		return false;
	if (++s->thread_lines <= LINES_KEPT)
		return true;
	s->thread_lines--;
	return sql_run(s,
		       "DELETE FROM line WHERE thread = ?1 AND event = (SELECT event"
		       " FROM line WHERE thread = ?1 ORDER BY event LIMIT 1 OFFSET"
		       " ?2)",
		       "ii", s->thread, (int64_t)LETTER_HEAD);
}

/* What the line makes of an incident that was so bad before. */
static int64_t
severity_with(const struct journal_line *line, struct spool_severity severity, int64_t before)
{
	bool tells = strncmp(line->kind, "incident-", 9) == 0 || line->incident == 0 ||
		     line->to[0] != '\0';
	int64_t new = severity.line;
	if (new <= SEVERITY_NONE && tells &&before == SEVERITY_NONE)
		new = severity.root;
	return new > before ? new : before;
}

/* An incident that has become worse concerns those too whom it did not. */
static bool
raise_severity(struct spool *s, const struct journal_line *line, int64_t new, int64_t now_ms)
{
	if (new <= s->thread_severity)
		return true;
	s->thread_severity = new;
	return sql_run(s, "UPDATE thread SET severity = ? WHERE id = ?", "ii", new,
		       s->thread) &&
	       sql_run(s,
		       "UPDATE alert SET fate = 0, severity = ?1, event = ?2, due_ms = ?3, born_ms"
		       " = ?3 WHERE thread = ?4 AND fate = 4 AND least <= ?1",
		       "iiii", new, (int64_t)line->id, now_ms, s->thread);
}

/* An alert; what tells of an incident's beginning before its own line does (an action of
 * a rule) waits for that line, and tells what it knows by then. */
static bool
add_alert(struct spool *s, enum phase phase, const struct journal_line *line,
	  const struct spool_addressee *to, int64_t now_ms)
{
	bool early = phase == PHASE_OPEN && strncmp(line->kind, "incident-", 9) != 0;
	bool concerned = (int64_t)to->least <= s->thread_severity;
	int64_t again = repeats(phase) ? (int64_t)line->id : 0;
	if (!concerned && phase != PHASE_OPEN)
		return true;
	return sql_run(
		s,
		"INSERT INTO alert (thread, phase, again, contact, way,"
		" event, due_ms, born_ms, fate, least, severity) VALUES (?, ?, ?, ?, ?, ?,"
		" ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET event = excluded.event, due_ms ="
		" excluded.due_ms WHERE fate = 0 AND tries = 0 AND bundle = 0 AND"
		" excluded.event > event AND NOT ?",
		"iiitiiiiiiii", s->thread, (int64_t)phase, again, to->contact,
		(int64_t)to->way, (int64_t)line->id, early ? now_ms + GATHER_MS : now_ms,
		now_ms, (int64_t)(concerned ? FATE_QUEUED : FATE_FILTERED),
		(int64_t)to->least, s->thread_severity, (int64_t)early);
}

/* Everybody who heard of the beginning hears of the end; pagers hear who took it. */
static bool
add_others(struct spool *s, enum phase phase, const struct journal_line *line, int64_t now_ms)
{
	return sql_run(
		s,
		"INSERT OR IGNORE INTO alert (thread, phase, again, contact,"
		" way, event, due_ms, born_ms, severity) SELECT thread, ?, ?, contact,"
		" way, ?, ?, ?, max(severity) FROM alert WHERE thread = ? AND phase IN (0, 5)"
		" AND fate <> 4 AND (way IN (1, 3) OR ?) GROUP BY contact, way ORDER BY min(id)",
		"iiiiiii", (int64_t)phase, (int64_t)line->id, (int64_t)line->id, now_ms,
		now_ms, s->thread, (int64_t)(phase == PHASE_CLOSE));
}

static bool
end_thread(struct spool *s, int64_t now_ms)
{
	return sql_run(s, "UPDATE thread SET over_ms = ? WHERE id = ?", "ii", now_ms,
		       s->thread);
}

bool
spool_take(struct spool *s, const struct journal_line *line,
	   const struct spool_addressee *to, size_t to_count, uint64_t unknown,
	   struct spool_severity severity, int64_t now_ms)
{
	enum phase phase = phase_of(line);
	s->cursor = line->id;
	s->cursor_ms = line->real_ms;
	s->unknown += unknown;
	s->moved = true;
	if (line->incident == 0 && to_count == 0)
		return true;
	if (!find_thread(s, line, severity_with(line, severity, SEVERITY_NONE)) ||
	    !keep_line(s, line) ||
	    !raise_severity(s, line, severity_with(line, severity, s->thread_severity),
			    now_ms))
		return false;
	for (size_t i = 0; i < to_count && phase != PHASE_ACK; i++)
		if (!add_alert(s, phase, line, &to[i], now_ms))
			return false;
	if (phase == PHASE_ACK)
		return add_others(s, phase, line, now_ms);
	if (phase == PHASE_CLOSE)
		return add_others(s, phase, line, now_ms) && end_thread(s, now_ms);
	if (phase == PHASE_AGAIN)
		return sql_run(s, "UPDATE thread SET over_ms = NULL WHERE id = ?", "i",
			       s->thread);
	return phase != PHASE_EVENT || end_thread(s, now_ms);
}

bool
spool_trace(struct spool *s, const struct msg_trace *trace, const char *name)
{
	return sql_run(s, "INSERT OR REPLACE INTO trace SELECT life, ?, ?, ? FROM state",
		       "itb", (int64_t)trace->incident, name, (const void *)trace,
		       sizeof *trace);
}
