/* POST: a command goes to monitord with the client's own descriptor, by which monitord
 * sees who speaks; the answer comes when the outcome is known. */
#include "status/server.h"

#include "base/text.h"
#include "rules/units.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct command_row {
	enum object_kind kind; /* of the object; OBJECT_MONITORD: none */
	const char *word;
	enum verb verb;
} command_table[] = {
	{ OBJECT_SERVICE, "start", VERB_START },
	{ OBJECT_SERVICE, "stop", VERB_STOP },
	{ OBJECT_SERVICE, "restart", VERB_RESTART },
	{ OBJECT_SERVICE, "reload", VERB_RELOAD_SERVICE },
	{ OBJECT_SERVICE, "hold", VERB_HOLD },
	{ OBJECT_SERVICE, "release", VERB_RELEASE },
	{ OBJECT_SERVICE, "drain", VERB_DRAIN },
	{ OBJECT_SERVICE, "undrain", VERB_UNDRAIN },
	{ OBJECT_ROUTE, "reroute", VERB_REROUTE },
	{ OBJECT_ROUTE, "restore", VERB_RESTORE },
	{ OBJECT_CONTACT, "test", VERB_TEST },
	{ OBJECT_MONITORD, "reload", VERB_RELOAD },
	{ OBJECT_MONITORD, "rights", VERB_RIGHTS },
#define SILENCES_OF(kind)                                                                \
	{ OBJECT_##kind, "silence", VERB_SILENCE },                                      \
		{ OBJECT_##kind, "unsilence", VERB_UNSILENCE }
	SILENCES_OF(SERVICE), SILENCES_OF(CHECK), SILENCES_OF(RULE),
	SILENCES_OF(ROUTE),   SILENCES_OF(CHAIN), SILENCES_OF(MONITORD),
};
#define HOLD_MOST_MS (INT64_C(365) * 86400000)
#define COMMANDS (sizeof command_table / sizeof *command_table)

static const struct command_row *
row_of(enum object_kind kind, const char *word)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (command_table[i].kind == kind &&
		    strcmp(command_table[i].word, word) == 0)
			return &command_table[i];
	return NULL;
}

static uint32_t
backend_of(const struct route *r, const char *name)
{
	for (uint32_t i = 0; i < r->backend_count; i++)
		if (strcmp(r->backends[i].name, name) == 0)
			return i;
	return UINT32_MAX;
}

static bool
refused(struct client *c, const char *text)
{
	c->done = (struct msg_command_done){ .answer = ANSWER_REFUSED };
	text_print(c->done.text, sizeof c->done.text, "%s", text);
	c->done_set = true;
	client_resume(c);
	return true;
}

/* By name: it may be sent anew after the rules have changed. */
bool
command_send(struct client *c)
{
	struct server *s = c->server;
	struct command_asked *a = &c->asked;
	struct msg_command m = { .token = s->token++,
				 .verb = a->verb,
				 .target = UINT32_MAX,
				 .seconds = a->seconds,
				 .kind = a->kind,
				 .incident = a->incident,
				 .wait = a->wait };
	enum object_kind kind = a->kind;
	text_print(m.who, sizeof m.who, "%s", a->who);
	text_print(m.why, sizeof m.why, "%s", a->why);
	text_print(m.secret, sizeof m.secret, "%s", a->secret);
	if (kind != OBJECT_MONITORD)
		m.id = store_find(&s->store, kind, a->name);
	if (m.id == RULES_NONE)
		return refused(c,
			       "the rules have changed: there is no such name any more");
	if (a->target[0] != '\0')
		m.target = backend_of(&s->store.rules->routes[m.id], a->target);
	if (a->target[0] != '\0' && m.target == UINT32_MAX)
		return refused(c, "the route has no such backend");
	c->token = m.token;
	a->generation = s->helper.generation;
	return helper_send_fd(&s->helper, MSG_COMMAND, &m, c->fd) == MSG_SENT;
}

/* A member that is a text; missing or null: "". */
static bool
read_member(const json_t *root, const char *key, char *out, size_t cap)
{
	const json_t *x = json_object_get(root, key);
	out[0] = '\0';
	if (x == NULL || json_is_null(x))
		return true;
	if (!json_is_string(x) || json_string_length(x) == 0 ||
	    json_string_length(x) >= cap)
		return false;
	text_print(out, cap, "%s", json_string_value(x));
	return true;
}

/* What a body may say. */
enum member { MEMBER_TO, MEMBER_FOR, MEMBER_WHO, MEMBER_WHY, MEMBER_REASON, MEMBERS };
static const char *const member_name[MEMBERS] = {
	[MEMBER_TO] = "to",   [MEMBER_FOR] = "for",	  [MEMBER_WHO] = "who",
	[MEMBER_WHY] = "why", [MEMBER_REASON] = "reason",
};
#define HAS(member) (1u << MEMBER_##member)
static const unsigned verb_members[VERBS] = {
	[VERB_HOLD] = HAS(FOR),
	[VERB_REROUTE] = HAS(TO) | HAS(FOR),
	[VERB_ACK] = HAS(WHO) | HAS(WHY),
	[VERB_SILENCE] = HAS(FOR) | HAS(REASON) | HAS(WHO),
};

/* A member of the body that the verb does not know; NULL: there is none. */
static const char *
stranger(json_t *root, enum verb verb)
{
	const char *key;
	json_t *x;
	json_object_foreach(root, key, x)
	{
		unsigned m = 0;
		while (m < MEMBERS && strcmp(member_name[m], key) != 0)
			m++;
		if (m == MEMBERS || (verb_members[verb] >> m & 1) == 0)
			return key;
	}
	return NULL;
}

/* What the verb would take instead. */
static void
complain_of(const char *key, enum verb verb, char *why, size_t cap)
{
	struct text t;
	text_begin(&t, why, cap);
	text_add(&t, "no such field here: %.64s", key);
	unsigned known = verb_members[verb], m = 0;
	for (; known != 0 && m < MEMBERS; m++)
		if ((known >> m & 1) != 0) {
			text_add(&t, "%s \"%s\"",
				 known == verb_members[verb] ? "; there is" : ",",
				 member_name[m]);
			known &= ~(1u << m);
		}
}

static bool
read_members(const json_t *root, struct command_asked *a)
{
	char span[32], why[UNITS_WHY];
	int64_t ms = 0;
	bool good = read_member(root, "to", a->target, sizeof a->target) &&
		    read_member(root, "for", span, sizeof span) &&
		    read_member(root, "who", a->who, sizeof a->who) &&
		    read_member(root, a->verb == VERB_ACK ? "why" : "reason", a->why,
				sizeof a->why) &&
		    (span[0] == '\0' || (units_duration(span, &ms, why) && ms >= 1000 &&
					 ms <= HOLD_MOST_MS));
	a->seconds = (uint32_t)(ms / 1000);
	return good;
}

/* {"to":"tomcat"}, {"for":"2h","reason":"…","who":"…"} or {"who","why"}; no body is none of
 * them. False: error (cap >= 200) says why. */
static bool
read_body(struct client *c, struct command_asked *a, char *error, size_t cap)
{
	json_error_t where;
	a->target[0] = '\0';
	if (c->body_size == 0)
		return true;
	json_t *root = json_loadb(c->body, c->body_size, JSON_REJECT_DUPLICATES, &where);
	const char *key = root != NULL ? stranger(root, a->verb) : NULL;
	bool good = json_is_object(root) && key == NULL && read_members(root, a);
	if (key != NULL)
		complain_of(key, a->verb, error, cap);
	else
		text_print(error, cap, "%s",
			   root == NULL            ? "the body is not JSON"
			   : !json_is_object(root) ? "the body is no JSON object"
			   : a->verb == VERB_ACK
				   ? "\"who\" has up to 63 bytes, \"why\" up to 127"
			   : a->verb == VERB_SILENCE
				   ? "\"for\" is a duration as 2h, from 1s to 365d; "
				     "\"reason\" has up to 127 bytes"
			   : a->verb == VERB_REROUTE
				   ? "\"to\" is a backend, \"for\" a duration as 2h, "
				     "from 1s to 365d"
				   : "\"for\" is a duration as 2h, from 1s to 365d");
	json_decref(root);
	return good;
}

static enum MHD_Result
no_such(struct client *c, enum object_kind kind, const char *name)
{
	char text[200];
	text_print(text, sizeof text, "no such %s: %.64s", object_kind_name[kind], name);
	return request_error_near(c, 404, text,
				  store_nearest(&c->server->store, kind, name));
}

static enum MHD_Result
go(struct client *c)
{
	static const char scheme[] = "Bearer ";
	const char *shown = MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND,
							"Authorization");
	if (shown != NULL && strncasecmp(shown, scheme, strlen(scheme)) == 0)
		text_print(c->asked.secret, sizeof c->asked.secret, "%s",
			   shown + strlen(scheme));
	c->begun = true;
	client_suspend(c, WAIT_COMMAND);
	c->unsent = !command_send(c);
	return MHD_YES;
}

enum MHD_Result
command_begin(struct client *c, enum object_kind kind, const char *name, const char *verb)
{
	const struct command_row *row = row_of(kind, verb);
	const struct store *s = &c->server->store;
	const char *wait =
		MHD_lookup_connection_value(c->connection, MHD_GET_ARGUMENT_KIND, "wait");
	char error[200];
	c->asked =
		(struct command_asked){ .wait = wait == NULL || strcmp(wait, "0") != 0 };
	if (row == NULL)
		return request_error(c, 404, "no such command");
	c->asked.verb = row->verb;
	c->asked.kind = kind;
	text_print(c->asked.name, sizeof c->asked.name, "%s", name);
	uint32_t id = kind != OBJECT_MONITORD ? store_find(s, kind, name) : 0;
	if (id == RULES_NONE)
		return no_such(c, kind, name);
	if (!read_body(c, &c->asked, error, sizeof error))
		return request_error(c, 400, error);
	if (row->verb == VERB_SILENCE && c->asked.seconds == 0)
		return request_error(
			c, 400, "for how long? {\"for\":\"2h\",\"reason\":\"TEXT\"}");
	if (row->verb == VERB_SILENCE && c->asked.why[0] == '\0')
		return request_error(c, 400, "why? {\"for\":\"2h\",\"reason\":\"TEXT\"}");
	if (c->asked.target[0] != '\0' &&
	    backend_of(&s->rules->routes[id], c->asked.target) == UINT32_MAX)
		return request_error(c, 404, "the route has no such backend");
	return go(c);
}

enum MHD_Result
command_ack(struct client *c, const char *incident)
{
	char error[200], *end;
	c->asked = (struct command_asked){ .wait = true,
					   .verb = VERB_ACK,
					   .kind = OBJECT_MONITORD };
	c->asked.incident = strtoull(incident, &end, 10);
	if (*end != '\0' || c->asked.incident == 0 || *incident == '-')
		return request_error(c, 404, "no such incident");
	if (!read_body(c, &c->asked, error, sizeof error))
		return request_error(c, 400, error);
	return go(c);
}

static const unsigned code_of[ANSWERS] = {
	[ANSWER_DONE] = 200,        [ANSWER_ACCEPTED] = 202, [ANSWER_REFUSED] = 409,
	[ANSWER_NOT_ALLOWED] = 403, [ANSWER_FAILED] = 502,
};

enum MHD_Result
command_end(struct client *c)
{
	const struct msg_command_done *d = &c->done;
	struct json j;
	if (c->late && !c->done_set)
		return request_error(c, 504, "the outcome is not known yet");
	unsigned code = d->answer < ANSWERS ? code_of[d->answer] : 502;
	if (code == 409 && c->asked.verb == VERB_ACK &&
	    !incidents_known(&c->server->store.incidents, c->asked.incident))
		code = 404;
	if (code >= 400)
		return request_error(c, code,
				     d->text[0] != '\0' ? d->text : "it was not done");
	json_begin(&j);
	json_open(&j, '{');
	json_key_yes(&j, "ok", true);
	json_key_id(&j, "event", d->event);
	json_key_text(&j, "text", d->text);
	json_close(&j, '}');
	return request_send(c, code, &j);
}
