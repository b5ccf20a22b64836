/* MySQL and MariaDB, protocol 10. The handshake is always gone through to its end, and a
 * goodbye is said: one that is left half-way counts against our host until it is blocked.
 * Without a login, that one of a user whom nobody knows is refused is an answer. */
#include "probes/bytes.h"
#include "probes/mysql_proof.h"

#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SALT MYSQL_SALT
#define HEAD 4 /* 3 bytes of size, 1 of sequence */
#define PACKET_MOST 1000000
#define CAN_DATABASE 0x8u
#define CAN_41 0x200u
#define CAN_TLS 0x800u
#define CAN_SECURE 0x8000u
#define CAN_PLUGIN 0x80000u
#define UTF8 45
#define ACCESS_DENIED 1045
enum saying { SAY_LOGIN, SAY_TLS, SAY_ANSWER, SAY_CLEAR, SAY_SHOWN, SAY_QUERY, SAY_BYE };
enum plugin { PLUGIN_NATIVE, PLUGIN_SHA2, PLUGINS };
static const char *const plugin_name[PLUGINS] = {
	[PLUGIN_NATIVE] = "mysql_native_password", [PLUGIN_SHA2] = "caching_sha2_password"
};

struct login {
	char salt[SALT];
	unsigned char say, plugin, sequence;
	bool greeted, in, encrypted;
	unsigned columns, column_ends, rows; /* of a query's result */
	bool seen;
	double value;
	double uptime_s, threads;
	char text[64];
	size_t text_size;
	size_t shown_size; /* the password, for the owner of server-key only */
	unsigned char shown[MYSQL_SHOWN];
};
static_assert(sizeof(struct login) <= MYSQL_KEPT, "probes/kind.h knows the size");

static const char *
sql(const struct plan *p)
{
	return p->check->more->query != NULL ? p->check->more->query->sql : NULL;
}

/* ---- asking ---- */

static size_t
proof(const struct asked *a, unsigned char out[32])
{
	const struct login *l = a->kept;
	struct blob password = bytes_secret(a->files);
	if (password.size == 0)
		return 0;
	if (l->plugin == PLUGIN_SHA2)
		mysql_sha2_proof(&password, l->salt, out);
	else
		mysql_native_proof(&password, l->salt, out);
	return l->plugin == PLUGIN_SHA2 ? 32 : SALT;
}

static uint32_t
abilities(const struct asked *a)
{
	const struct query_wish *q = a->plan->check->more->query;
	return CAN_41 | CAN_SECURE | CAN_PLUGIN |
	       (q != NULL && q->database != NULL ? CAN_DATABASE : 0) |
	       (plan_starttls(a->plan) ? CAN_TLS : 0);
}

static void
say_login(struct bytes *b, const struct asked *a, bool all)
{
	const struct login *l = a->kept;
	const struct query_wish *q = a->plan->check->more->query;
	const char *user = bytes_user(a->plan) != NULL ? bytes_user(a->plan) : "monitord";
	unsigned char hash[32];
	size_t n = proof(a, hash);
	bytes_little(b, abilities(a), 4);
	bytes_little(b, PACKET_MOST, 4);
	bytes_number(b, UTF8, 1);
	for (unsigned i = 0; i < 23; i++)
		bytes_number(b, 0, 1);
	if (!all)
		return; /* the rest follows over TLS */
	bytes_add(b, user, strlen(user) + 1);
	bytes_number(b, n, 1);
	bytes_add(b, hash, n);
	if (q != NULL && q->database != NULL)
		bytes_add(b, q->database, strlen(q->database) + 1);
	bytes_add(b, plugin_name[l->plugin], strlen(plugin_name[l->plugin]) + 1);
}

size_t
mysql_ask(const struct asked *a, char *buf, size_t cap)
{
	const struct login *l = a->kept;
	struct bytes b = { .at = buf, .cap = cap };
	struct blob password = bytes_secret(a->files);
	unsigned char hash[32];
	if (!l->greeted)
		return ASK_NOTHING;
	/* SAY_TLS is step 1, in clear, and step 2, over TLS */
	bool again = l->say == SAY_TLS && a->step > 1;
	bytes_little(&b, 0, 3);
	bytes_number(&b, l->sequence + again, 1);
	switch ((enum saying)l->say) {
	case SAY_TLS:
	case SAY_LOGIN:
		say_login(&b, a, l->say == SAY_LOGIN || again);
		break;
	case SAY_ANSWER:
		bytes_add(&b, hash, proof(a, hash));
		break;
	case SAY_CLEAR:
		bytes_add(&b, password.bytes, password.size);
		bytes_number(&b, 0, 1);
		break;
	case SAY_SHOWN:
		bytes_add(&b, l->shown, l->shown_size);
		break;
	case SAY_QUERY:
		bytes_number(&b, sql(a->plan) != NULL ? 3 : 9,
			     1); /* a query, or statistics */
		if (sql(a->plan) != NULL)
			bytes_text(&b, sql(a->plan));
		break;
	case SAY_BYE:
		bytes_number(&b, 1, 1);
		break;
	}
	if (b.full)
		return 0;
	struct bytes head = { .at = buf, .cap = 3 };
	bytes_little(&head, b.size - HEAD, 3);
	return b.size;
}

/* ---- answers ---- */

static enum judgement
next(struct login *l, enum saying say, unsigned sequence)
{
	l->say = (unsigned char)say;
	l->sequence = (unsigned char)sequence;
	return JUDGE_NEXT;
}

/* ff, number, and perhaps '#' and a state of 5 letters, text. */
static enum judgement
judge_error(const struct plan *p, const struct login *l, const char *at, size_t size,
	    char why[MSG_TEXT])
{
	char text[100];
	unsigned number = size >= 3 ? (unsigned)bytes_read_little(at + 1, 2) : 0;
	size_t skip = size >= 9 && at[3] == '#' ? 9 : size < 3 ? size : 3;
	if (number == ACCESS_DENIED && bytes_user(p) == NULL && l->greeted)
		return JUDGE_GOOD;
	text_clean(text, sizeof text, at + skip, size - skip);
	text_print(why, MSG_TEXT, "%s (%u)", text, number);
	return JUDGE_BAD;
}

static bool
take_plugin(struct login *l, const char *name, size_t size)
{
	for (unsigned i = 0; i < PLUGINS; i++)
		if (size == strlen(plugin_name[i]) &&
		    memcmp(name, plugin_name[i], size) == 0) {
			l->plugin = (unsigned char)i;
			return true;
		}
	return false;
}

/* 0a, version, thread, 8 of the salt, abilities, …, 12 of the salt, plugin. */
static enum judgement
judge_greeting(const struct plan *p, struct login *l, const char *at, size_t size,
	       char why[MSG_TEXT])
{
	const char *end = at + size;
	const char *version_end = memchr(at + 1, '\0', size - 1);
	if (at[0] != 10 || version_end == NULL ||
	    end - version_end < 1 + 4 + 8 + 1 + 18 + 13)
		return kind_wrong(why,
				  "not MySQL, or of a version that is not spoken here");
	const char *c = version_end + 1 + 4;
	memcpy(l->salt, c, 8);
	uint32_t can = (uint32_t)bytes_read_little(c + 9, 2) |
		       (uint32_t)bytes_read_little(c + 14, 2) << 16;
	memcpy(l->salt + 8, c + 27, SALT - 8);
	const char *plugin = c + 40;
	if (plugin < end)
		take_plugin(l, plugin, strnlen(plugin, (size_t)(end - plugin)));
	l->greeted = true;
	if (!plan_starttls(p))
		return next(l, SAY_LOGIN, 1);
	if ((can & CAN_TLS) == 0)
		return kind_wrong(why, "it speaks no TLS");
	next(l, SAY_TLS, 1);
	return JUDGE_STARTTLS;
}

/* fe, plugin, salt: it wants another proof. */
static enum judgement
judge_switch(struct login *l, const char *at, size_t size, unsigned sequence,
	     char why[MSG_TEXT])
{
	char name[60];
	const char *stop = memchr(at, '\0', size);
	size_t n = stop != NULL ? (size_t)(stop - at) - 1 : 0;
	if (n == 0 || size - n - 2 < SALT)
		return kind_wrong(why, "it wants a login that is not spoken here");
	if (!take_plugin(l, at + 1, n)) {
		text_clean(name, sizeof name, at + 1, n);
		text_print(why, MSG_TEXT, "it wants a login by %s, not spoken here",
			   name);
		return JUDGE_BAD;
	}
	memcpy(l->salt, stop + 1, SALT);
	return next(l, SAY_ANSWER, sequence + 1);
}

/* 01 03: it knew our proof; 01 04: it wants to see the password itself. */
static enum judgement
judge_more_auth(const struct plan *p, const struct reply *r, const char *at, size_t size,
		unsigned sequence, char why[MSG_TEXT])
{
	struct login *l = r->kept;
	struct blob password = bytes_secret(r->files);
	if (size == 2 && at[1] == 3)
		return JUDGE_MORE;
	if (size != 2 || at[1] != 4 || l->shown_size > 0)
		return kind_wrong(why, "it wants a login that is not spoken here");
	if (l->encrypted || check_is_unix(p->check))
		return next(l, SAY_CLEAR, sequence + 1);
	/* a key that the peer names on such a connection may be anybody's: it is not asked for */
	if (r->files == NULL || r->files[FILE_CA].bytes == NULL)
		return kind_wrong(
			why,
			"it wants to see the password itself: encrypt = starttls, or "
			"server-key");
	l->shown_size = mysql_show(&password, l->salt, &r->files[FILE_CA], l->shown);
	return l->shown_size > 0
		       ? next(l, SAY_SHOWN, sequence + 1)
		       : kind_wrong(why,
				    "server-key is no public key that it could have");
}

static enum judgement
judge_login(const struct plan *p, const struct reply *r, const char *at, size_t size,
	    unsigned sequence, char why[MSG_TEXT])
{
	struct login *l = r->kept;
	switch ((unsigned char)at[0]) {
	case 0x00:
		l->in = true;
		return next(l, SAY_QUERY, 0);
	case 0x01:
		return judge_more_auth(p, r, at, size, sequence, why);
	case 0xfe:
		return judge_switch(l, at, size, sequence, why);
	default:
		return kind_wrong(why, "its answer to the login makes no sense");
	}
}

/* "Uptime: 12  Threads: 3  Questions: 5 …" */
static void
take_statistics(struct login *l, const char *at, size_t size)
{
	char text[256];
	text_clean(text, sizeof text, at, size);
	const char *uptime = strstr(text, "Uptime: "),
		   *threads = strstr(text, "Threads: ");
	l->uptime_s = uptime != NULL ? strtod(uptime + 8, NULL) : -1;
	l->threads = threads != NULL ? strtod(threads + 9, NULL) : -1;
}

/* A number of 1 to 9 bytes. False: it is none. */
static bool
take_length(const char **at, const char *end, uint64_t *n)
{
	unsigned first = (unsigned char)**at;
	unsigned size = first < 0xfb ? 0 : first == 0xfc ? 2 : first == 0xfd ? 3 : 8;
	if (first == 0xfb || first == 0xff || (size_t)(end - *at) < size + 1)
		return false;
	*n = size == 0 ? first : bytes_read_little(*at + 1, size);
	*at += size + 1;
	return true;
}

/* The first column of the first row. */
static void
take_row(struct login *l, const char *at, size_t size)
{
	const char *end = at + size;
	uint64_t n;
	char *after;
	if (l->rows++ > 0 || !take_length(&at, end, &n) || n > (uint64_t)(end - at))
		return;
	l->text_size = text_clean(l->text, sizeof l->text, at, n);
	l->value = strtod(l->text, &after);
	l->seen = after != l->text && isfinite(l->value);
}

/* How many columns; what each is; an end; rows; an end. */
static enum judgement
judge_result(struct login *l, const char *at, size_t size, char why[MSG_TEXT])
{
	uint64_t n = 0;
	bool end = (unsigned char)at[0] == 0xfe && size < 9;
	if (l->columns == 0) {
		if (at[0] == 0)
			return next(l, SAY_BYE, 0); /* it has no rows */
		if (!take_length(&at, at + size, &n) || n == 0 || n > 4096)
			return kind_wrong(why, "the query's result makes no sense");
		l->columns = (unsigned)n;
	} else if (end && ++l->column_ends == 2) {
		return next(l, SAY_BYE, 0);
	} else if (!end && l->column_ends == 1) {
		take_row(l, at, size);
	}
	return JUDGE_MORE;
}

static enum judgement
judge_packet(const struct plan *p, struct reply *r, const char *at, size_t size,
	     unsigned sequence, char why[MSG_TEXT])
{
	struct login *l = r->kept;
	if (size == 0)
		return kind_wrong(why, "an empty packet");
	if ((unsigned char)at[0] == 0xff)
		return judge_error(p, l, at, size, why);
	if (!l->greeted)
		return judge_greeting(p, l, at, size, why);
	if (!l->in)
		return judge_login(p, r, at, size, sequence, why);
	if (l->say == SAY_BYE)
		return JUDGE_MORE;
	if (sql(p) != NULL)
		return judge_result(l, at, size, why);
	take_statistics(l, at, size);
	return next(l, SAY_BYE, 0);
}

static void
fill(const struct plan *p, const struct login *l, struct answer *a)
{
	a->body = l->text;
	a->body_size = l->text_size;
	if (!l->in)
		return;
	if (sql(p) != NULL) {
		a->value[METRIC_ROWS] = l->rows;
		if (l->seen)
			a->value[METRIC_RESULT] = l->value;
		return;
	}
	if (l->uptime_s >= 0)
		a->value[METRIC_UPTIME] = l->uptime_s * 1000;
	if (l->threads >= 0)
		a->value[METRIC_CLIENTS] = l->threads;
}

enum judgement
mysql_judge(const struct plan *p, struct reply *r, struct answer *a, char why[MSG_TEXT])
{
	struct login *l = r->kept;
	for (r->used = 0; r->size - r->used >= HEAD;) {
		const char *at = r->bytes + r->used;
		uint64_t size = bytes_read_little(at, 3);
		if (size > PACKET_MOST || (!l->greeted && at[3] != 0))
			return kind_wrong(why, "not MySQL");
		if (r->size - r->used < size + HEAD)
			break;
		r->used += HEAD + size;
		l->encrypted = plan_starttls(p) && l->greeted;
		enum judgement j =
			judge_packet(p, r, at + HEAD, size, (unsigned char)at[3], why);
		if (j == JUDGE_GOOD)
			fill(p, l, a);
		if (j != JUDGE_MORE)
			return j;
	}
	r->size -= r->used;
	memmove(r->bytes, r->bytes + r->used, r->size);
	if (l->say != SAY_BYE || !r->ended)
		return JUDGE_MORE;
	fill(p, l, a);
	return JUDGE_GOOD;
}
