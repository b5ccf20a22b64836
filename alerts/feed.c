#include "alerts/feed.h"

#include "base/text.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MOST 65536 /* bytes of one event: more is no monitord */
#define AGAIN_LEAST_S 1
#define AGAIN_MOST_S 30
#define POST_SECONDS 10L

static uint64_t
number_of(const json_t *o, const char *key)
{
	const json_t *n = json_object_get(o, key);
	return json_is_integer(n) && json_integer_value(n) > 0
		       ? (uint64_t)json_integer_value(n)
		       : 0;
}

static void
text_to(const json_t *o, const char *key, char *out, size_t cap)
{
	const char *text = json_string_value(json_object_get(o, key));
	text_print(out, cap, "%s", text != NULL ? text : "");
}

static void
take(struct feed *f, const char *text, size_t size)
{
	struct journal_line l;
	json_t *o = json_loadb(text, size, 0, NULL);
	memset(&l, 0, sizeof l);
	l.id = number_of(o, "id");
	l.incident = number_of(o, "incident");
	text_to(o, "kind", l.kind, sizeof l.kind);
	text_to(o, "object", l.object, sizeof l.object);
	text_to(o, "object_kind", l.object_kind, sizeof l.object_kind);
	text_to(o, "to", l.to, sizeof l.to);
	text_to(o, "text", l.text, sizeof l.text);
	json_decref(o);
	if (l.id == 0)
		return;
	f->last_id = l.id;
	if (l.id <= f->known) {
		f->found = f->found || l.id == f->known;
		return;
	}
	f->line(f->arg, &l);
}

static size_t
on_bytes(char *bytes, size_t size, size_t count, void *arg)
{
	struct feed *f = arg;
	size_t n = size * count;
	char *all = realloc(f->rest, f->rest_size + n + 1);
	if (all == NULL)
		return 0;
	f->rest = all;
	memcpy(all + f->rest_size, bytes, n);
	size_t end = f->rest_size + n, at = 0;
	for (char *eol; (eol = memchr(all + at, '\n', end - at)) != NULL;
	     at = (size_t)(eol - all) + 1)
		take(f, all + at, (size_t)(eol - all) - at);
	f->rest_size = end - at;
	memmove(all, all + at, f->rest_size);
	return f->rest_size <= LINE_MOST ? n : 0;
}

static CURL *
request(const char *socket, const char *path)
{
	char url[256];
	CURL *curl = curl_easy_init();
	text_print(url, sizeof url, "http://monitord%s", path);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	return curl;
}

/* True: it was a stream of events. */
static bool
read_events(struct feed *f, bool follow)
{
	char path[128];
	long status = 0;
	text_print(path, sizeof path, "/v1/events?since=%llu%s",
		   (unsigned long long)f->last_id, follow ? "&follow=1" : "");
	CURL *curl = request(f->socket, path);
	f->rest_size = 0;
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, f);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	return status == 200 && (code == CURLE_OK || follow);
}

/* After a reboot ids begin anew: those that we know mean other events. */
static bool
catch_up(struct feed *f)
{
	f->known = f->last_id;
	f->found = false;
	f->last_id = f->known > 0 ? f->known - 1 : 0;
	if (!read_events(f, false))
		return false;
	if (f->known == 0 || f->found)
		return true;
	f->known = f->last_id = 0;
	return read_events(f, false);
}

void
feed_run(struct feed *f)
{
	bool told = false;
	for (unsigned wait = AGAIN_LEAST_S;;
	     wait = wait < AGAIN_MOST_S ? 2 * wait : AGAIN_MOST_S) {
		bool there = catch_up(f);
		if (there && !told)
			f->caught_up(f->arg);
		told = told || there;
		if (there && read_events(f, true))
			wait = AGAIN_LEAST_S;
		sleep(wait);
	}
}

static size_t
ignore(char *bytes, size_t size, size_t count, void *arg)
{
	(void)bytes;
	(void)arg;
	return size * count;
}

long
feed_post(const char *socket, const char *path, const char *body)
{
	long status = 0;
	CURL *curl = request(socket, path);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, POST_SECONDS);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	return status;
}
