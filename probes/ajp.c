/* AJP13 CPING and CPONG (Tomcat connectors, AJPv13 extension 3.1.1: packets 0x12 0x34 to
 * the container, 'A' 'B' from it). A worker thread answers: it tells when all are stuck.
 */
#include "probes/kind.h"

#include "base/text.h"

#include <string.h>

static const char cping[] = { 0x12, 0x34, 0x00, 0x01, 0x0a };
static const char cpong[] = { 'A', 'B', 0x00, 0x01, 0x09 };

size_t
ajp_ask(const struct asked *a, char *buf, size_t cap)
{
	(void)a;
	if (cap < sizeof cping)
		return 0;
	memcpy(buf, cping, sizeof cping);
	return sizeof cping;
}

enum judgement
ajp_judge(const struct plan *p, struct reply *r, struct answer *a, char why[MSG_TEXT])
{
	(void)a;
	size_t n = r->size < sizeof cpong ? r->size : sizeof cpong;
	(void)p;
	if (memcmp(r->bytes, cpong, n) != 0) {
		char shown[40];
		text_clean(shown, sizeof shown, r->bytes, r->size);
		text_print(why, MSG_TEXT, "not AJP: expected CPONG, got '%s'", shown);
		return JUDGE_BAD;
	}
	if (n ==
	    sizeof cpong) /* what follows may or may not have come: it decides nothing */
		return JUDGE_GOOD;
	if (r->ended) {
		text_print(why, MSG_TEXT, "closed after %zu of %zu bytes of CPONG",
			   r->size, sizeof cpong);
		return JUDGE_BAD;
	}
	return JUDGE_MORE;
}
