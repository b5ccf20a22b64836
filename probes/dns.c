/* DNS (RFC 1035): a question by UDP, and again by TCP when the answer says that it was
 * cut. What is answered is the body that `expect` looks at: a line for each record. */
#include "probes/bytes.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <string.h>

#define HEAD 12
#define TEXT_MOST 500
#define JUMPS_MOST 32
#define LABEL_MOST 63
#define NAME_MOST 255 /* bytes of a name (RFC 1035 3.1): a longer one is only there to keep us busy */
enum {
	FLAG_ANSWER = 0x8000,
	FLAG_CUT = 0x0200,
	FLAG_WISH = 0x0100,
	MASK_OPCODE = 0x7800
};
enum {
	TYPE_A = 1,
	TYPE_NS = 2,
	TYPE_CNAME = 5,
	TYPE_PTR = 12,
	TYPE_MX = 15,
	TYPE_TXT = 16,
	TYPE_AAAA = 28
};

struct records {
	size_t size;
	char text[TEXT_MOST];
};
static_assert(sizeof(struct records) <= DNS_KEPT, "probes/kind.h knows the size");

static uint16_t
type_of(const struct plan *p)
{
	return p->check->more->query->type != 0 ? p->check->more->query->type : TYPE_A;
}

static void
put_name(struct bytes *b, const char *name)
{
	while (*name != '\0') {
		size_t n = strcspn(name, ".");
		if (n > 0) {
			bytes_number(b, n, 1);
			bytes_add(b, name, n);
		}
		name += n + (name[n] == '.');
	}
	bytes_number(b, 0, 1);
}

static void
put_question(struct bytes *b, const struct plan *p)
{
	put_name(b, p->check->more->query->name);
	bytes_number(b, type_of(p), 2);
	bytes_number(b, 1, 2); /* the Internet */
}

size_t
dns_ask(const struct asked *a, char *buf, size_t cap)
{
	struct bytes b = { .at = buf, .cap = cap };
	if (a->stream)
		bytes_number(&b, 0, 2); /* the size, put in below */
	bytes_number(&b, a->unique & 0xffff, 2);
	bytes_number(&b, FLAG_WISH, 2);
	bytes_number(&b, 1, 2);
	bytes_number(&b, 0, 6);
	put_question(&b, a->plan);
	if (a->stream && !b.full) {
		struct bytes size = { .at = buf, .cap = 2 };
		bytes_number(&size, b.size - 2, 2);
	}
	return bytes_asked(&b);
}

struct message {
	const char *begin, *at, *end;
};

/* A name, which may go on elsewhere in the message; out may be NULL. False: it makes no
 * sense. */
static bool
take_name(struct message *m, char *out, size_t cap)
{
	const char *at = m->at;
	struct text t;
	bool jumped = false;
	if (out != NULL)
		text_begin(&t, out, cap);
	for (unsigned jumps = 0, size = 1; at < m->end && jumps < JUMPS_MOST;) {
		unsigned n = (unsigned char)*at++;
		if (n == 0) {
			if (!jumped)
				m->at = at;
			return true;
		}
		if (n >= 0xc0) {
			if (at >= m->end)
				return false;
			if (!jumped)
				m->at = at + 1;
			jumped = true;
			jumps++;
			size_t where = (n & 0x3f) << 8 | (unsigned char)*at;
			if (where >= (size_t)(m->end - m->begin))
				return false;
			at = m->begin + where;
			continue;
		}
		if (n > LABEL_MOST || (size_t)(m->end - at) < n ||
		    (size += n + 1) > NAME_MOST)
			return false;
		if (out != NULL) {
			char label[LABEL_MOST + 1];
			text_clean(label, sizeof label, at, n);
			text_add(&t, "%s.", label);
		}
		at += n;
	}
	return false;
}

static void
add_record(struct records *out, const struct message *m, unsigned type, const char *data,
	   size_t size)
{
	char text[300] = "";
	if (out->size + 1 >= TEXT_MOST)
		return;
	struct message name = { m->begin, data + (type == TYPE_MX ? 2 : 0), m->end };
	if (type == TYPE_A && size == 4)
		inet_ntop(AF_INET, data, text, sizeof text);
	else if (type == TYPE_AAAA && size == 16)
		inet_ntop(AF_INET6, data, text, sizeof text);
	else if (type == TYPE_TXT && size > 1)
		text_clean(text, sizeof text, data + 1, size - 1);
	else if (type == TYPE_NS || type == TYPE_CNAME || type == TYPE_PTR ||
		 (type == TYPE_MX && size > 2))
		take_name(&name, text, sizeof text);
	if (text[0] != '\0')
		out->size += text_print(out->text + out->size, TEXT_MOST - out->size,
					"%s\n", text);
}

/* The records behind the question. */
static enum judgement
judge_records(const struct plan *p, struct message *m, unsigned count, struct reply *r,
	      struct answer *a, char why[MSG_TEXT])
{
	struct records *out = r->kept;
	unsigned right = 0;
	uint64_t ttl = UINT32_MAX;
	out->size = 0;
	for (unsigned i = 0; i < count; i++) {
		if (!take_name(m, NULL, 0) || m->end - m->at < 10)
			return kind_wrong(why, "its records make no sense");
		unsigned type = (unsigned)bytes_read(m->at, 2);
		uint64_t good = bytes_read(m->at + 4, 4), size = bytes_read(m->at + 8, 2);
		m->at += 10;
		if ((uint64_t)(m->end - m->at) < size)
			return kind_wrong(why, "its records make no sense");
		add_record(out, m, type, m->at, size);
		right += type == type_of(p);
		ttl = good < ttl ? good : ttl;
		m->at += size;
	}
	a->value[METRIC_ANSWERS] = right;
	if (right > 0)
		a->value[METRIC_TTL] = (double)ttl * 1000;
	a->body = out->text;
	a->body_size = out->size;
	return JUDGE_GOOD;
}

static bool
expects(const struct plan *p, enum metric m)
{
	for (uint32_t i = 0; i < p->check->expect_count; i++)
		if (p->check->expects[i].kind == EXPECT_METRIC &&
		    p->check->expects[i].metric == m)
			return true;
	return false;
}

/* A name, its letters of any case, then type and class. */
static bool
same_question(const char *is, const char *asked, size_t size)
{
	size_t name = size - 4;
	for (size_t i = 0; i < name; i++)
		if (tolower((unsigned char)is[i]) != tolower((unsigned char)asked[i]))
			return false;
	return memcmp(is + name, asked + name, 4) == 0;
}

static enum judgement
judge_message(const struct plan *p, struct message *m, struct reply *r, struct answer *a,
	      char why[MSG_TEXT])
{
	static const char *const codes[] = { "no error",
					     "it calls the question malformed",
					     "the server failed",
					     "there is no such name",
					     "it does not do this",
					     "it refuses" };
	char question[300];
	struct bytes b = { .at = question, .cap = sizeof question };
	unsigned flags = (unsigned)bytes_read(m->begin + 2, 2), code = flags & 0xf;
	put_question(&b, p);
	/* with some errors the question does not come along */
	if (bytes_read(m->begin + 4, 2) == 1) {
		if ((size_t)(m->end - m->at) < b.size ||
		    !same_question(m->at, question, b.size))
			return kind_wrong(why, "it answers another question");
		m->at += b.size;
	} else if (code == 0) {
		return kind_wrong(why, "it answers no question");
	}
	a->value[METRIC_RCODE] = code;
	if (code != 0 && !expects(p, METRIC_RCODE)) {
		text_print(why, MSG_TEXT, "%.80s: %s (rcode %u)",
			   p->check->more->query->name,
			   code < 6 ? codes[code] : "an error", code);
		return JUDGE_BAD;
	}
	enum judgement j =
		judge_records(p, m, (unsigned)bytes_read(m->begin + 6, 2), r, a, why);
	if (j != JUDGE_GOOD || code != 0 || a->value[METRIC_ANSWERS] > 0 ||
	    expects(p, METRIC_ANSWERS))
		return j;
	text_print(why, MSG_TEXT, "%.80s has no record of that type",
		   p->check->more->query->name);
	return JUDGE_BAD;
}

enum judgement
dns_judge(const struct plan *p, struct reply *r, struct answer *a, char why[MSG_TEXT])
{
	struct message m = { r->bytes, r->bytes, r->bytes + r->size };
	if (r->stream) {
		if (r->size < 2 || r->size < 2 + bytes_read(r->bytes, 2))
			return JUDGE_MORE;
		m.begin = r->bytes + 2;
		m.end = m.begin + bytes_read(r->bytes, 2);
	}
	m.at = m.begin + HEAD;
	bool ours =
		m.end - m.begin >= HEAD &&
		bytes_read(m.begin, 2) == (r->unique & 0xffff) &&
		(bytes_read(m.begin + 2, 2) & (FLAG_ANSWER | MASK_OPCODE)) == FLAG_ANSWER;
	if (!ours && r->stream)
		return kind_wrong(why, "not an answer of the DNS to our question");
	if (!ours) { /* somebody else's: ours may come still */
		r->size = 0;
		return JUDGE_MORE;
	}
	if (!r->stream && (bytes_read(m.begin + 2, 2) & FLAG_CUT) != 0) {
		r->host = NULL;
		return JUDGE_ELSEWHERE;
	}
	return judge_message(p, &m, r, a, why);
}
