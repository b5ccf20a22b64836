/* alerts/alerts.h: the helper's state, shared by its three parts. */
#ifndef ALERTS_ALERTS_H
#define ALERTS_ALERTS_H

#include "alerts/delivery.h"
#include "alerts/letter.h"
#include "alerts/spool.h"
#include "base/helper.h"
#include "base/journal.h"

#define SLOTS 4               /* deliveries of the spool at once */
#define TRIALS 4              /* tests of operators at once */
#define SPOOL_PATH "spool.db" /* in the folder that monitord starts us in */

struct alerts;

struct sending { /* one alert of the spool on its way */
	struct alerts *alerts;
	struct delivery delivery;
	struct spool_alert alert; /* id 0: free */
	uint32_t server;          /* index in `smtp` */
	bool unrecorded;          /* it ended, but the spool could not be written */
};

struct trial { /* one test that an operator waits for */
	struct alerts *alerts;
	struct delivery delivery;
	bool used, ok, page_next;
	uint64_t token;
	uint32_t contact, server;
	uint32_t generation; /* of the rules that contact means something in */
	struct msg_test_done done;
};

struct alerts {
	struct helper helper;
	struct rules *rules; /* NULL: none yet */
	struct spool *spool;
	char host[256];
	char *password;    /* of the mail server, NULL: none known */
	bool password_due; /* asked for, and not come yet: mails wait */
	struct journal_reader reader;
	int journal; /* -1: none yet */
	uint64_t last_id;
	bool fresh; /* nothing of this journal was read yet: gaps before it are not ours
		     */
	struct sending sendings[SLOTS];
	struct trial trials[TRIALS];
	struct loop_timer retry_take, retry_send, prune;
	struct msg_alert_counts counts;
	bool counts_dirty, full_told;
};

/* ---- take.c: journal to spool ---- */
void take_journal(struct alerts *a, int fd, uint64_t last_id); /* fd is a's from now on */
void
take_lines(struct alerts *a); /* all that is there; tries again when the disk is full */

/* ---- send.c: spool to people ---- */
void send_due(struct alerts *a); /* whatever is due and has room */
void
send_changed(struct alerts *a); /* the rules are others: what waits is tried at once */
void send_counts(struct alerts *a);

/* ---- trial.c: tests ---- */
void trial_begin(struct alerts *a, const struct msg_test *t);
void trial_writable(struct alerts *a);

/* ---- job.c: what a delivery is made of ---- */
/* False: nobody can be written to; l->to and to_count are the addresses. */
bool
job_mail(const struct alerts *a, struct job *j, const struct letter *l, uint32_t server);
bool job_page(const struct alerts *a, struct job *j, const struct letter *l);
void job_letter(const struct alerts *a, const struct contact *c, struct letter *l);

/* ---- main.c ---- */
void ask_password(struct alerts *a); /* anew: the file may have changed */
/* Logs why the spool refused; one that is damaged is set aside, and the program ends (and
 * is started again by monitord). */
void spool_trouble(struct alerts *a, const char *doing);

#endif
