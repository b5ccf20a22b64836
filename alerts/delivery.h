/* alerts/delivery.h: one try to hand one alert to one server, in a process of its own.
 *
 * libesmtp and libcurl block, and a peer may stall at any byte: so a child does the work,
 * writes each answer into a pipe, and is killed at its deadline. It keeps no descriptor
 * but the pipe, and dies with us. */
#ifndef ALERTS_DELIVERY_H
#define ALERTS_DELIVERY_H

#include "alerts/answer.h"
#include "base/loop.h"
#include "rules/rules.h"

#include <sys/types.h>

#define RECIPIENTS_MAX                                                                   \
	100 /* of one message: as many as RFC 5321 4.5.3.1.8 lets us count on */
#define CONNECT_SECONDS                                                                  \
	10 /* name, SYN and greeting; libesmtp knows no limit for the first two */
#define MAIL_SECONDS 60
#define PAGE_SECONDS 10 /* for each address */

struct job { /* all of it owned: the rules may change while it runs */
	bool page;
	char *server, *sender; /* mail: HOST:PORT, the envelope's sender */
	char *to[RECIPIENTS_MAX];
	uint32_t to_count;
	char *content; /* the message with its headers, or JSON */
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
void answer_put(int fd, int index, int code, const char *text);

#endif
