/* Contacts: how people are reached, and when they are told again. */
#include "rules/build.h"

#include "base/text.h"
#include "rules/keys.h"
#include "rules/template.h"
#include "rules/units.h"

#include <string.h>

#define error(b, ...) build_error((b), (b)->entry->place, __VA_ARGS__)
#define MS_YEAR (INT64_C(365) * 86400000)
#define RATE_MOST 1000
#define RATE_MOST_MS (INT64_C(7) * 86400000)
#define PAGERDUTY_URL "https://events.pagerduty.com/v2/enqueue"
#define KEY_VARIABLE "{key}" /* in the address of a page */

const char *const severity_name[SEVERITIES] = {
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_CRITICAL] = "critical",
};
const char *const page_driver_name[PAGE_DRIVERS] = {
	[PAGE_JSON] = "json",
	[PAGE_PAGERDUTY] = "pagerduty",
	[PAGE_ALERTMANAGER] = "alertmanager",
	[PAGE_SLACK] = "slack",
	[PAGE_NTFY] = "ntfy",
};

enum page_driver
contact_page(const char *page, const char **url)
{
	size_t n = strcspn(page, " ");
	*url = page[n] != '\0' ? page + n + 1 : page;
	for (unsigned d = 0; page[n] != '\0' && d < PAGE_DRIVERS; d++)
		if (strlen(page_driver_name[d]) == n &&
		    strncmp(page, page_driver_name[d], n) == 0)
			return (enum page_driver)d;
	return PAGE_JSON;
}

/* ---- addresses ---- */

/* RFC 5321's dot-string and domain; what it quotes is not worth the risk. */
static bool
is_address(const char *text)
{
	const char *at = strchr(text, '@');
	return at != NULL && at != text && at[1] != '\0' && strchr(at + 1, '@') == NULL &&
	       strpbrk(text, " \t<>\"(),;:\\[]") == NULL && strlen(text) <= 254;
}

static void
address_item(struct build *b, void *arg, const char *text)
{
	if (is_address(text))
		build_add_text(b, arg, text);
	else
		error(b, "%s: '%.80s' is no mail address", b->entry->key, text);
}

void
set_mail(struct build *b, void *object, const struct entry *e)
{
	struct contact *c = object;
	lex_list(b, e->value, address_item, &c->mail);
}

void
set_sms(struct build *b, void *object, const struct entry *e)
{
	struct contact *c = object;
	lex_list(b, e->value, address_item, &c->sms);
}

/* Without the secret's place, which is no character of an address. */
static bool
is_url(const char *url)
{
	const char *key = strstr(url, KEY_VARIABLE);
	size_t before = key != NULL ? (size_t)(key - url) : strlen(url);
	const char *rest = key != NULL ? key + strlen(KEY_VARIABLE) : "";
	return (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0) &&
	       strcspn(url, " \t\"<>{}") == before &&
	       rest[strcspn(rest, " \t\"<>{}")] == '\0';
}

static void
page_item(struct build *b, void *arg, const char *text)
{
	struct contact *c = arg;
	char word[300], full[640];
	bool quoted;
	const char *p = text, *url = text;
	enum page_driver driver = PAGE_JSON;
	if (strncmp(text, "http", 4) != 0 &&
	    lex_word(b, &p, "", word, sizeof word, &quoted)) {
		for (driver = 0; driver < PAGE_DRIVERS; driver++)
			if (strcmp(page_driver_name[driver], word) == 0)
				break;
		if (driver == PAGE_DRIVERS) {
			error(b,
			      "page: '%.80s' is no http:// or https:// address and no driver (json, "
			      "pagerduty, alertmanager, slack or ntfy)",
			      text);
			return;
		}
		lex_skip(&p);
		url = *p == '\0' && driver == PAGE_PAGERDUTY ? PAGERDUTY_URL : p;
	}
	if (!is_url(url) || strlen(url) > 600) {
		error(b, "page: '%.80s' is no http:// or https:// address", url);
		return;
	}
	if (driver == PAGE_JSON) {
		build_add_text(b, &c->page, build_text(b, url, strlen(url)));
		return;
	}
	const char *slash = strchr(strstr(url, "://") + 3, '/');
	bool bare = slash == NULL || slash[1] == '\0';
	size_t n =
		text_print(full, sizeof full, "%s %.*s%s", page_driver_name[driver],
			   (int)(bare && slash != NULL ? (size_t)(slash - url)
						       : strlen(url)),
			   url,
			   driver == PAGE_ALERTMANAGER && bare ? "/api/v2/alerts" : "");
	build_add_text(b, &c->page, build_text(b, full, n));
}

void
set_page(struct build *b, void *object, const struct entry *e)
{
	lex_list(b, e->value, page_item, object);
}

void
set_desktop(struct build *b, void *object, const struct entry *e)
{
	struct contact *c = object;
	c->desktop = strcmp(e->value, "no") != 0;
	if (c->desktop && strcmp(e->value, "yes") != 0)
		error(b, "desktop: expected yes or no, not '%.40s'", e->value);
}

static void
member_item(struct build *b, void *arg, const char *text)
{
	struct contact *c = arg;
	uint32_t id = build_resolve(b, text, OBJECT_CONTACT);
	if (id == c->id)
		error(b, "members: '%s' cannot be a member of itself", text);
	else if (id != RULES_NONE)
		build_append(b, &c->members, id);
}

void
set_members(struct build *b, void *object, const struct entry *e)
{
	lex_list(b, e->value, member_item, object);
}

/* ---- when ---- */

static void
read_severity(struct build *b, const struct entry *e, enum severity *out)
{
	for (unsigned s = 0; s < SEVERITIES; s++)
		if (strcmp(severity_name[s], e->value) == 0) {
			*out = (enum severity)s;
			return;
		}
	error(b, "severity: expected warning or critical, not '%.40s'", e->value);
}

void
set_severity(struct build *b, void *object, const struct entry *e)
{
	struct contact *c = object;
	read_severity(b, e, &c->severity);
}

void
set_check_severity(struct build *b, void *object, const struct entry *e)
{
	struct check *c = object;
	enum severity severity = (enum severity)c->severity;
	read_severity(b, e, &severity);
	c->severity = (uint8_t)severity;
}

void
set_rule_severity(struct build *b, void *object, const struct entry *e)
{
	struct rule *r = object;
	read_severity(b, e, &r->severity);
}

static bool
word(struct build *b, const char **p, char *out, size_t cap)
{
	bool quoted;
	return lex_word(b, p, "", out, cap, &quoted);
}

void
set_rate(struct build *b, void *object, const struct entry *e)
{
	struct contact *c = object;
	char n[32], in[32], span[32], why[UNITS_WHY];
	const char *p = e->value;
	uint64_t count;
	int64_t ms;
	if (!word(b, &p, n, sizeof n) || !units_count(n, 1, RATE_MOST, &count, why) ||
	    !word(b, &p, in, sizeof in) || strcmp(in, "in") != 0 ||
	    !word(b, &p, span, sizeof span) || !units_duration(span, &ms, why) ||
	    ms < 1000 || ms > RATE_MOST_MS) {
		error(b, "rate: expected N in T, as 5 in 10m, up to 7d, not '%.40s'",
		      e->value);
		return;
	}
	if (lex_end(b, p)) {
		c->rate_count = (uint32_t)count;
		c->rate_ms = ms;
	}
}

static void
escalate_item(struct build *b, void *arg, const char *text)
{
	struct contact *c = arg;
	char span[32], arrow[8], name[RULES_NAME_MAX + 1], why[UNITS_WHY];
	const char *p = text;
	int64_t ms;
	if (!word(b, &p, span, sizeof span) || !units_duration(span, &ms, why) ||
	    ms < 1000 || ms > MS_YEAR || !word(b, &p, arrow, sizeof arrow) ||
	    strcmp(arrow, "->") != 0 || !word(b, &p, name, sizeof name)) {
		error(b, "escalate: expected T -> CONTACT, as 15m -> oncall, not '%.60s'",
		      text);
		return;
	}
	uint32_t id = build_resolve(b, name, OBJECT_CONTACT);
	if (id == RULES_NONE || !lex_end(b, p))
		return;
	struct alert_to *to = build_get(b, (c->escalate.count + 1) * sizeof *to);
	if (b->out_of_memory)
		return;
	if (c->escalate.count > 0)
		memcpy(to, c->escalate.to, c->escalate.count * sizeof *to);
	to[c->escalate.count++] = (struct alert_to){ .contact = id, .after_ms = ms };
	c->escalate.to = to;
	c->escalate.set = true;
}

void
set_contact_escalate(struct build *b, void *object, const struct entry *e)
{
	lex_list(b, e->value, escalate_item, object);
}

static void
remind_item(struct build *b, void *arg, const char *text)
{
	struct remind *r = arg;
	char why[UNITS_WHY];
	int64_t ms;
	if (!units_duration(text, &ms, why))
		error(b, "remind: %s", why);
	else if (ms < 60000 || ms > MS_YEAR)
		error(b, "remind: '%.40s' is out of range (1m to 365d)", text);
	else if (r->count > 0 && ms <= r->ms[r->count - 1])
		error(b, "remind: '%.40s' should be later than what stands before it",
		      text);
	else if (r->count == REMIND_MAX)
		error(b, "remind: up to %d times", REMIND_MAX);
	else
		r->ms[r->count++] = ms;
}

void
set_remind(struct build *b, void *object, const struct entry *e)
{
	struct settings *s = object;
	s->remind.count = 0;
	lex_list(b, e->value, remind_item, &s->remind);
}

void
set_rule_remind(struct build *b, void *object, const struct entry *e)
{
	struct rule *r = object;
	r->remind.count = 0;
	lex_list(b, e->value, remind_item, &r->remind);
}

void
set_heartbeat(struct build *b, void *object, const struct entry *e)
{
	struct settings *s = object;
	char url[600], every[16], span[32], why[UNITS_WHY];
	const char *p = e->value;
	int64_t ms;
	if (!word(b, &p, url, sizeof url) || !is_url(url) ||
	    !word(b, &p, every, sizeof every) || strcmp(every, "every") != 0 ||
	    !word(b, &p, span, sizeof span) || !units_duration(span, &ms, why) ||
	    ms < 1000 || ms > MS_YEAR) {
		error(b, "heartbeat: expected URL every T, as https://… every 1m");
		return;
	}
	if (lex_end(b, p)) {
		s->heartbeat = build_text(b, url, strlen(url));
		s->heartbeat_ms = ms;
	}
}

/* ---- what is said ---- */

static void
read_template(struct build *b, const struct entry *e, const char **out)
{
	char unknown[64];
	if (template_check(e->value, unknown, sizeof unknown))
		*out = e->value;
	else
		error(b, "%s: there is no variable {%s}", e->key, unknown);
}

void
set_subject(struct build *b, void *object, const struct entry *e)
{
	struct contact *c = object;
	read_template(b, e, &c->subject);
}

void
set_body(struct build *b, void *object, const struct entry *e)
{
	struct contact *c = object;
	read_template(b, e, &c->body);
}

/* ---- what the keys mean together ---- */

static void
check_pages(struct build *b, const struct contact *c)
{
	bool secret = c->key != NULL || c->key_file != NULL;
	for (uint32_t i = 0; i < c->page.count; i++) {
		const char *url;
		enum page_driver d = contact_page(c->page.texts[i], &url);
		if (!secret && (d == PAGE_PAGERDUTY || strstr(url, KEY_VARIABLE) != NULL))
			build_error(b, c->place,
				    "[contact %s]: page needs a key or key-file",
				    c->name);
	}
}

/* Members of members are members; rings are refused by a walk of bounded depth. */
static bool
goes_round(const struct rules *r, const struct contact *c, uint32_t id, unsigned depth)
{
	for (uint32_t i = 0; i < c->members.count; i++)
		if (c->members.ids[i] == id ||
		    (depth > 0 &&
		     goes_round(r, &r->contacts[c->members.ids[i]], id, depth - 1)))
			return true;
	return false;
}

#define MEMBERS_DEEP 4

static void
check_contact(struct build *b, const struct contact *c)
{
	bool own = c->mail.count + c->sms.count + c->page.count > 0 || c->run.count > 0 ||
		   c->desktop;
	if (!own && c->members.count == 0 &&
	    !build_told(b, c->place, "mail sms page run members"))
		build_error(
			b, c->place,
			"[contact %s]: mail, sms, page, run, desktop or members is missing",
			c->name);
	if (own && c->members.count > 0)
		build_error(
			b, c->place,
			"[contact %s]: members are told instead of mail, sms, page, run "
			"and desktop: name one or the other",
			c->name);
	if (goes_round(b->rules, c, c->id, MEMBERS_DEEP))
		build_error(b, c->place, "[contact %s]: members go round", c->name);
	check_pages(b, c);
}

/* [monitord] may stand in several files. */
static bool
smtp_told(const struct build *b)
{
	for (size_t i = 0; i < b->section_count; i++)
		if (b->sections[i].kind == OBJECT_MONITORD &&
		    build_told(b, b->sections[i].place, "smtp"))
			return true;
	return false;
}

void
build_contacts(struct build *b)
{
	const struct rules *r = b->rules;
	bool mails = false;
	for (uint32_t i = 0; i < r->contact_count; i++) {
		check_contact(b, &r->contacts[i]);
		mails = mails || r->contacts[i].mail.count > 0 ||
			r->contacts[i].sms.count > 0;
	}
	if (mails && r->settings.smtp.count == 0 && !smtp_told(b))
		build_error(b,
			    r->settings.place.file != NULL ? r->settings.place
							   : r->contacts[0].place,
			    "a contact has mail, but [monitord] names no smtp server");
}
