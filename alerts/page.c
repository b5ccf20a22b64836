/* The child that posts pages. */
#include "alerts/delivery.h"

#include "base/text.h"

#include <curl/curl.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_BYTES 100
#define WAIT_MOST_S 3600 /* a server that wants more is asked again before */

struct said {
	char bytes[ANSWER_BYTES + 1];
	size_t size;
};

/* The answer's first bytes tell an operator why it was refused; the rest is read past. */
static size_t
on_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct said *said = arg;
	size_t n = size * count, room = ANSWER_BYTES - said->size;
	memcpy(said->bytes + said->size, bytes, n < room ? n : room);
	said->size += n < room ? n : room;
	return n;
}

static void
set_options(CURL *curl, struct curl_slist *headers, struct said *said)
{
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, PAGE_SECONDS * 1000L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, PAGE_SECONDS * 500L);
	curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, 1048576L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "monitord");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, said);
}

static struct curl_slist *
headers_of(const struct request *r)
{
	char line[1200];
	struct curl_slist *list = NULL;
	text_print(line, sizeof line, "Content-Type: %s",
		   r->type != NULL ? r->type : "application/json");
	list = r->content != NULL ? curl_slist_append(list, line) : NULL;
	for (const char *p = r->headers; p != NULL && *p != '\0';) {
		size_t n = strcspn(p, "\n");
		text_print(line, sizeof line, "%.*s", (int)n, p);
		list = curl_slist_append(list, line);
		p += n + (p[n] == '\n');
	}
	return list;
}

/* One POST. Returns the status, 0: no answer; text and *wait_s get what was said. */
static long
post(const char *url, const struct request *r, const char *content, char *text, size_t cap, int *wait_s)
{
	struct said said = { .size = 0 };
	long status = 0;
	curl_off_t wait = 0;
	CURL *curl = curl_easy_init();
	if (curl == NULL)
		return 0;
	struct curl_slist *headers = headers_of(r);
	set_options(curl, headers, &said);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	if (content != NULL) /* else it is asked for */
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, content);
	CURLcode code = curl_easy_perform(curl);
	said.bytes[strcspn(said.bytes, "\r\n")] = '\0';
	if (code == CURLE_OK) {
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &wait);
	}
	*wait_s = wait < 0 ? 0 : wait > WAIT_MOST_S ? WAIT_MOST_S : (int)wait;
	text_print(text, cap, "%s",
		   code == CURLE_OK ? said.bytes : curl_easy_strerror(code));
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	return status;
}

void
page_deliver(const struct job *job, int fd)
{
	alarm(PAGE_SECONDS * (2 * job->to_count + 1));
	curl_global_init(CURL_GLOBAL_DEFAULT);
	for (uint32_t i = 0; i < job->to_count; i++) {
		char text[ANSWER_BYTES + 64] = "";
		const struct request *r = &job->requests[i];
		int wait = 0;
		const char *url;
		contact_page(job->to[i], &url);
		url = r->url != NULL ? r->url : url;
		/* nothing to say there */
		if (r->content != NULL && *r->content == '\0') {
			answer_put(fd, (int)i, 204, 0, "");
			continue;
		}
		long status = post(url, r, r->content, text, sizeof text, &wait);
		if (status / 100 == 2 && r->then != NULL)
			status = post(url, r, r->then, text, sizeof text, &wait);
		answer_put(fd, (int)i, (int)status, wait, text);
	}
}
