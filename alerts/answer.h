/* alerts/answer.h: what servers said, and what it means for the alert. */
#ifndef ALERTS_ANSWER_H
#define ALERTS_ANSWER_H

#include <stdint.h>

#define ANSWER_SESSION (-1) /* the index of the answer to the message as a whole */

/* One line of a delivery's pipe; less than PIPE_BUF, so that it comes whole. */
struct answer {
	int32_t index;  /* of the recipient, or ANSWER_SESSION */
	int32_t code;   /* SMTP reply or HTTP status, 0: none came */
	int32_t wait_s; /* the server asked for so long before the next try; 0: it did not */
	char text[120]; /* cleaned */
};

enum verdict { VERDICT_SENT, VERDICT_REFUSED, VERDICT_LATER };

/* RFC 5321 4.2.1: taken only if both the recipient and the message were (2yz); 5yz is for
 * ever, 4yz, a refused login and no answer are for now. */
enum verdict answer_mail(int recipient, int message);

/* 2xx is success; a redirect or 4xx will not heal by itself, but for 408, 425 and 429. */
enum verdict answer_page(int status);

/* How long to wait after so many tries: 1 s, doubled up to 5 min. */
int64_t answer_wait_ms(int64_t tries);

#endif
