/* PostgreSQL, protocol 3.0. Without a login, that it asks for a password: a backend was
 * forked and reads. With one, a query: the default tells whether it is the primary, how
 * far a replica is behind, and how many clients it has. */
#include "probes/bytes.h"
#include "probes/scram.h"

#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROTOCOL 0x00030000
#define SSL_REQUEST 80877103
#define MESSAGE_MOST 1000000
#define VALUES 4
enum { AUTH_OK = 0, AUTH_CLEAR = 3, AUTH_MD5 = 5, AUTH_SASL = 10, AUTH_MORE, AUTH_FINAL };
enum saying {
	SAY_STARTUP,
	SAY_TLS,
	SAY_CLEAR,
	SAY_MD5,
	SAY_FIRST,
	SAY_FINAL,
	SAY_QUERY,
	SAY_BYE,
	SAY_NOTHING
};

static const char status_query[] =
	"SELECT CASE WHEN pg_is_in_recovery() THEN 0 ELSE 1 END, CASE WHEN NOT "
	"pg_is_in_recovery() OR pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() "
	"THEN 0 "
	"ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp()) * 1000 END, "
	"(SELECT "
	"count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), "
	"current_setting('max_connections')";

struct login {
	bool encrypted; /* agreed, or not to be */
	bool in;
	bool asked;
	unsigned char say; /* enum saying: what the next step asks */
	char salt[4];
	unsigned rows;
	unsigned seen; /* bit set: which columns of the first row are numbers */
	double value[VALUES];
	char text[64]; /* its first column */
	size_t text_size;
	struct scram scram;
};
static_assert(sizeof(struct login) <= PGSQL_KEPT, "probes/kind.h knows the size");

static const char *
sql(const struct plan *p)
{
	const struct query_wish *q = p->check->more->query;
	return q != NULL && q->sql != NULL ? q->sql : status_query;
}

/* ---- asking ---- */

static void
begin_message(struct bytes *b, char kind)
{
	bytes_add(b, &kind, 1);
	bytes_number(b, 0, 4);
}

/* The size of a message stands at its begin. */
static void
end_message(struct bytes *b, size_t at)
{
	if (b->full)
		return;
	struct bytes head = { .at = b->at + at, .cap = 4 };
	bytes_number(&head, b->size - at, 4);
}

static void
say_startup(struct bytes *b, const struct asked *a)
{
	const struct query_wish *q = a->plan->check->more->query;
	const char *user = bytes_user(a->plan) != NULL ? bytes_user(a->plan) : "monitord";
	bytes_number(b, 0, 4);
	bytes_number(b, PROTOCOL, 4);
	const char *const words[] = { "user",
				      user,
				      "database",
				      q != NULL && q->database != NULL ? q->database
								       : user,
				      "application_name",
				      "monitord" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		bytes_add(b, words[i], strlen(words[i]) + 1);
	bytes_number(b, 0, 1);
	end_message(b, 0);
}

static void
hex_md5(const void *one, size_t one_size, const void *two, size_t two_size, char out[33])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	out[0] = '\0';
	if (c != NULL && EVP_DigestInit_ex(c, EVP_md5(), NULL) == 1 &&
	    EVP_DigestUpdate(c, one, one_size) == 1 &&
	    EVP_DigestUpdate(c, two, two_size) == 1 &&
	    EVP_DigestFinal_ex(c, hash, NULL) == 1)
		for (unsigned i = 0; i < 16; i++)
			snprintf(out + 2 * i, 3, "%02x", hash[i]);
	EVP_MD_CTX_free(c);
}

static void
say_md5(struct bytes *b, const struct asked *a, const struct login *l)
{
	struct blob secret = bytes_secret(a->files);
	const char *user = bytes_user(a->plan);
	char inner[33], outer[33];
	hex_md5(secret.bytes, secret.size, user, strlen(user), inner);
	hex_md5(inner, 32, l->salt, sizeof l->salt, outer);
	bytes_text(b, "md5");
	bytes_add(b, outer, 33);
}

size_t
pgsql_ask(const struct asked *a, char *buf, size_t cap)
{
	const struct login *l = a->kept;
	struct bytes b = { .at = buf, .cap = cap };
	struct blob secret = bytes_secret(a->files);
	char text[64];
	enum saying say = (enum saying)l->say;
	if (a->step == 0 && plan_starttls(a->plan))
		say = SAY_TLS;
	switch (say) {
	case SAY_TLS:
		bytes_number(&b, 8, 4);
		bytes_number(&b, SSL_REQUEST, 4);
		break;
	case SAY_STARTUP:
		say_startup(&b, a);
		break;
	case SAY_CLEAR:
	case SAY_MD5:
		begin_message(&b, 'p');
		if (say == SAY_MD5)
			say_md5(&b, a, l);
		else {
			bytes_add(&b, secret.bytes, secret.size);
			bytes_number(&b, 0, 1);
		}
		end_message(&b, 1);
		break;
	case SAY_FIRST:
		begin_message(&b, 'p');
		bytes_add(&b, "SCRAM-SHA-256", 14);
		scram_first(a->unique, text, sizeof text);
		bytes_number(&b, strlen(text), 4);
		bytes_text(&b, text);
		end_message(&b, 1);
		break;
	case SAY_FINAL:
		begin_message(&b, 'p');
		bytes_text(&b, l->scram.final);
		end_message(&b, 1);
		break;
	case SAY_QUERY:
		begin_message(&b, 'Q');
		bytes_add(&b, sql(a->plan), strlen(sql(a->plan)) + 1);
		end_message(&b, 1);
		break;
	case SAY_BYE:
		begin_message(&b, 'X');
		end_message(&b, 1);
		break;
	case SAY_NOTHING:
		return ASK_NOTHING;
	}
	return bytes_asked(&b);
}

/* ---- answers ---- */

/* A field of an error, by its letter: texts behind letters, each ended by a NUL. */
static void
error_field(const char *at, size_t size, char letter, char *out, size_t cap)
{
	const char *end = at + size;
	*out = '\0';
	while (at < end && *at != '\0') {
		const char *stop = memchr(at, '\0', (size_t)(end - at));
		if (stop == NULL)
			stop = end;
		if (*at == letter) {
			text_clean(out, cap, at + 1, (size_t)(stop - at - 1));
			return;
		}
		at = stop + 1;
	}
}

/* Without a login of ours, a refusal of the one we made up is an answer like any. */
static enum judgement
judge_error(const struct plan *p, const char *at, size_t size, char why[MSG_TEXT])
{
	char code[8], text[100];
	error_field(at, size, 'C', code, sizeof code);
	error_field(at, size, 'M', text, sizeof text);
	if (bytes_user(p) == NULL &&
	    (strncmp(code, "28", 2) == 0 || strcmp(code, "3D000") == 0))
		return JUDGE_GOOD;
	text_print(why, MSG_TEXT, "%s (%s)", text, code);
	return JUDGE_BAD;
}

static enum judgement
next(struct login *l, enum saying say)
{
	l->say = (unsigned char)say;
	return JUDGE_NEXT;
}

static enum judgement
judge_auth(const struct plan *p, struct reply *r, const char *at, size_t size,
	   char why[MSG_TEXT])
{
	struct login *l = r->kept;
	uint64_t how = size >= 4 ? bytes_read(at, 4) : UINT64_MAX;
	struct blob secret = bytes_secret(r->files);
	if (bytes_user(p) == NULL)
		return JUDGE_GOOD;
	if (how == AUTH_OK) {
		if (l->asked && l->scram.began && !l->scram.proven)
			return kind_wrong(why,
					  "it did not prove that it knows the password");
		l->in = true;
		return JUDGE_MORE; /* what it tells of itself comes first */
	}
	if (secret.size == 0)
		return kind_wrong(why,
				  "it wants a password: auth-password-file is missing");
	l->asked = true;
	switch (how) {
	case AUTH_CLEAR: /* whoever sits in between may ask for it */
		if (!l->encrypted && !check_is_unix(p->check))
			return kind_wrong(
				why,
				"it wants to see the password itself: encrypt = starttls");
		return next(l, SAY_CLEAR);
	case AUTH_MD5:
		if (size < 8)
			return kind_wrong(why, "its salt is too short");
		memcpy(l->salt, at + 4, 4);
		return next(l, SAY_MD5);
	case AUTH_SASL:
		if (l->scram.began ||
		    memmem(at + 4, size - 4, "SCRAM-SHA-256", 14) == NULL)
			return kind_wrong(why,
					  "it wants a login that is not spoken here");
		l->scram.began = true;
		return next(l, SAY_FIRST);
	case AUTH_MORE: /* once: each answer is work for us */
		if (l->say != SAY_FIRST ||
		    !scram_answer(&l->scram, r->unique, &secret, at + 4, size - 4))
			return kind_wrong(why, "its challenge makes no sense");
		return next(l, SAY_FINAL);
	case AUTH_FINAL:
		l->scram.proven = scram_proves(&l->scram, at + 4, size - 4);
		return JUDGE_MORE;
	default:
		return kind_wrong(why, "it wants a login that is not spoken here");
	}
}

/* The columns of the first row. */
static void
take_row(struct login *l, const char *at, size_t size)
{
	const char *end = at + size;
	if (l->rows++ > 0 || size < 2)
		return;
	unsigned columns = (unsigned)bytes_read(at, 2);
	at += 2;
	for (unsigned i = 0; i < columns && end - at >= 4; i++) {
		uint32_t n = (uint32_t)bytes_read(at, 4);
		at += 4;
		if (n == UINT32_MAX)
			continue; /* NULL */
		if (n > (size_t)(end - at))
			return;
		char text[sizeof l->text];
		size_t length = text_clean(text, sizeof text, at, n);
		if (i == 0) {
			memcpy(l->text, text, sizeof text);
			l->text_size = length;
		}
		char *after;
		double value = strtod(text, &after);
		if (i < VALUES && after != text && isfinite(value)) {
			l->value[i] = value;
			l->seen |= 1u << i;
		}
		at += n;
	}
}

/* A message; JUDGE_MORE: go on with the next one. */
static enum judgement
judge_message(const struct plan *p, struct reply *r, const char *at, size_t size,
	      char why[MSG_TEXT])
{
	struct login *l = r->kept;
	switch (at[0]) {
	case 'E':
		return judge_error(p, at + 5, size - 5, why);
	case 'R':
		return judge_auth(p, r, at + 5, size - 5, why);
	case 'D':
		take_row(l, at + 5, size - 5);
		return JUDGE_MORE;
	case 'Z':
		if (!l->in)
			return kind_wrong(why, "it is ready before the login");
		return next(l, l->say == SAY_QUERY ? SAY_BYE : SAY_QUERY);
	default: /* parameters, keys, notices, the description of rows */
		return JUDGE_MORE;
	}
}

static void
fill(const struct plan *p, struct login *l, struct answer *a)
{
	const struct query_wish *q = p->check->more->query;
	a->body = l->text;
	a->body_size = l->text_size;
	if (!l->in)
		return;
	a->value[METRIC_ROWS] = l->rows;
	if (q != NULL && q->sql != NULL) {
		if ((l->seen & 1) != 0)
			a->value[METRIC_RESULT] = l->value[0];
	} else if (l->seen == (1u << VALUES) - 1) {
		a->value[METRIC_PRIMARY] = l->value[0];
		if (l->value[0] == 0)
			a->value[METRIC_LAG] = l->value[1];
		a->value[METRIC_CLIENTS] = l->value[2];
		if (l->value[3] > 0)
			a->value[METRIC_CLIENTS_PERCENT] =
				100 * l->value[2] / l->value[3];
	}
}

static enum judgement
judge_tls(struct reply *r, char why[MSG_TEXT])
{
	struct login *l = r->kept;
	if (r->size == 0)
		return JUDGE_MORE;
	if (r->bytes[0] == 'N')
		return kind_wrong(why, "it speaks no TLS");
	if (r->bytes[0] != 'S')
		return kind_wrong(why, "not PostgreSQL");
	l->encrypted = true;
	r->used = 1;
	return JUDGE_STARTTLS;
}

enum judgement
pgsql_judge(const struct plan *p, struct reply *r, struct answer *a, char why[MSG_TEXT])
{
	struct login *l = r->kept;
	if (plan_starttls(p) && !l->encrypted)
		return judge_tls(r, why);
	for (r->used = 0; r->size - r->used >= 5;) {
		const char *at = r->bytes + r->used;
		uint64_t size = bytes_read(at + 1, 4) + 1;
		if (memchr("RESKZNDTCAIv", at[0], 12) == NULL || size < 5 ||
		    size > MESSAGE_MOST)
			return kind_wrong(why, "not PostgreSQL");
		if (r->size - r->used < size)
			break;
		r->used += size;
		enum judgement j = judge_message(p, r, at, size, why);
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
