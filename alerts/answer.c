#include "alerts/answer.h"

enum verdict
answer_mail(int recipient, int message)
{
	int decisive = recipient / 100 == 2 ? message : recipient;
	if (recipient == 0 && message / 100 == 5)
		decisive = message; /* the sender was refused: no recipient was asked */
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
