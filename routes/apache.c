/* Apache by its balancer-manager: a form for people, posted with the nonce of its page
 * and a Referer, answered with 200 whatever came of it: so the page is read again. The
 * nonce is known before it is needed, from the last look. Drained is who is busy with no
 * request. */
#include "routes/drivers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIFE_BASIS                                                                       \
	14695981039346656037u /* of FNV-1a, over the nonce: new with each start */
#define LIFE_PRIME 1099511628211u

enum { STEP_PAGE, STEP_POST };

/* "…?b=NAME&amp;w=URL&amp;nonce=NONCE\">": this URL is meant by that name. */
static bool
is_member(const char *url, size_t size, const char *name)
{
	const char *end = memchr(url, ':', size);
	size_t n = strlen(name);
	if (n == size && memcmp(url, name, n) == 0)
		return true;
	/* HOST:PORT alone will do, where no two members differ by the protocol only */
	return end != NULL && strncmp(end, "://", 3) == 0 &&
	       n == size - (size_t)(end + 3 - url) && memcmp(end + 3, name, n) == 0;
}

#define CELL_STATUS 5 /* Route, RouteRedir, Factor, Set, Status, Elected, Busy */
#define CELL_BUSY 7
#define ROW_BYTES 4096  /* of a row, and */
#define LINK_BYTES 1024 /* of a link, that are looked at: one without an end costs no more */

/* The k-th cell behind p of the same row, up to its end. */
static const char *
cell(const char *p, unsigned k, size_t *size)
{
	const char *row = memmem(p, strnlen(p, ROW_BYTES), "</tr>", 5);
	for (; p != NULL && k > 0; k--) {
		p = row != NULL ? memmem(p, (size_t)(row - p), "<td>", 4) : NULL;
		p = p != NULL ? p + 4 : NULL;
	}
	const char *end = p != NULL ? strchr(p, '<') : NULL;
	*size = end != NULL ? (size_t)(end - p) : 0;
	return end != NULL ? p : NULL;
}

static bool
has_word(const char *text, size_t size, const char *word)
{
	size_t n = strlen(word);
	for (size_t i = 0; i + n <= size; i++)
		if (memcmp(text + i, word, n) == 0 && (i == 0 || text[i - 1] == ' ') &&
		    (i + n == size || text[i + n] == ' '))
			return true;
	return false;
}

static void
read_member(const char *p, uint64_t bit, struct apache_page *out)
{
	static const char *const outs[] = { "Dis",  "Drn",     "Stby",
					    "Stop", "Stopped", "Rout" };
	size_t status_size, busy_size;
	const char *status = cell(p, CELL_STATUS, &status_size),
		   *busy = cell(p, CELL_BUSY, &busy_size);
	bool in = status != NULL;
	for (size_t i = 0; in && i < sizeof outs / sizeof *outs; i++)
		in = !has_word(status, status_size, outs[i]);
	out->known |= status != NULL ? bit : 0;
	out->active |= in ? bit : 0;
	out->busy |= busy != NULL && strtoul(busy, NULL, 10) > 0 ? bit : 0;
}

bool
apache_read(const struct route *r, const char *page, struct apache_page *out)
{
	bool found = false;
	size_t n = strlen(r->front);
	*out = (struct apache_page){ 0 };
	while ((page = strstr(page, "?b=")) != NULL) {
		page += 3;
		const char *url = page + n + 7;
		if (strncmp(page, r->front, n) != 0 || strncmp(page + n, "&amp;", 5) != 0)
			continue;
		const char *end = memchr(page, '"', strnlen(page, LINK_BYTES));
		if (end == NULL)
			continue;
		const char *nonce = memmem(page, (size_t)(end - page), "nonce=", 6);
		if (nonce != NULL) {
			found = true;
			snprintf(out->nonce, sizeof out->nonce, "%.*s",
				 (int)strspn(nonce + 6, "0123456789abcdefABCDEF-"),
				 nonce + 6);
		}
		const char *amp = strncmp(page + n + 5, "w=", 2) == 0 && url < end
					  ? memmem(url, (size_t)(end - url), "&amp;", 5)
					  : NULL;
		for (uint32_t i = 0; amp != NULL && i < r->backend_count; i++)
			if (is_member(url, (size_t)(amp - url), r->backends[i].name)) {
				snprintf(out->urls[i], sizeof out->urls[i], "%.*s",
					 (int)(amp - url), url);
				read_member(end, UINT64_C(1) << i, out);
			}
	}
	return found;
}

/* ---- the exchange: one connection each, as HTTP/1.0 ends an answer with its stream ----
 */

static void
say_head(struct front *f, const char *method)
{
	const struct route *r = f->route;
	bool six = strchr(r->host, ':') != NULL;
	const char *open = six ? "[" : "", *shut = six ? "]" : "";
	front_say(f,
		  "%s %s HTTP/1.0\r\nHost: %s%s%s:%u\r\nReferer: http://%s%s%s:%u%s\r\n",
		  method, r->target, open, r->host, shut, r->port, open, r->host, shut,
		  r->port, r->target);
}

static void
look(struct front *f)
{
	f->step = STEP_PAGE;
	say_head(f, "GET");
	front_say(f, "\r\n");
	front_connect(f, f->route->host, f->route->port);
}

/* Those that come in first. */
static uint32_t
turn(const struct front *f, uint32_t at)
{
	const struct route *r = f->route;
	uint32_t k = 0;
	for (int in = 1; in >= 0; in--)
		for (uint32_t i = 0; i < r->backend_count; i++)
			if ((int)(f->order.active >> i & 1) == in && k++ == at)
				return i;
	return RULES_NONE;
}

/* The member as the page names it: what the name stands for is known from there. */
static void
post(struct front *f)
{
	char body[1024], url[800];
	size_t n = 0;
	uint32_t i = turn(f, f->of.apache.at);
	if (i == RULES_NONE) {
		look(f);
		return;
	}
	f->step = STEP_POST;
	bool in = (f->order.active >> i & 1) != 0;
	for (const char *p = f->of.apache.page.urls[i]; *p != '\0' && n + 4 < sizeof url;
	     p++)
		n += (size_t)snprintf(url + n, 4,
				      strchr(":/[]", *p) != NULL ? "%%%02X" : "%c",
				      (unsigned char)*p);
	url[n] = '\0';
	int size = snprintf(body, sizeof body, "b=%s&w=%s&nonce=%s&%s", f->route->front,
			    url, f->of.apache.page.nonce,
			    in ? "w_status_D=0&w_status_N=0&w_status_H=0&w_status_S=0"
			       : "w_status_D=1");
	say_head(f, "POST");
	front_say(f,
		  "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
		  "%d\r\n\r\n%s",
		  size, body);
	front_connect(f, f->route->host, f->route->port);
}

static void
begin_apache(struct front *f)
{
	f->of.apache.at = 0;
	f->of.apache.posted = false;
	if (front_applies(f) && f->of.apache.page.nonce[0] != '\0')
		post(f);
	else
		look(f);
}

static uint64_t
life_of(const char *nonce)
{
	uint64_t life = LIFE_BASIS;
	for (; *nonce != '\0'; nonce++)
		life = (life ^ (unsigned char)*nonce) * LIFE_PRIME;
	return life;
}

static bool
is_good(const char *page)
{
	return strncmp(page, "HTTP/1.", 7) == 0 && strncmp(page + 8, " 200", 4) == 0;
}

static void
judge(struct front *f)
{
	const struct route *r = f->route;
	struct apache_page p;
	if (!is_good(f->in) || !apache_read(r, f->in, &p)) {
		front_failed(f, "no balancer %s at http://%s:%u%s", r->front, r->host,
			     r->port, r->target);
		return;
	}
	for (uint32_t i = 0; i < r->backend_count; i++)
		if ((p.known >> i & 1) == 0) {
			front_failed(f, "balancer %s has no member %s", r->front,
				     r->backends[i].name);
			return;
		}
	bool fresh = strcmp(p.nonce, f->of.apache.page.nonce) != 0;
	f->of.apache.page = p;
	if (front_applies(f) && (!f->of.apache.posted || fresh)) {
		f->of.apache.posted =
			true; /* with a nonce of another life nothing was done */
		f->of.apache.at = 0;
		post(f);
		return;
	}
	struct front_view v = { .active = p.active,
				.busy = p.busy,
				.counts = true,
				.life = life_of(p.nonce) };
	v.told = p.active;
	v.lost = f->order.number != 0 && p.active != f->order.active;
	front_done(f, &v);
}

static void
input(struct front *f, bool ended)
{
	if (!ended)
		return;
	f->in[f->in_size] = '\0';
	front_close(f);
	f->out_size = f->out_sent = 0;
	if (f->step == STEP_POST && is_good(f->in)) {
		f->in_size = 0;
		f->of.apache.posted = true;
		f->of.apache.at++;
		post(f);
	} else if (f->step == STEP_POST) {
		front_failed(f, "balancer-manager: %.40s", f->in);
	} else {
		f->in_size = 0;
		judge(f);
	}
}

static void
opened(struct front *f, int fd, enum open_what what)
{
	(void)f;
	(void)fd;
	(void)what; /* it asks for nothing */
}

const struct driver_calls apache_calls = { .begin = begin_apache,
					   .opened = opened,
					   .input = input };
