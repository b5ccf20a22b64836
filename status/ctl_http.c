/* HTTP over the status socket, by libcurl. */
#include "status/ctl.h"

#include "base/text.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_S 20L /* for what does not wait for an outcome */

static size_t
on_bytes(char *bytes, size_t one, size_t count, void *arg)
{
	struct answer *a = arg;
	size_t size = one * count;
	char *more = realloc(a->bytes, a->size + size + 1);
	if (more == NULL)
		return 0;
	memcpy(more + a->size, bytes, size);
	a->bytes = more;
	a->size += size;
	a->bytes[a->size] = '\0';
	return size;
}

static CURL *
prepare(const struct ctl *ctl, const char *path)
{
	char url[1024];
	CURL *c = curl_easy_init();
	if (c == NULL)
		return NULL;
	text_print(url, sizeof url, "http://localhost%s", path);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, ctl->socket);
	curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	return c;
}

static void
complain(const struct ctl *ctl, CURL *c, CURLcode code)
{
	long error = 0;
	if (ctl->quiet)
		return;
	curl_easy_getinfo(c, CURLINFO_OS_ERRNO, &error);
	if (code == CURLE_COULDNT_CONNECT)
		fprintf(stderr, "monitorctl: no daemon answers at %s: %s\n", ctl->socket,
			error != 0 ? strerror((int)error) : curl_easy_strerror(code));
	else
		fprintf(stderr, "monitorctl: %s: no whole answer: %s\n", ctl->socket,
			curl_easy_strerror(code));
}

bool
http_ask(const struct ctl *ctl, const char *path, const char *body, struct answer *a)
{
	CURL *c = prepare(ctl, path);
	*a = (struct answer){ .bytes = calloc(1, 1) };
	if (c == NULL || a->bytes == NULL) {
		fputs("monitorctl: out of memory\n", stderr);
		curl_easy_cleanup(c);
		return false;
	}
	struct curl_slist *headers =
		curl_slist_append(NULL, "Content-Type: application/json");
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, a);
	if (body != NULL) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	} else {
		curl_easy_setopt(c, CURLOPT_TIMEOUT, ANSWER_S);
	}
	CURLcode code = curl_easy_perform(c);
	if (code != CURLE_OK && code != CURLE_COULDNT_CONNECT && body == NULL) {
		a->size = 0; /* the helper that answers was replaced: to read again harms
				nobody */
		code = curl_easy_perform(c);
	}
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &a->code);
	if (code != CURLE_OK)
		complain(ctl, c, code);
	curl_slist_free_all(headers);
	curl_easy_cleanup(c);
	if (code != CURLE_OK)
		answer_free(a);
	return code == CURLE_OK;
}

void
answer_free(struct answer *a)
{
	free(a->bytes);
	*a = (struct answer){ 0 };
}

/* ---- lines ---- */

struct lines {
	CURL *curl;
	bool (*fn)(void *arg, const char *line, size_t size);
	void *arg;
	struct answer rest; /* a line that is not whole yet, or an error's body */
	bool stopped;
};

static bool
take_lines(struct lines *l)
{
	char *at = l->rest.bytes, *end;
	while (!l->stopped &&
	       (end = memchr(at, '\n', l->rest.size - (size_t)(at - l->rest.bytes)))) {
		*end = '\0';
		l->stopped = !l->fn(l->arg, at, (size_t)(end - at));
		at = end + 1;
	}
	l->rest.size -= (size_t)(at - l->rest.bytes);
	memmove(l->rest.bytes, at, l->rest.size + 1);
	return !l->stopped;
}

static size_t
on_line_bytes(char *bytes, size_t one, size_t count, void *arg)
{
	struct lines *l = arg;
	long code = 0;
	if (on_bytes(bytes, one, count, &l->rest) != one * count)
		return 0;
	curl_easy_getinfo(l->curl, CURLINFO_RESPONSE_CODE, &code);
	return code != 200 || take_lines(l) ? one * count : 0;
}

long
http_lines(const struct ctl *ctl, const char *path,
	   bool (*fn)(void *arg, const char *line, size_t size), void *arg)
{
	struct lines l = { .curl = prepare(ctl, path), .fn = fn, .arg = arg };
	long code = -1;
	if (l.curl == NULL)
		return -1;
	curl_easy_setopt(l.curl, CURLOPT_WRITEFUNCTION, on_line_bytes);
	curl_easy_setopt(l.curl, CURLOPT_WRITEDATA, &l);
	CURLcode done = curl_easy_perform(l.curl);
	curl_easy_getinfo(l.curl, CURLINFO_RESPONSE_CODE, &code);
	if (done != CURLE_OK && !l.stopped) {
		complain(ctl, l.curl, done);
		code = -1;
	} else if (code != 200) {
		l.rest.code = code;
		answer_exit(&l.rest, "events");
	}
	answer_free(&l.rest);
	curl_easy_cleanup(l.curl);
	return code;
}

/* ---- answers ---- */

enum ctl_exit
answer_exit(const struct answer *a, const char *what)
{
	if (a->code < 400)
		return CTL_DONE;
	json_t *root = json_loadb(a->bytes, a->size, 0, NULL);
	const char *error = text_of(root, "error"), *nearest = text_of(root, "nearest");
	fprintf(stderr, "monitorctl: %s: ", what);
	if (*error != '\0')
		fputs(error, stderr);
	else
		fprintf(stderr, "the daemon answers %ld", a->code);
	if (*nearest != '\0')
		fprintf(stderr, " (did you mean %s?)", nearest);
	fputc('\n', stderr);
	json_decref(root);
	return a->code == 404   ? CTL_NO_SUCH_NAME
	       : a->code == 403 ? CTL_NOT_ALLOWED
	       : a->code == 400 ? CTL_WRONG_USE
				: CTL_NOT_REACHED;
}

json_t *
http_json(const struct ctl *ctl, const char *path, enum ctl_exit *code)
{
	struct answer a;
	*code = CTL_NO_DAEMON;
	if (!http_ask(ctl, path, NULL, &a))
		return NULL;
	*code = answer_exit(&a, ctl->word != NULL ? ctl->word : path);
	json_t *root = *code == CTL_DONE ? json_loadb(a.bytes, a.size, 0, NULL) : NULL;
	if (*code == CTL_DONE && root == NULL) {
		fprintf(stderr, "monitorctl: %s: the answer is no JSON\n", ctl->socket);
		*code = CTL_NO_DAEMON;
	}
	answer_free(&a);
	return root;
}
