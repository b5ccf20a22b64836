/* alerts/alerts.h: the helper's state, and what its parts do for one another. */
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
	struct letter letter;     /* what the delivery tells */
	uint32_t server;          /* index in `smtp` */
	bool unrecorded;          /* it ended, but the spool could not be written */
};

struct trial { /* one test that an operator waits for */
	struct alerts *alerts;
	struct delivery delivery;
	struct letter letter;
	bool used, ok;
	unsigned ways; /* that are still to be tried, bit enum way */
	enum way way;
	uint64_t token;
	uint32_t contact, server;
	uint32_t generation; /* of the rules that contact means something in */
	struct msg_test_done done;
};

struct secrets { /* of a contact, from its files; NULL: not known */
	char *key, *body;
	bool key_due, body_due; /* asked for, and not come yet: what it hears waits */
};

struct alerts {
	struct helper helper;
	struct rules *rules; /* NULL: none yet */
	struct spool *spool;
	char host[256];
	char *password;    /* of the mail server, NULL: none known */
	bool password_due; /* asked for, and not come yet: mails wait */
	struct secrets *secrets; /* by contact */
	uint32_t secret_count;
	struct journal_reader reader;
	int journal; /* -1: none yet */
	uint64_t last_id;
	bool fresh; /* nothing of this journal was read yet: gaps before it are not ours
		     */
	struct sending sendings[SLOTS];
	struct trial trials[TRIALS];
	struct delivery heart;
	bool heart_told; /* that there is none */
	bool heart_asked; /* monitord has not answered yet */
	struct loop_timer retry_take, retry_send, prune, heartbeat;
	struct msg_alert_counts counts;
	bool counts_dirty, full_told;
};

/* ---- take.c: journal to spool ---- */
void take_journal(struct alerts *a, int fd, uint64_t last_id); /* fd is a's from now on */
void
take_lines(struct alerts *a); /* all that is there; tries again when the disk is full */

/* ---- send.c: spool to people ---- */
struct text_list way_list(const struct contact *c, enum way way);
void send_due(struct alerts *a); /* whatever is due and has room */
void
send_changed(struct alerts *a); /* the rules are others: what waits is tried at once */
void send_counts(struct alerts *a);

/* ---- trial.c: tests ---- */
void trial_begin(struct alerts *a, const struct msg_test *t);
void trial_writable(struct alerts *a);

/* ---- heart.c ---- */
#define HEART_TOKEN 1 /* of the OPEN that is asked for the answer's sake */
void heart_begin(struct alerts *a); /* as the rules say */
void heart_answered(struct alerts *a);

/* ---- job.c: what a delivery is made of ---- */
/* The texts that the letter borrows; they are the job's. */
void job_letter(const struct alerts *a, const struct contact *c, struct job *j, struct letter *l);
/* What goes with the alert, if it is a digest. */
void job_items(const struct alerts *a, const struct spool_alert *alert, struct job *j, struct letter *l);
/* False: nobody can be written to; j->to and to_count are the addresses. why, cap >= 200:
 * what is in the way. */
bool job_mail(const struct alerts *a, struct job *j, struct letter *l, uint32_t server);
bool job_page(const struct alerts *a, const struct contact *c, struct job *j, const struct letter *l,
	      char *why, size_t cap);
bool job_run(const struct contact *c, struct job *j, const struct letter *l, char *why, size_t cap);
const char *contact_key(const struct alerts *a, const struct contact *c); /* NULL: none known */

/* ---- facts.c ---- */
/* Members and chain of what the letter tells. */
void facts_fill(const struct alerts *a, const struct spool_alert *alert, struct job *j, struct letter *l);

/* ---- digest.c ---- */
/* True: the contact has had enough for now; until_ms says when it may be tried again. */
bool digest_waits(struct alerts *a, const struct contact *c, const struct spool_alert *alert, int64_t now_ms,
		  int64_t *until_ms);
/* What else is due for it goes with the alert, if that is no first one. False: the spool
 * refused. */
bool digest_gather(struct alerts *a, const struct contact *c, const struct spool_alert *alert, const int64_t *busy, size_t busy_count,
		   int64_t now_ms);

/* ---- main.c ---- */
void ask_password(struct alerts *a); /* anew: the file may have changed */
void ask_secrets(struct alerts *a, const struct contact *c);
/* Logs why the spool refused; one that is damaged is set aside, and the program ends (and
 * is started again by monitord). */
void spool_trouble(struct alerts *a, const char *doing);
/* Ends what spool_begin began: what was not good is told (doing; NULL: not) and undone. */
bool alerts_commit(struct alerts *a, bool good, const char *doing);

#endif
