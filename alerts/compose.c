#include "alerts/compose.h"

#include "alerts/body.h"
#include "alerts/part.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define LINE_MAX_OCTETS 76
#define BASE64_BYTES 57 /* a line of 76 (RFC 2045 6.8) */
#define HTML_MAX 262144
#define COMPOSE_BODY 196608
#define WORD_BYTES 45 /* "=?UTF-8?B?" + 60 + "?=" is 72, less than RFC 2047's 75 */

static const char *const phase_word[PHASES] = {
	[PHASE_OPEN] = "open",   [PHASE_REMIND] = "remind", [PHASE_CLOSE] = "close",
	[PHASE_EVENT] = "event", [PHASE_TEST] = "test",     [PHASE_AGAIN] = "again",
	[PHASE_ACK] = "ack",
};

/* RFC 4648 section 4, padded. */
static void
add_base64(struct text *t, const char *bytes, size_t size)
{
	static const char digit[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)bytes;
	for (size_t i = 0; i < size; i += 3) {
		unsigned n = (unsigned)p[i] << 16 |
			     (i + 1 < size ? (unsigned)p[i + 1] << 8 : 0) |
			     (i + 2 < size ? p[i + 2] : 0);
		text_add(t, "%c%c%c%c", digit[n >> 18], digit[n >> 12 & 63],
			 i + 1 < size ? digit[n >> 6 & 63] : '=',
			 i + 2 < size ? digit[n & 63] : '=');
	}
}

/* As encoded words on folded lines; a character is never split between two (RFC
 * 2047 5.3). */
static void
add_encoded(struct text *t, const char *value)
{
	for (const char *p = value; *p != '\0';) {
		size_t n = strnlen(p, WORD_BYTES);
		while (p[n] != '\0' && ((unsigned char)p[n] & 0xc0) == 0x80)
			n--;
		text_add(t, "%s=?UTF-8?B?", p == value ? "" : "\r\n ");
		add_base64(t, p, n);
		text_add(t, "?=");
		p += n;
	}
}

/* ASCII whose words all fit a line may stand as it is. */
static bool
plain(const char *value)
{
	size_t word = 0;
	for (const char *p = value; *p != '\0'; p++) {
		word = *p == ' ' ? 0 : word + 1;
		if ((unsigned char)*p >= 0x7f || word > LINE_MAX_OCTETS - 2)
			return false;
	}
	return strstr(value, "=?") == NULL;
}

/* "Name: value", folded before a word that would pass the line's end (RFC 5322 2.2.3). */
static void
add_header(struct text *t, const char *name, const char *value)
{
	char clean[1024];
	text_clean(clean, sizeof clean, value, strlen(value));
	size_t used = strlen(name) + 1;
	text_add(t, "%s:", name);
	if (!plain(clean)) {
		text_add(t, "\r\n "); /* an encoded word fills a line of its own */
		add_encoded(t, clean);
		text_add(t, "\r\n");
		return;
	}
	for (char *rest = clean, *word; (word = strsep(&rest, " ")) != NULL;) {
		size_t n = strlen(word);
		if (n == 0)
			continue;
		bool fold = used + 1 + n > LINE_MAX_OCTETS;
		text_add(t, "%s%s", fold ? "\r\n " : " ", word);
		used = fold ? 1 + n : used + 1 + n;
	}
	text_add(t, "\r\n");
}

bool
compose_address_ok(const char *address)
{
	const char *at = strchr(address, '@');
	if (at == NULL || at == address || at[1] == '\0' || strchr(at + 1, '@') != NULL ||
	    strlen(address) > 254)
		return false;
	for (const char *p = address; *p != '\0'; p++)
		if (*p <= ' ' || *p == 0x7f || (unsigned char)*p >= 0x80 ||
		    strchr("<>\"(),;:\\[]", *p) != NULL)
			return false;
	return true;
}

static char *
host_of(const struct letter *l, char *out, size_t cap)
{
	text_print(out, cap, "%s", l->host);
	for (char *p = out; *p != '\0'; p++) {
		bool digit = *p >= '0' && *p <= '9';
		bool letter = (*p | 0x20) >= 'a' && (*p | 0x20) <= 'z';
		if (!digit && !letter && *p != '.' && *p != '-')
			*p = '-';
	}
	if (*out == '\0' || *out == '.')
		text_print(out, cap, "localhost");
	return out;
}

char *
compose_sender(const struct letter *l, char *out, size_t cap)
{
	char host[256];
	const char *from = l->from != NULL ? l->from : "", *open = strrchr(from, '<');
	text_print(out, cap, "%s", open != NULL ? open + 1 : from);
	out[strcspn(out, ">")] = '\0';
	if (!compose_address_ok(out))
		text_print(out, cap, "monitord@%s", host_of(l, host, sizeof host));
	return out;
}

char *
compose_id(const struct letter *l, enum phase phase, char *out, size_t cap)
{
	char host[256], event[32] = "";
	if (l->item_count > 0 ||
	    (phase != PHASE_OPEN && phase != PHASE_EVENT && phase != PHASE_TEST))
		text_print(event, sizeof event, "%" PRIu64 ".", l->about.id);
	text_print(out, cap, "<%s.%s%" PRIu64 ".%" PRId64 ".%08" PRIx32 "@%.200s>",
		   l->item_count > 0 ? "digest" : phase_word[phase], event, l->number,
		   l->since_ms, (uint32_t)text_hash(l->contact),
		   host_of(l, host, sizeof host));
	return out;
}

static void
add_from(struct text *t, const struct letter *l)
{
	char address[COMPOSE_NAME], name[200];
	const char *from = l->from != NULL ? l->from : "", *open = strrchr(from, '<');
	compose_sender(l, address, sizeof address);
	size_t n = open != NULL ? (size_t)(open - from) : 0;
	n = text_clean(name, sizeof name, from, n);
	while (n > 0 && (name[n - 1] == ' ' || name[n - 1] == '"'))
		name[--n] = '\0';
	const char *start = name + strspn(name, " \"");
	if (*start == '\0') {
		text_add(t, "From: %s\r\n", address);
		return;
	}
	text_add(t, "From: ");
	add_encoded(t, start);
	text_add(t, "\r\n <%s>\r\n", address);
}

static void
add_to(struct text *t, const struct letter *l)
{
	size_t used = 3;
	text_add(t, "To:");
	size_t n = 0;
	for (size_t i = 0; i < l->to_count; i++) {
		size_t size = strlen(l->to[i]);
		if (!compose_address_ok(l->to[i]))
			continue;
		if (n++ > 0)
			text_add(t, ",");
		bool fold = used + size + 2 > LINE_MAX_OCTETS && used > 3;
		text_add(t, "%s%s", fold ? "\r\n " : " ", l->to[i]);
		used = fold ? size + 1 : used + size + 2;
	}
	text_add(t, n > 0 ? "\r\n" : " undisclosed-recipients:;\r\n");
}

/* RFC 5322 3.3, in UTC. */
static void
add_date(struct text *t, int64_t real_ms)
{
	time_t s = (time_t)(real_ms / 1000);
	struct tm tm;
	char date[64];
	gmtime_r(&s, &tm);
	strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &tm);
	text_add(t, "Date: %s\r\n", date);
}

static void
add_thread(struct text *t, const struct letter *l)
{
	char id[COMPOSE_NAME];
	text_add(t, "Message-ID: %s\r\n", compose_id(l, l->phase, id, sizeof id));
	if (l->phase == PHASE_OPEN || l->phase == PHASE_EVENT || l->phase == PHASE_TEST ||
	    l->item_count > 0)
		return;
	compose_id(l, PHASE_OPEN, id, sizeof id);
	text_add(t, "In-Reply-To: %s\r\nReferences: %s\r\n", id, id);
}

/* ---- the body's encoding ---- */

/* One octet of a quoted-printable line (RFC 2045 6.7); *used is what stands in the line.
 */
static void
add_quoted(struct text *t, unsigned char c, bool last, size_t *used)
{
	bool raw = (c > ' ' && c < 0x7f && c != '=') || (c == ' ' && !last);
	if (*used + (raw ? 1 : 3) > LINE_MAX_OCTETS - 1) {
		text_add(t, "=\r\n");
		*used = 0;
	}
	text_add(t, raw ? "%c" : "=%02X", c);
	*used += raw ? 1 : 3;
}

static bool
ascii(const char *body)
{
	size_t line = 0;
	for (const char *p = body; *p != '\0'; p++) {
		line = *p == '\n' ? 0 : line + 1;
		if ((unsigned char)*p >= 0x80 ||
		    line > 900) /* RFC 5322 2.1.1: 998 at most */
			return false;
	}
	return true;
}

static void
add_body(struct text *t, const char *body)
{
	bool seven = ascii(body);
	size_t used = 0;
	text_add(t, "Content-Transfer-Encoding: %s\r\n\r\n",
		 seven ? "7bit" : "quoted-printable");
	for (const char *p = body; *p != '\0' && t->length + 8 < t->cap; p++) {
		if (*p == '\n') {
			text_add(t, "\r\n");
			used = 0;
		} else if (seven) {
			text_add(t, "%c", *p);
		} else {
			add_quoted(t, (unsigned char)*p, p[1] == '\n' || p[1] == '\0',
				   &used);
		}
	}
}

/* ---- parts (RFC 2046) ---- */

static void
add_png(struct text *t, const char *cid, const char *name, const char *bytes, size_t size)
{
	text_add(t,
		 "Content-Type: image/png\r\nContent-ID: <%s>\r\n"
		 "Content-Disposition: inline; filename=\"%s\"\r\n"
		 "Content-Transfer-Encoding: base64\r\n\r\n",
		 cid, name);
	for (size_t i = 0; i < size; i += BASE64_BYTES) {
		add_base64(t, bytes + i,
			   size - i < BASE64_BYTES ? size - i : BASE64_BYTES);
		text_add(t, "\r\n");
	}
}

/* A name that stands in no other mail, and in none of the parts: of 32 hex digits. */
static void
boundary_of(const struct letter *l, const char *what, char *out, size_t cap)
{
	char id[COMPOSE_NAME];
	uint64_t hash = text_hash(compose_id(l, l->phase, id, sizeof id));
	text_print(out, cap, "=_%s_%016" PRIx64 "%08" PRIx32, what, hash,
		   (uint32_t)(l->about.id ^ hash >> 32));
}

static void
add_related(struct text *t, const struct letter *l)
{
	static char html[HTML_MAX];
	char related[COMPOSE_NAME], host[256], chain[COMPOSE_NAME], trace[COMPOSE_NAME];
	boundary_of(l, "r", related, sizeof related);
	text_print(chain, sizeof chain, "chain.%s@%.200s", related + 2,
		   host_of(l, host, sizeof host));
	text_print(trace, sizeof trace, "trace.%s@%.200s", related + 2, host);
	html_write(l, chain, trace, html, sizeof html);
	bool pictures = l->chain_png != NULL || l->trace_png != NULL;
	if (pictures)
		text_add(t,
			 "Content-Type: multipart/related; type=\"text/html\";\r\n"
			 " boundary=\"%s\"\r\n\r\n--%s\r\n",
			 related, related);
	text_add(t, "Content-Type: text/html; charset=utf-8\r\n");
	add_body(t, html);
	if (l->trace_png != NULL) {
		text_add(t, "\r\n--%s\r\n", related);
		add_png(t, trace, "measured.png", l->trace_png, l->trace_size);
	}
	if (l->chain_png != NULL) {
		text_add(t, "\r\n--%s\r\n", related);
		add_png(t, chain, "chain.png", l->chain_png, l->chain_size);
	}
	if (pictures)
		text_add(t, "\r\n--%s--\r\n", related);
}

/* Text for those who want it, HTML for the others. */
static void
add_content(struct text *t, const struct letter *l)
{
	static char body[COMPOSE_BODY];
	char alternative[COMPOSE_NAME];
	if (l->sms) {
		text_add(t, "Content-Type: text/plain; charset=utf-8\r\n");
		part_sms(l, body, sizeof body);
		add_body(t, body);
		text_add(t, "\r\n");
		return;
	}
	body_write(l, body, sizeof body);
	if (l->body != NULL) { /* the contact's own words, and nothing beside */
		text_add(t, "Content-Type: text/plain; charset=utf-8\r\n");
		add_body(t, body);
		return;
	}
	boundary_of(l, "a", alternative, sizeof alternative);
	text_add(t,
		 "Content-Type: multipart/alternative;\r\n boundary=\"%s\"\r\n\r\n"
		 "--%s\r\nContent-Type: text/plain; charset=utf-8\r\n",
		 alternative, alternative);
	add_body(t, body);
	text_add(t, "\r\n--%s\r\n", alternative);
	add_related(t, l);
	text_add(t, "\r\n--%s--\r\n", alternative);
}

static void
add_ours(struct text *t, const struct letter *l)
{
	char host[256], list[COMPOSE_NAME];
	text_add(t,
		 "Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n");
	text_print(list, sizeof list, "monitord contact %s <%s.monitord.%.150s>",
		   l->contact, l->contact, host_of(l, host, sizeof host));
	add_header(t, "List-Id", list);
	if (l->phase != PHASE_EVENT && l->phase != PHASE_TEST && l->item_count == 0)
		text_add(t, "X-Monitord-Incident: %" PRIu64 "\r\n", l->number);
	text_add(t, "X-Monitord-State: %s\r\nX-Monitord-Severity: %s\r\n",
		 l->item_count > 0 ? "digest" : letter_state[l->phase],
		 severity_name[l->severity]);
	if (l->about.id != 0)
		text_add(t, "X-Monitord-Event: %" PRIu64 "\r\n", l->about.id);
	if (l->about.object[0] != '\0')
		add_header(t, "X-Monitord-Object", l->about.object);
	if (l->severity == SEVERITY_CRITICAL && l->phase != PHASE_CLOSE &&
	    l->phase != PHASE_TEST)
		text_add(t, "Importance: high\r\n");
}

size_t
compose_mail(const struct letter *l, char *out, size_t cap)
{
	char subject[640];
	struct text t;
	text_begin(&t, out, cap);
	add_date(&t, l->about.real_ms);
	add_from(&t, l);
	add_to(&t, l);
	add_header(&t, "Subject", compose_subject(l, subject, sizeof subject));
	add_thread(&t, l);
	add_ours(&t, l);
	text_add(&t, "MIME-Version: 1.0\r\n");
	add_content(&t, l);
	return t.length;
}
