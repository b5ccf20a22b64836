/* NTP (RFC 5905), as a client: the server has a clock it trusts; how far ours is from it.
 */
#include "probes/bytes.h"

#include "base/text.h"

#include <math.h>

#define PACKET 48
#define SINCE_1900_S 2208988800.0
#define STRATUM_NONE 16
enum { CLIENT = 0x23 /* version 4, mode 3 */, MODE_SERVER = 4, LEAP_UNKNOWN = 3 };

/* What we send as our time is a number that does not repeat: the answer brings it back,
 * and nobody learns what our clock shows. It also tells which asking is answered. */
size_t
ntp_ask(const struct asked *a, char *buf, size_t cap)
{
	struct bytes b = { .at = buf, .cap = cap };
	bytes_number(&b, CLIENT, 1);
	for (unsigned i = 1; i < PACKET - 8; i++)
		bytes_number(&b, 0, 1);
	bytes_number(&b, a->unique ^ a->again, 8);
	return bytes_asked(&b);
}

/* Seconds since 1970, of 32 bits of seconds since 1900 and as many of their fraction. */
static double
seconds(const char *at)
{
	return (double)bytes_read(at, 4) - SINCE_1900_S +
	       (double)bytes_read(at + 4, 4) / 4294967296.0;
}

static enum judgement
judge_packet(const struct reply *r, uint64_t asking, struct answer *a, char why[MSG_TEXT])
{
	const char *at = r->bytes;
	unsigned leap = (unsigned char)at[0] >> 6, stratum = (unsigned char)at[1];
	char code[5];
	if (stratum == 0) {
		text_clean(code, sizeof code, at + 12, 4);
		text_print(why, MSG_TEXT, "it tells us to stay away: %s", code);
		return JUDGE_BAD;
	}
	a->value[METRIC_STRATUM] = stratum;
	if (leap == LEAP_UNKNOWN || stratum >= STRATUM_NONE) {
		text_print(why, MSG_TEXT, "its clock is not set (stratum %u)", stratum);
		return JUDGE_BAD;
	}
	double sent = (double)r->asked_real_ns[asking] / 1e9,
	       got = (double)r->real_ns / 1e9;
	double came = seconds(at + 32), went = seconds(at + 40);
	a->value[METRIC_OFFSET] = fabs((came - sent) + (went - got)) / 2 * 1000;
	a->value[METRIC_RTT] = (double)(r->now_ns - r->asked_ns[asking]) / 1e6;
	return JUDGE_GOOD;
}

enum judgement
ntp_judge(const struct plan *p, struct reply *r, struct answer *a, char why[MSG_TEXT])
{
	uint64_t asking =
		r->size >= PACKET ? bytes_read(r->bytes + 24, 8) ^ r->unique : UINT64_MAX;
	(void)p;
	if (asking >= ASKINGS_MOST || (r->bytes[0] & 7) != MODE_SERVER) {
		r->size = 0; /* no answer to us */
		return JUDGE_MORE;
	}
	return judge_packet(r, asking, a, why);
}
