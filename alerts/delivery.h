/* alerts/delivery.h: one try to hand one alert to one server, in a process of its own.
 *
 * libesmtp and libcurl block, and a peer may stall at any byte: so a child does the work,
 * writes each answer into a pipe, and is killed at its deadline. It keeps no descriptor
 * but the pipe, and dies with us. */
#ifndef ALERTS_DELIVERY_H
#define ALERTS_DELIVERY_H

#include "alerts/answer.h"
#include "alerts/letter.h"
#include "base/loop.h"
#include "rules/rules.h"

#include <sys/types.h>

#define RECIPIENTS_MAX                                                                   \
	100 /* of one message: as many as RFC 5321 4.5.3.1.8 lets us count on */
#define CONNECT_SECONDS                                                                  \
	10 /* name, SYN and greeting; libesmtp knows no limit for the first two */
#define MAIL_SECONDS 60
#define PAGE_SECONDS 10 /* for each request */
#define RUN_SECONDS 30

/* One POST of a page; `then` follows when it was taken. */
struct request {
	char *content, *then;
	char *headers; /* "Name: value" lines beside Content-Type; NULL: none */
	const char *type; /* NULL: JSON */
	char *url;	  /* with the key in it; NULL: as it stands in `to` */
};

struct job { /* all of it owned: the rules may change while it runs */
	bool page;	       /* by `requests`, one for each of `to`; or by `argv` */
	char *server, *sender; /* mail: HOST:PORT, the envelope's sender */
	char *to[RECIPIENTS_MAX];
	uint32_t to_count;
	struct request requests[RECIPIENTS_MAX];
	char **argv; /* run: the command, which gets requests[0] on standard input */
	unsigned run_s; /* and has so long */
	char *content; /* mail: the message; NULL: the child composes and draws it */
	struct letter *letter; /* whoever starts the job keeps it as long as that runs */
	char *words[8];	       /* the texts that the letter borrows */
	struct letter_link *members;
	struct letter_item *items;
	char *details[LETTER_DETAILED]; /* of items */
	enum smtp_tls tls;
	bool tls13; /* libesmtp stalls on it with some servers; others know nothing else
		     */
	char *user, *password, *ca;
};
void job_free(struct job *j);

struct delivery { /* zero-filled before its first start */
	struct job job;
	pid_t pid; /* 0: not running */
	int fd;
	bool late;                             /* killed at its deadline */
	struct answer session;                 /* code 0: none */
	struct answer answers[RECIPIENTS_MAX]; /* by recipient; code 0: none */
	void (*done)(struct delivery *d);
	void *arg;
	struct loop_io io;
	struct loop_timer timer;
};

/* Begins; d->job is filled and d's from now on. False: no process or no pipe; nothing
 * runs. done is called once, after the child is gone; the job is then still there. */
bool delivery_start(struct loop *loop, struct delivery *d,
		    void (*done)(struct delivery *), void *arg);

/* ---- the child's part: both block and report by answer_put ---- */
void mail_deliver(const struct job *job, int fd);
void page_deliver(const struct job *job, int fd);
void command_deliver(const struct job *job, int fd);
/* wait_s: so long the server wants to be left alone; 0: it does not say. */
void answer_put(int fd, int index, int code, int wait_s, const char *text);

#endif
