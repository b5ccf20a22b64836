/* Oracle's listener (TNS): a CONNECT with COMMAND=ping, which it refuses with ERR=0: that
 * is its way to say that it is there. It proves the listener, not the database. */
#include "probes/bytes.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { CONNECT = 1, ACCEPT = 2, REFUSE = 4, REDIRECT = 5, RESEND = 11 };
#define HEAD 8
#define OFFSET 58 /* where the data of a CONNECT begin */
#define PACKET_MOST 32768

size_t
oracle_ask(const struct asked *a, char *buf, size_t cap)
{
	static const char data[] = "(CONNECT_DATA=(COMMAND=ping))";
	struct bytes b = { .at = buf, .cap = cap };
	(void)a;
	bytes_number(&b, OFFSET + sizeof data - 1, 2);
	bytes_number(&b, 0, 2);
	bytes_number(&b, CONNECT, 1);
	bytes_number(&b, 0, 3);
	bytes_number(&b, 0x0136, 2); /* version 310 */
	bytes_number(&b, 0x012c, 2); /* as old as 300 will do */
	bytes_number(&b, 0, 2);      /* service options */
	bytes_number(&b, 0x0800, 2); /* session data unit */
	bytes_number(&b, 0x7fff, 2); /* transport data unit */
	bytes_number(&b, 0x7f08, 2); /* characteristics */
	bytes_number(&b, 0, 2);      /* line turnaround */
	bytes_number(&b, 0x0001, 2); /* value of 1 in our byte order */
	bytes_number(&b, sizeof data - 1, 2);
	bytes_number(&b, OFFSET, 2);
	bytes_number(&b, 0, 4); /* as much as it likes in return */
	while (b.size < OFFSET && !b.full)
		bytes_number(&b, 0, 1);
	bytes_add(&b, data, sizeof data - 1);
	return bytes_asked(&b);
}

/* "(DESCRIPTION=(TMP=)(VSNNUM=0)(ERR=0)(ALIAS=LISTENER))" */
static enum judgement
judge_refusal(const char *at, size_t size, char why[MSG_TEXT])
{
	char text[200], shown[90];
	text_clean(text, sizeof text, at, size);
	const char *error = strstr(text, "(ERR=");
	if (error != NULL && strtol(error + 5, NULL, 10) == 0 && error[5] == '0')
		return JUDGE_GOOD;
	text_print(shown, sizeof shown, "%.80s", text);
	text_print(why, MSG_TEXT, "the listener refuses: %s", shown);
	return JUDGE_BAD;
}

enum judgement
oracle_judge(const struct plan *p, struct reply *r, struct answer *a, char why[MSG_TEXT])
{
	(void)p;
	(void)a;
	if (r->size < HEAD)
		return JUDGE_MORE;
	size_t size = bytes_read(r->bytes, 2);
	unsigned kind = (unsigned char)r->bytes[4];
	if (size < HEAD || size > PACKET_MOST ||
	    (kind != ACCEPT && kind != REFUSE && kind != REDIRECT && kind != RESEND)) {
		char shown[60];
		text_clean(shown, sizeof shown, r->bytes, r->size);
		text_print(why, MSG_TEXT, "not a listener of Oracle: got '%s'", shown);
		return JUDGE_BAD;
	}
	if (r->size < size)
		return JUDGE_MORE;
	r->used = size;
	if (kind == RESEND && r->step < 2)
		return JUDGE_NEXT;
	if (kind == REFUSE)
		return judge_refusal(r->bytes + HEAD, size - HEAD, why);
	if (kind == RESEND) {
		text_print(why, MSG_TEXT,
			   "the listener wants to hear it again and again");
		return JUDGE_BAD;
	}
	return JUDGE_GOOD; /* accepted, or sent to a process of the database */
}
