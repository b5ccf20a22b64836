/* ICMP echo (RFC 792, RFC 4443): all packets at once; one that comes back is enough, and
 * `loss` says how many did not. */
#include "probes/bytes.h"

#include <assert.h>
#include <sys/socket.h>

#define HEAD 8
#define COUNT 3
#define SIZE 56
enum { ECHO4 = 8, REPLY4 = 0, ECHO6 = 128, REPLY6 = 129 };

struct echoes {
	uint32_t came; /* bit set, by number */
	uint64_t rtt_ns;
};
static_assert(sizeof(struct echoes) <= PING_KEPT, "probes/kind.h knows the size");
static_assert(PING_COUNT_MOST <= 32, "came is a bit set");

unsigned
ping_packets(const struct plan *p)
{
	const struct query_wish *q = p->check->more->query;
	return q != NULL && q->count != 0 ? q->count : COUNT;
}

/* The ones' complement of the sum of all 16-bit words (RFC 1071). */
static unsigned
checksum(const char *at, size_t size)
{
	uint64_t sum = 0;
	for (size_t i = 0; i + 1 < size; i += 2)
		sum += bytes_read(at + i, 2);
	if (size % 2 != 0)
		sum += bytes_read(at + size - 1, 1) << 8;
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~(unsigned)sum & 0xffff;
}

size_t
ping_ask(const struct asked *a, char *buf, size_t cap)
{
	const struct query_wish *q = a->plan->check->more->query;
	size_t size = q != NULL && q->packet_size != 0 ? q->packet_size : SIZE;
	struct bytes b = { .at = buf, .cap = cap };
	bytes_number(&b, a->family == AF_INET6 ? ECHO6 : ECHO4, 1);
	bytes_number(&b, 0, 1);
	bytes_number(&b, 0, 2);
	bytes_number(&b, a->unique & 0xffff, 2);
	bytes_number(&b, a->step, 2);
	bytes_number(&b, a->unique, 8);
	bytes_number(&b, (uint64_t)a->now_ns, 8);
	while (b.size < size + HEAD && !b.full)
		bytes_number(&b, b.size & 0xff, 1);
	if (b.full)
		return 0;
	struct bytes sum = { .at = buf + 2, .cap = 2 };
	bytes_number(&sum, checksum(buf, b.size), 2); /* for IPv6 the kernel does it */
	return b.size;
}

/* A raw socket of IPv4 gives its header as well. */
static const char *
packet_of(const struct reply *r)
{
	size_t skip = 0;
	if (r->size > 0 && (unsigned char)r->bytes[0] >> 4 == 4)
		skip = ((unsigned char)r->bytes[0] & 0xfu) * 4;
	return r->size >= skip + HEAD + 16 ? r->bytes + skip : NULL;
}

static void
take(const struct plan *p, const struct reply *r, struct echoes *e)
{
	const char *at = packet_of(r);
	if (at == NULL || (at[0] != REPLY4 && (unsigned char)at[0] != REPLY6) ||
	    bytes_read(at + HEAD, 8) != r->unique)
		return;
	unsigned number = (unsigned)bytes_read(at + 6, 2);
	int64_t sent = (int64_t)bytes_read(at + HEAD + 8, 8);
	if (number >= ping_packets(p) || (e->came >> number & 1) != 0 ||
	    sent != r->asked_ns[0])
		return;
	e->came |= UINT32_C(1) << number;
	e->rtt_ns += (uint64_t)(r->now_ns - sent);
}

enum judgement
ping_judge(const struct plan *p, struct reply *r, struct answer *a, char why[MSG_TEXT])
{
	struct echoes *e = r->kept;
	unsigned count = ping_packets(p);
	(void)why;
	take(p, r, e);
	r->size = 0;
	unsigned came = (unsigned)__builtin_popcount(e->came);
	if (came == 0 || (came < count && !r->ended))
		return JUDGE_MORE;
	a->value[METRIC_RTT] = (double)e->rtt_ns / came / 1e6;
	a->value[METRIC_LOSS] = 100.0 * (count - came) / count;
	return JUDGE_GOOD;
}
