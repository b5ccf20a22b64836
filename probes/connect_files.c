/* How an exchange begins: the files of its check, opened by monitord and read anew once a
 * minute; those of TLS become what it needs. */
#include "probes/exchange.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES_MS 60000 /* then they are read anew: certificates are renewed under us */
#define FILE_MOST 1048576

void
files_free(struct check_files **fp)
{
	for (unsigned f = 0; *fp != NULL && f < CHECK_FILES; f++)
		free((*fp)->of[f].bytes);
	free(*fp);
	*fp = NULL;
}

/* 0, or an errno. fd is taken. */
static int
take_content(int fd, struct blob *b, bool *changed)
{
	char *bytes = NULL;
	size_t size = 0, cap = 0;
	ssize_t n = 0;
	int error = 0;
	do {
		size += (size_t)n;
		if (size + 1 >= cap) {
			cap = cap == 0 ? 4096 : cap * 2;
			char *more = cap <= FILE_MOST ? realloc(bytes, cap) : NULL;
			error = more == NULL ? EFBIG : 0;
			bytes = more != NULL ? more : bytes;
		}
	} while (error == 0 && (n = read(fd, bytes + size, cap - size - 1)) > 0);
	if (error == 0 && n < 0)
		error = errno;
	close(fd);
	if (error != 0) {
		free(bytes);
		return error;
	}
	bytes[size] = '\0';
	*changed =
		b->bytes == NULL || b->size != size || memcmp(b->bytes, bytes, size) != 0;
	free(b->bytes);
	*b = (struct blob){ bytes, size };
	return 0;
}

/* All files are there: those of TLS become what it needs. */
static void
prepare_tls(struct exchange *x)
{
	static const struct blob none[CHECK_FILES];
	struct run *r = x->run;
	char why[MSG_TEXT];
	if (r->files != NULL && r->files->changed)
		tls_peer_free(&r->tls);
	if (r->plan.check->more->tls == NULL ||
	    r->plan.check->more->tls->encrypt == ENCRYPT_NO) {
		exchange_resolve(x);
		return;
	}
	if (r->tls == NULL)
		r->tls = tls_peer_new(r->plan.check,
				      r->files != NULL ? r->files->of : none, why);
	if (r->tls == NULL) {
		exchange_fail(x, OUTCOME_UNKNOWN, "%s", why);
		return;
	}
	if (r->files != NULL)
		r->files->changed = false;
	exchange_resolve(x);
}

void
exchange_file_opened(struct exchange *x, const struct msg_opened *o, int fd)
{
	static const char *const names[CHECK_FILES] = { [FILE_SECRET] =
								"the secret's file",
							[FILE_CA] = "tls-ca",
							[FILE_CERT] = "tls-cert",
							[FILE_KEY] = "tls-key",
							[FILE_BODY] = "body-file" };
	unsigned f = o->what - OPEN_CHECK_SECRET;
	struct run *r = x->run;
	int error = o->error != 0 ? o->error : fd == -1 ? EIO : 0;
	if (f >= CHECK_FILES || r->files == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	bool changed = false;
	if (error == 0)
		error = take_content(fd, &r->files->of[f], &changed);
	r->files->changed = r->files->changed || changed;
	if (error != 0) {
		const struct query_wish *q = r->plan.check->more->query;
		bool key = f == FILE_CA && q != NULL && q->server_key;
		exchange_fail(x, OUTCOME_UNKNOWN, "%s: %s", key ? "server-key" : names[f],
			      text_file_error(error));
		return;
	}
	if (x->awaited > 1) {
		x->awaited--;
		return;
	}
	exchange_forget(x);
	r->files->read_ms = clock_ms();
	prepare_tls(x);
}

void
exchange_open(struct exchange *x)
{
	struct run *r = x->run;
	const struct check *c = r->plan.check;
	unsigned count = 0;
	if (r->files == NULL ||
	    (r->files->read_ms != 0 && clock_ms() - r->files->read_ms < FILES_MS)) {
		prepare_tls(x);
		return;
	}
	for (unsigned f = 0; f < CHECK_FILES; f++)
		count += c->more->files[f] != NULL;
	exchange_await(x, PHASE_FILES, count);
	uint64_t token = x->token;
	for (unsigned f = 0; f < CHECK_FILES; f++) {
		if (c->more->files[f] == NULL)
			continue;
		if (!exchange_ask_to_open(x, (enum open_what)(OPEN_CHECK_SECRET + f)))
			return;
		/* answered at once, and ended */
		if (r->exchange != x || x->token != token)
			return;
	}
}
