/* rules/contact.h: [contact]: who is told, and how. */
#ifndef RULES_CONTACT_H
#define RULES_CONTACT_H

#include "rules/common.h"

enum page_driver {
	PAGE_JSON, PAGE_PAGERDUTY, PAGE_ALERTMANAGER, PAGE_SLACK, PAGE_NTFY, PAGE_DRIVERS
};
extern const char *const page_driver_name[PAGE_DRIVERS];

struct contact {
	uint32_t id;
	const char *name;
	struct place place;
	struct during during;
	struct text_list mail; /* addresses */
	struct text_list sms;  /* addresses whose mails are one short text */
	struct text_list page; /* "URL" or "DRIVER URL": see contact_page */
	struct command run;    /* gets the event as JSON on its standard input */
	bool desktop;	       /* monitord-desktop tells it */
	struct id_list members; /* other contacts that hear of it instead */
	enum severity severity; /* hears of this and of worse */
	uint32_t rate_count;	/* mails in rate_ms; what is more becomes one digest */
	int64_t rate_ms;
	struct alerts_to escalate; /* who hears later of what is neither over nor taken */
	const char *subject;	   /* template, NULL: the usual one */
	const char *body, *body_file;
	const char *key, *key_file; /* secret of its pages */
};

/* The driver of one of its pages, and the address behind it. */
enum page_driver contact_page(const char *page, const char **url);

#endif
