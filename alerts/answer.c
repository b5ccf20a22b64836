#include "alerts/answer.h"

#include <stdbool.h>

/* RFC 4954 section 6: the login is missing, too weak or wrong. That is for us to put
 * right. */
static bool
about_login(int code)
{
	return code == 530 || code == 534 || code == 535 || code == 538;
}

enum verdict
answer_mail(int recipient, int message)
{
	int decisive = recipient / 100 == 2 ? message : recipient;
	if (recipient == 0 && message / 100 == 5)
		decisive = message; /* the sender was refused: no recipient was asked */
	if (about_login(decisive))
		return VERDICT_LATER;
	return decisive / 100 == 2   ? VERDICT_SENT
	       : decisive / 100 == 5 ? VERDICT_REFUSED
				     : VERDICT_LATER;
}

enum verdict
answer_page(int status)
{
	if (status / 100 == 2)
		return VERDICT_SENT;
	if (status == 408 || status == 425 || status == 429)
		return VERDICT_LATER;
	return status / 100 == 3 || status / 100 == 4 ? VERDICT_REFUSED : VERDICT_LATER;
}

int64_t
answer_wait_ms(int64_t tries)
{
	return tries < 1 ? 1000 : tries > 8 ? 300000 : INT64_C(1000) << tries;
}
