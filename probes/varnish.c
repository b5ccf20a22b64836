/* Varnish's CLI (varnish-cli(7)): status, length and text of each answer. Without the
 * secret its manager answers a ping; with it, it says whether its child runs, which is
 * what serves, and which backends are healthy. */
#include "probes/kind.h"

#include "base/text.h"

#include <assert.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD 13 /* "SSS LLLLLLLL\n" */
#define CHALLENGE 32
#define SECRET_MOST 1024
#define TEXT_MOST 1048576L
enum { CLI_AUTH = 107, CLI_OK = 200, CLI_CLOSE = 500 };
enum { STEP_GREETING, STEP_AUTH, STEP_PING, STEP_CHILD, STEP_BACKENDS, STEP_BYE };

struct cli {
	bool open; /* it wants no secret, or has it */
	char challenge[CHALLENGE];
	unsigned backends, healthy;
};
static_assert(sizeof(struct cli) <= VARNISH_KEPT, "probes/kind.h knows the size");

/* What proves that we know the secret: SHA-256 of challenge, file, challenge. */
static size_t
say_auth(const struct asked *a, char *buf, size_t cap)
{
	const struct cli *cli = a->kept;
	unsigned char hash[SHA256_DIGEST_LENGTH],
		bytes[2 * (CHALLENGE + 1) + SECRET_MOST];
	struct text t;
	size_t n = 0;
	const struct blob *secret = &a->files[FILE_SECRET];
	if (secret->size > SECRET_MOST)
		return 0;
	memcpy(bytes, cli->challenge, CHALLENGE);
	bytes[CHALLENGE] = '\n';
	n = CHALLENGE + 1;
	memcpy(bytes + n, secret->bytes, secret->size);
	n += secret->size;
	memcpy(bytes + n, bytes, CHALLENGE + 1);
	SHA256(bytes, n + CHALLENGE + 1, hash);
	explicit_bzero(bytes, sizeof bytes);
	text_begin(&t, buf, cap);
	text_add(&t, "auth ");
	for (size_t i = 0; i < sizeof hash; i++)
		text_add(&t, "%02x", hash[i]);
	text_add(&t, "\n");
	return t.full ? 0 : t.length;
}

size_t
varnish_ask(const struct asked *a, char *buf, size_t cap)
{
	static const char *const words[] = { [STEP_PING] = "ping\n",
					     [STEP_CHILD] = "status\n",
					     [STEP_BACKENDS] = "backend.list *.*\n",
					     [STEP_BYE] = "quit\n" };
	if (a->step == STEP_GREETING || a->step > STEP_BYE)
		return ASK_NOTHING;
	if (a->step == STEP_AUTH)
		return say_auth(a, buf, cap);
	return text_print(buf, cap, "%s", words[a->step]);
}

/* JUDGE_NEXT: an answer of `size` bytes of text has come whole. */
static enum judgement
take_answer(struct reply *r, unsigned *status, size_t *size, char why[MSG_TEXT])
{
	char head[HEAD + 1], *end;
	size_t n = r->size < HEAD ? r->size : HEAD;
	memcpy(head, r->bytes, n);
	head[n] = '\0';
	bool strange = strspn(head, "0123456789") < (n < 3 ? n : 3);
	if (!strange && n < HEAD)
		return JUDGE_MORE;
	*status = (unsigned)strtoul(head, &end, 10);
	long length = strange ? -1 : strtol(head + 4, NULL, 10);
	if (end != head + 3 || head[HEAD - 1] != '\n' || length < 0 ||
	    length > TEXT_MOST) {
		text_clean(head, sizeof head, r->bytes, n);
		text_print(why, MSG_TEXT, "not Varnish's CLI: got '%s'", head);
		return JUDGE_BAD;
	}
	*size = (size_t)length;
	r->used = HEAD + *size + 1;
	return r->size < r->used ? JUDGE_MORE : JUDGE_NEXT;
}

/* A line of a list of backends: name, admin, probe, health, since when. */
static void
count_backend(struct cli *cli, const char *line, size_t size)
{
	char words[4][32] = { "" };
	unsigned n = 0;
	for (size_t at = 0; at < size && n < 4; n++) {
		size_t length = 0;
		while (at < size && line[at] == ' ')
			at++;
		while (at + length < size && line[at + length] != ' ')
			length++;
		text_print(words[n], sizeof words[n], "%.*s",
			   (int)(length < 31 ? length : 31), line + at);
		at += length;
	}
	bool healthy = strcasecmp(words[3], "healthy") == 0 ||
		       strcasecmp(words[2], "healthy") == 0;
	bool sick =
		strcasecmp(words[3], "sick") == 0 || strcasecmp(words[2], "sick") == 0;
	if (!healthy && !sick)
		return; /* the title, a director */
	cli->backends++;
	cli->healthy += healthy;
}

static void
count_backends(struct cli *cli, const char *text, size_t size)
{
	const char *end = text + size;
	for (const char *line = text; line < end;) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		if (stop == NULL)
			stop = end;
		count_backend(cli, line, (size_t)(stop - line));
		line = stop + 1;
	}
}

static enum judgement
refused(const char *what, unsigned status, const char *text, size_t size,
	char why[MSG_TEXT])
{
	char shown[80];
	text_clean(shown, sizeof shown, text, size);
	text_print(why, MSG_TEXT, "%s: %u %s", what, status, shown);
	return JUDGE_BAD;
}

enum judgement
varnish_judge(const struct plan *p, struct reply *r, struct answer *a, char why[MSG_TEXT])
{
	struct cli *cli = r->kept;
	unsigned status = 0;
	size_t size = 0;
	const char *text = r->bytes + HEAD;
	enum judgement j = take_answer(r, &status, &size, why);
	if (j == JUDGE_MORE && r->step == STEP_BYE && r->ended)
		status = CLI_CLOSE;
	else if (j != JUDGE_NEXT)
		return j;
	switch (r->step) {
	case STEP_GREETING:
		if (status == CLI_AUTH && size >= CHALLENGE)
			memcpy(cli->challenge, text, CHALLENGE);
		else if (status != CLI_OK)
			return refused("it greets", status, text, size, why);
		cli->open = status == CLI_OK;
		if (cli->open || p->check->more->files == NULL ||
		    p->check->more->files[FILE_SECRET] == NULL)
			r->step = STEP_AUTH; /* there is nothing to prove, or nothing to
						prove it by */
		return JUDGE_NEXT;
	case STEP_AUTH:
		if (status != CLI_OK)
			return refused("it does not take the secret", status, text, size,
				       why);
		cli->open = true;
		return JUDGE_NEXT;
	case STEP_PING:
		if (status != CLI_OK || memmem(text, size, "PONG", 4) == NULL)
			return refused("a ping", status, text, size, why);
		return cli->open ? JUDGE_NEXT : JUDGE_GOOD;
	case STEP_CHILD:
		if (status != CLI_OK || memmem(text, size, "running", 7) == NULL)
			return refused("its child", status, text, size, why);
		return JUDGE_NEXT;
	case STEP_BACKENDS:
		if (status != CLI_OK)
			return refused("its list of backends", status, text, size, why);
		count_backends(cli, text, size);
		return JUDGE_NEXT;
	default:
		a->value[METRIC_SERVERS] = cli->backends;
		a->value[METRIC_SERVERS_UP] = cli->healthy;
		if (cli->backends > 0)
			a->value[METRIC_SERVERS_UP_PERCENT] =
				100.0 * cli->healthy / cli->backends;
		return JUDGE_GOOD;
	}
}
