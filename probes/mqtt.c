/* MQTT 3.1.1: a connection is accepted, a ping is answered, and it is ended in order, so
 * that no last will is told. */
#include "probes/bytes.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum {
	CONNECT = 0x10,
	CONNACK = 0x20,
	PINGREQ = 0xc0,
	PINGRESP = 0xd0,
	DISCONNECT = 0xe0
};
enum { CLEAN = 0x02, HAS_USER = 0x80, HAS_PASSWORD = 0x40, ALIVE_S = 60 };
enum { STEP_CONNECT, STEP_PING, STEP_BYE };

static void
text16(struct bytes *b, const char *text, size_t size)
{
	bytes_number(b, size, 2);
	bytes_add(b, text, size);
}

static size_t
say_connect(const struct asked *a, char *buf, size_t cap)
{
	char inner[2048], id[32];
	struct bytes in = { .at = inner, .cap = sizeof inner },
		     b = { .at = buf, .cap = cap };
	const char *user = bytes_user(a->plan);
	struct blob password = bytes_secret(a->files);
	snprintf(id, sizeof id, "monitord-%08x", (unsigned)(a->unique & 0xffffffff));
	text16(&in, "MQTT", 4);
	bytes_number(&in, 4, 1);
	bytes_number(&in,
		     CLEAN | (user != NULL ? HAS_USER : 0u) |
			     (user != NULL && password.size > 0 ? HAS_PASSWORD : 0u),
		     1);
	bytes_number(&in, ALIVE_S, 2);
	text16(&in, id, strlen(id));
	if (user != NULL)
		text16(&in, user, strlen(user));
	if (user != NULL && password.size > 0)
		text16(&in, password.bytes, password.size);
	bytes_number(&b, CONNECT, 1);
	if (in.size >= 128) /* 7 bits a byte, the least first */
		bytes_number(&b, (in.size & 0x7f) | 0x80, 1);
	bytes_number(&b, in.size >= 128 ? in.size >> 7 : in.size, 1);
	bytes_add(&b, inner, in.size);
	return in.full ? 0 : bytes_asked(&b);
}

size_t
mqtt_ask(const struct asked *a, char *buf, size_t cap)
{
	struct bytes b = { .at = buf, .cap = cap };
	if (a->step == STEP_CONNECT)
		return say_connect(a, buf, cap);
	bytes_number(&b, a->step == STEP_PING ? PINGREQ : DISCONNECT, 1);
	bytes_number(&b, 0, 1);
	return bytes_asked(&b);
}

static enum judgement
not_mqtt(const struct reply *r, const char *wanted, char why[MSG_TEXT])
{
	char shown[50];
	text_clean(shown, sizeof shown, r->bytes, r->size);
	text_print(why, MSG_TEXT, "not MQTT: expected %s, got '%s'", wanted, shown);
	return JUDGE_BAD;
}

static enum judgement
judge_connack(struct reply *r, char why[MSG_TEXT])
{
	static const char *const reasons[] = { "",
					       "it does not speak MQTT 3.1.1",
					       "it refuses our name",
					       "the server is not available",
					       "user or password is wrong",
					       "we are not allowed" };
	static const char head[] = { CONNACK, 2 };
	size_t n = r->size < 2 ? r->size : 2;
	if (memcmp(r->bytes, head, n) != 0)
		return not_mqtt(r, "CONNACK", why);
	if (r->size < 4)
		return JUDGE_MORE;
	unsigned code = (unsigned char)r->bytes[3];
	r->used = 4;
	if (code == 0)
		return JUDGE_NEXT;
	text_print(why, MSG_TEXT, "%s (%u)", code <= 5 ? reasons[code] : "it refuses",
		   code);
	return JUDGE_BAD;
}

enum judgement
mqtt_judge(const struct plan *p, struct reply *r, struct answer *a, char why[MSG_TEXT])
{
	static const char pong[] = { (char)PINGRESP, 0 };
	(void)p;
	(void)a;
	if (r->step == STEP_CONNECT)
		return judge_connack(r, why);
	if (r->step == STEP_BYE)
		return r->ended ? JUDGE_GOOD : JUDGE_MORE;
	if (memcmp(r->bytes, pong, r->size < 2 ? r->size : 2) != 0)
		return not_mqtt(r, "PINGRESP", why);
	r->used = 2;
	return r->size < 2 ? JUDGE_MORE : JUDGE_NEXT;
}
