/* test/unit/probes_talk.h: an exchange of one check as the engine holds it, with a peer
 * whose words are known: whatever pieces they come in, the verdict is the same. */
#ifndef TEST_UNIT_PROBES_TALK_H
#define TEST_UNIT_PROBES_TALK_H

#include "probes/kind.h"

#include <stddef.h>

#define TALK_KEPT 4096
#define TALK_ELSEWHERE "\n--elsewhere--\n" /* in a recording: the next connection */

struct talk {
	struct plan plan;
	struct reply reply;
	struct answer answer; /* of the last judgement */
	const char *secret;
	int64_t real_ns; /* the time of day when it was asked */
	uint64_t unique; /* 0: a number of the harness */
	struct blob files[CHECK_FILES];
	_Alignas(8) char kept[TALK_KEPT];
	char bytes[1 << 20], asked[16384];
	size_t asked_size;
	bool moved;
	char why[MSG_TEXT];
};

/* Holds it; JUDGE_MORE: the peer ended too early. */
enum judgement talk_hold(struct talk *t, const char *bytes, size_t size, unsigned cut);

#endif
