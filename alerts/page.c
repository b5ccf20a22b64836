/* The child that posts to webhooks. */
#include "alerts/delivery.h"

#include "base/text.h"

#include <curl/curl.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_BYTES 100

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
set_options(CURL *curl, const struct job *job, struct curl_slist *headers,
	    struct said *said)
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
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, job->content);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, said);
}

void
page_deliver(const struct job *job, int fd)
{
	alarm(PAGE_SECONDS * (job->to_count + 1));
	curl_global_init(CURL_GLOBAL_DEFAULT);
	struct curl_slist *headers =
		curl_slist_append(NULL, "Content-Type: application/json");
	for (uint32_t i = 0; i < job->to_count; i++) {
		char text[ANSWER_BYTES + 64];
		struct said said = { .size = 0 };
		long status = 0;
		CURL *curl = curl_easy_init();
		if (curl == NULL)
			return;
		set_options(curl, job, headers, &said);
		curl_easy_setopt(curl, CURLOPT_URL, job->to[i]);
		CURLcode code = curl_easy_perform(curl);
		said.bytes[strcspn(said.bytes, "\r\n")] = '\0';
		if (code == CURLE_OK)
			curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
		text_print(text, sizeof text, "%s",
			   code == CURLE_OK ? said.bytes : curl_easy_strerror(code));
		answer_put(fd, (int)i, (int)status, text);
		curl_easy_cleanup(curl);
	}
}
