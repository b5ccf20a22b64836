/* Java RMI over JRMP: the handshake and a ping prove the transport; a call with a method
 * hash that nobody has proves the dispatcher and the object behind it, without effect and
 * without knowing its interface. Without a name that object is the collector that every
 * JVM exports; with one, what the registry says lives under the name, at the host and
 * port that it tells to clients. */
#include "probes/kind.h"

#include "base/text.h"

#include <assert.h>
#include <string.h>

#define UNIQUE_SIZE 15 /* 01 or 02, and a UID of 14 bytes, in a block of its own */
#define OBJECT_SIZE 22 /* object number 8, UID 14 */
#define NO_HASH 0x6d6f6e69746f7264 /* "monitord": no method has it */
#define REGISTRY_HASH 0x44154dc9d4e63bdf
#define OPERATION_LOOKUP 2
#define OBJECT_COLLECTOR 2

enum { STEP_HELLO, STEP_PING, STEP_CALL, STEP_OBJECT_HELLO, STEP_OBJECT_CALL };

struct stub {
	char host[256];
	uint16_t port;
	unsigned char object[OBJECT_SIZE];
};
static_assert(sizeof(struct stub) <= JRMP_KEPT, "probes/kind.h knows the size");

static const unsigned char hello[] = { 'J', 'R', 'M', 'I', 0, 2, 0x4b };
/* who we say we are: nobody calls back */
static const unsigned char own[] = { 0,   9,   '1', '2', '7', '.', '0', '.',
				     '0', '.', '1', 0,   0,   0,   0 };

static const char *
bound_name(const struct plan *p)
{
	const char *target = p->check->target;
	return target != NULL && target[1] != '\0' ? target + 1 : NULL;
}

static unsigned char *
put_number(unsigned char *to, uint64_t n, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		to[i] = (unsigned char)(n >> 8 * (size - 1 - i));
	return to + size;
}

/* The head of a call: 34 bytes of arguments that are no objects. */
static unsigned char *
put_call(unsigned char *to, const unsigned char object[OBJECT_SIZE], int32_t operation,
	 uint64_t hash)
{
	static const unsigned char call[] = {
		0x50, 0xac, 0xed, 0, 5, 0x77, OBJECT_SIZE + 12
	};
	memcpy(to, call, sizeof call);
	memcpy(to + sizeof call, object, OBJECT_SIZE);
	to = put_number(to + sizeof call + OBJECT_SIZE, (uint32_t)operation, 4);
	return put_number(to, hash, 8);
}

size_t
jrmp_ask(const struct asked *a, char *buf, size_t cap)
{
	const struct stub *stub = a->kept;
	const char *name = bound_name(a->plan);
	size_t length = name != NULL ? strlen(name) : 0;
	unsigned char object[OBJECT_SIZE] = { 0 }, *to = (unsigned char *)buf;
	if (cap < 128 + length || length > UINT16_MAX)
		return 0;
	switch (a->step) {
	case STEP_HELLO:
	case STEP_OBJECT_HELLO:
		memcpy(buf, hello, sizeof hello);
		return sizeof hello;
	case STEP_PING:
		memcpy(buf, own, sizeof own);
		buf[sizeof own] = 0x52;
		return sizeof own + 1;
	case STEP_CALL:
		if (name == NULL) {
			object[7] = OBJECT_COLLECTOR;
			to = put_call(to, object, 0, NO_HASH);
		} else {
			to = put_call(to, object, OPERATION_LOOKUP, REGISTRY_HASH);
			*to++ = 0x74; /* a string */
			to = put_number(to, length, 2);
			memcpy(to, name, length);
			to += length;
		}
		return (size_t)(to - (unsigned char *)buf);
	case STEP_OBJECT_CALL:
		memcpy(buf, own, sizeof own);
		to = put_call(to + sizeof own, stub->object, -1, NO_HASH);
		return (size_t)(to - (unsigned char *)buf);
	default:
		return ASK_NOTHING;
	}
}

/* ---- answers ---- */

static unsigned
number16(const char *at)
{
	return (unsigned)(unsigned char)at[0] << 8 | (unsigned char)at[1];
}

/* "N", the address that it sees us at. */
static enum judgement
judge_hello(struct reply *r, char why[MSG_TEXT])
{
	char shown[40];
	if (r->size > 0 && r->bytes[0] != 0x4e) {
		text_clean(shown, sizeof shown, r->bytes, r->size);
		text_print(why, MSG_TEXT,
			   r->bytes[0] == 0x4f
				   ? "JRMP refused"
				   : "not JRMP: expected its acknowledgement, got '%s'",
			   shown);
		return JUDGE_BAD;
	}
	if (r->size < 3 || r->size < 7u + number16(r->bytes + 1))
		return JUDGE_MORE;
	r->used = 7u + number16(r->bytes + 1);
	return JUDGE_NEXT;
}

static enum judgement
judge_ping(struct reply *r, char why[MSG_TEXT])
{
	if (r->size == 0)
		return JUDGE_MORE;
	if (r->bytes[0] != 0x53) {
		text_print(why, MSG_TEXT, "a ping was answered by byte 0x%02x",
			   (unsigned)(unsigned char)r->bytes[0]);
		return JUDGE_BAD;
	}
	r->used = 1;
	return JUDGE_NEXT;
}

/* The first bytes of what a call returns: normal or not. */
static enum judgement
judge_return(const struct reply *r, bool *normal, char why[MSG_TEXT])
{
	static const char head[] = {
		0x51, (char)0xac, (char)0xed, 0, 5, 0x77, UNIQUE_SIZE
	};
	size_t n = r->size < sizeof head ? r->size : sizeof head;
	if (memcmp(r->bytes, head, n) != 0) {
		text_print(why, MSG_TEXT, "what came is not the return of a call");
		return JUDGE_BAD;
	}
	if (r->size < sizeof head + UNIQUE_SIZE)
		return JUDGE_MORE;
	*normal = r->bytes[sizeof head] == 1;
	return JUDGE_NEXT;
}

/* The class of the exception: the first object behind the head. */
static void
exception_name(const struct reply *r, char *out, size_t cap)
{
	const char *at = r->bytes + 7 + UNIQUE_SIZE, *end = r->bytes + r->size;
	text_print(out, cap, "an exception");
	if (end - at < 4 || at[0] != 0x73 || at[1] != 0x72)
		return;
	size_t n = number16(at + 2), have = (size_t)(end - at) - 4;
	text_clean(out, cap, at + 4, n < have ? n : have);
}

/* Where a word ends; SIZE_MAX: it is not there. */
static size_t
end_of(const struct reply *r, const char *word)
{
	const char *at = memmem(r->bytes, r->size, word, strlen(word));
	return at != NULL ? (size_t)(at - r->bytes) + strlen(word) : SIZE_MAX;
}

/* A call that no method has: the dispatcher's own refusal is what proves it. */
static enum judgement
judge_refusal(struct reply *r, char why[MSG_TEXT])
{
	bool normal = false;
	char name[80];
	enum judgement j = judge_return(r, &normal, why);
	if (j != JUDGE_NEXT)
		return j;
	size_t gone = end_of(r, "java.rmi.NoSuchObjectException");
	if (normal || end_of(r, "unrecognized method hash") < gone ||
	    end_of(r, "hash mismatch") < gone)
		return JUDGE_GOOD;
	if (gone != SIZE_MAX) {
		text_print(why, MSG_TEXT,
			   "the object is gone: its server has begun anew, the "
			   "registry has not heard of it");
		return JUDGE_BAD;
	}
	if (!r->ended)
		return JUDGE_MORE;
	exception_name(r, name, sizeof name);
	text_print(why, MSG_TEXT, "the call threw %s", name);
	return JUDGE_BAD;
}

/* Where the registry says that the object lives: "UnicastRef" HOST PORT OBJECT, or
 * "UnicastRef2" and a byte that says whether a socket factory stands there as well. */
static enum judgement
judge_stub(struct reply *r, struct stub *stub, char why[MSG_TEXT])
{
	static const char word[] = "UnicastRef";
	const char *end = r->bytes + r->size;
	const char *at = memmem(r->bytes, r->size, word, sizeof word - 1);
	if (at == NULL || end - at < (ptrdiff_t)sizeof word + 3)
		return JUDGE_MORE;
	at += sizeof word - 1;
	if (*at == '2') {
		if (at[1] != 0)
			return JUDGE_GOOD; /* sockets of its own: nothing that we could
					      speak */
		at += 2;
	}
	size_t n = number16(at), have = (size_t)(end - at) - 2;
	if (n == 0 || n >= sizeof stub->host ||
	    memchr(at + 2, '\0', n < have ? n : have) != NULL) {
		text_print(why, MSG_TEXT, "the registry names no host for it");
		return JUDGE_BAD;
	}
	if (have < n + 4 + OBJECT_SIZE)
		return JUDGE_MORE;
	memcpy(stub->host, at + 2, n);
	stub->host[n] = '\0';
	at += 2 + n;
	stub->port = (uint16_t)number16(at + 2);
	memcpy(stub->object, at + 4, OBJECT_SIZE);
	if (number16(at) != 0 || stub->port == 0) {
		text_print(why, MSG_TEXT, "the registry names no port for it");
		return JUDGE_BAD;
	}
	r->host = stub->host;
	r->port = stub->port;
	return JUDGE_ELSEWHERE;
}

static enum judgement
judge_lookup(const struct plan *p, struct reply *r, char why[MSG_TEXT])
{
	bool normal = false;
	char name[80];
	enum judgement j = judge_return(r, &normal, why);
	if (j != JUDGE_NEXT)
		return j;
	if (normal) {
		j = judge_stub(r, r->kept, why);
		if (j != JUDGE_MORE || !r->ended)
			return j;
		text_print(why, MSG_TEXT, "'%.60s' is no remote object", bound_name(p));
		return JUDGE_BAD;
	}
	if (r->size < 7 + UNIQUE_SIZE + 64 && !r->ended)
		return JUDGE_MORE; /* its name may not be there yet */
	exception_name(r, name, sizeof name);
	if (strcmp(name, "java.rmi.NotBoundException") == 0)
		text_print(why, MSG_TEXT, "'%.60s' is not bound in the registry",
			   bound_name(p));
	else
		text_print(why, MSG_TEXT, "the registry threw %s", name);
	return JUDGE_BAD;
}

enum judgement
jrmp_judge(const struct plan *p, struct reply *r, struct answer *a, char why[MSG_TEXT])
{
	(void)a;
	switch (r->step) {
	case STEP_HELLO:
	case STEP_OBJECT_HELLO:
		return judge_hello(r, why);
	case STEP_PING:
		return judge_ping(r, why);
	case STEP_CALL:
		return bound_name(p) != NULL ? judge_lookup(p, r, why)
					     : judge_refusal(r, why);
	default:
		return judge_refusal(r, why);
	}
}
