/* Any bytes as the answer to CPING: CPONG or what begins with it, and nothing else, in
 * whatever pieces it comes. */
#include "test/fuzz/fuzz.h"

#include "probes/kind.h"

#include <string.h>

static enum judgement
judge(const uint8_t *bytes, size_t size, size_t piece)
{
	struct reply r = { .bytes = malloc(size + 1) };
	struct answer a = { 0 };
	char why[MSG_TEXT] = "";
	enum judgement j = JUDGE_MORE;
	if (r.bytes == NULL)
		exit(1);
	while (r.size < size && j == JUDGE_MORE) {
		size_t n = piece < size - r.size ? piece : size - r.size;
		memcpy(r.bytes + r.size, bytes + r.size, n);
		r.size += n;
		j = ajp_judge(NULL, &r, &a, why);
	}
	r.ended = true;
	if (j == JUDGE_MORE)
		j = ajp_judge(NULL, &r, &a, why);
	PROMISE((j == JUDGE_BAD) == (why[0] != '\0'));
	for (const char *c = why; *c != '\0'; c++)
		PROMISE((unsigned char)*c >= ' ' && *c != 0x7f);
	free(r.bytes);
	return j;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	enum judgement whole = judge(bytes, size, size);
	PROMISE(whole == judge(bytes, size, 1));
	PROMISE(whole == judge(bytes, size, 3));
	PROMISE((whole == JUDGE_GOOD) ==
		(size >= 5 && memcmp(bytes, "AB\0\1\11", 5) == 0));
	return 0;
}
