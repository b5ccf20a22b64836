/* The child that speaks SMTP, by libesmtp. What smtp_start_session returns says little:
 * the message's and each recipient's reply codes are what counts. */
#include <stddef.h> /* libesmtp.h needs it */

#include "alerts/compose.h"
#include "alerts/delivery.h"
#include "alerts/picture.h"

#include "base/text.h"

#include <openssl/ssl.h> /* before libesmtp.h, which else hides smtp_starttls_set_ctx */
#include <openssl/x509v3.h>
#include <auth-client.h>
#include <libesmtp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#define PHASE_MS 20000L /* one reply; the whole has MAIL_SECONDS */

struct mailing {
	const struct job *job;
	int fd;
	int index; /* while the recipients are gone through */
	const char *tls_error;
};

static int
login(auth_client_request_t request, char **result, int fields, void *arg)
{
	const struct job *job = arg;
	for (int i = 0; i < fields; i++)
		result[i] = (request[i].flags & AUTH_PASS) != 0   ? job->password
			    : (request[i].flags & AUTH_USER) != 0 ? job->user
								  : NULL;
	return 1;
}

/* libesmtp passes an int * behind what tells of the certificate; OpenSSL has judged it
 * already (see make_context), and libesmtp's own comparison of names knows no addresses.
 */
static void
on_event(smtp_session_t session, int event, void *arg, ...)
{
	struct mailing *m = arg;
	va_list args;
	(void)session;
	va_start(args, arg);
	if (event == SMTP_EV_CONNECT) {
		alarm(MAIL_SECONDS);
	} else if (event == SMTP_EV_INVALID_PEER_CERTIFICATE) {
		long why = va_arg(args, long);
		int *ok = va_arg(args, int *);
		m->tls_error = X509_verify_cert_error_string(why);
		*ok = m->job->tls == SMTP_TLS_OPTIONAL && m->job->ca == NULL;
	} else if (event == SMTP_EV_WRONG_PEER_CERTIFICATE ||
		   event == SMTP_EV_NO_CLIENT_CERTIFICATE ||
		   event == SMTP_EV_NO_PEER_CERTIFICATE) {
		int *ok = va_arg(args, int *);
		*ok = 1;
	} else if (event == SMTP_EV_UNUSABLE_CLIENT_CERTIFICATE ||
		   event == SMTP_EV_UNUSABLE_CA_LIST) {
		m->tls_error = "a certificate file is not usable";
	} else if (event == SMTP_EV_EXTNA_STARTTLS)
		m->tls_error = "the server offers no STARTTLS";
	va_end(args);
}

static const char *refusal; /* why OpenSSL refused the server; a child has one session */

static int
on_verify(int good, X509_STORE_CTX *store)
{
	if (!good)
		refusal = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
	return good;
}

/* Verifies the chain and the name of the server, unless TLS is optional without
 * `smtp-ca`. */
static SSL_CTX *
make_context(const struct job *job, const char *host)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	if (ctx == NULL)
		return NULL;
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_max_proto_version(ctx, job->tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
	if (job->tls == SMTP_TLS_OPTIONAL && job->ca == NULL)
		return ctx;
	bool good = job->ca != NULL
			    ? SSL_CTX_load_verify_locations(ctx, job->ca, NULL) == 1
			    : SSL_CTX_set_default_verify_paths(ctx) == 1;
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, host) != 1)
		good = X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 && good;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify);
	if (good)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

static bool
set_tls(smtp_session_t session, const struct job *job)
{
	char host[256];
	if (job->tls == SMTP_TLS_NO)
		return true;
	text_print(host, sizeof host, "%s",
		   job->server[0] == '[' ? job->server + 1 : job->server);
	char *colon = strrchr(host, ':');
	if (colon != NULL)
		*colon = '\0';
	host[strcspn(host, "]")] = '\0';
	SSL_CTX *ctx = make_context(job, host);
	return ctx != NULL && smtp_starttls_set_ctx(session, ctx) &&
	       smtp_starttls_enable(session, job->tls == SMTP_TLS_STARTTLS
						     ? Starttls_REQUIRED
						     : Starttls_ENABLED);
}

static void
set_login(smtp_session_t session, const struct job *job)
{
	auth_client_init();
	auth_context_t auth = auth_create_context();
	auth_set_mechanism_flags(auth, AUTH_PLUGIN_PLAIN, 0);
	auth_set_interact_cb(auth, login, (void *)(uintptr_t)job);
	smtp_auth_set_context(session, auth);
}

static void
set_timeouts(smtp_session_t session)
{
	static const int phase[] = { Timeout_GREETING, Timeout_ENVELOPE, Timeout_DATA,
				     Timeout_TRANSFER, Timeout_DATA2 };
	for (size_t i = 0; i < sizeof phase / sizeof *phase; i++)
		smtp_set_timeout(session, phase[i] | Timeout_OVERRIDE_RFC2822_MINIMUM,
				 phase[i] == Timeout_GREETING ? CONNECT_SECONDS * 1000L
				 : phase[i] == Timeout_DATA2  ? 2 * PHASE_MS
							      : PHASE_MS);
}

static void
put_status(int fd, int index, const smtp_status_t *status)
{
	char text[200];
	text_print(text, sizeof text, "%.180s", status->text != NULL ? status->text : "");
	text[strcspn(text, "\r\n")] = '\0';
	answer_put(fd, index, status->code, 0, text);
}

static void
on_recipient(smtp_recipient_t recipient, const char *address, void *arg)
{
	struct mailing *m = arg;
	const smtp_status_t *status = smtp_recipient_status(recipient);
	(void)address;
	if (status != NULL && status->code != 0)
		put_status(m->fd, m->index, status);
	m->index++;
}

/* Recipients first: should we be killed between, nothing counts as taken without the
 * other. */
static void
report(struct mailing *m, smtp_message_t message, int good)
{
	char text[128] = "";
	const smtp_status_t *status = smtp_message_transfer_status(message);
	const smtp_status_t *sender = smtp_reverse_path_status(message);
	smtp_enumerate_recipients(message, on_recipient, m);
	if (sender != NULL && sender->code >= 400)
		put_status(m->fd, ANSWER_SESSION, sender);
	else if (status != NULL && status->code != 0)
		put_status(m->fd, ANSWER_SESSION, status);
	else if (refusal != NULL || m->tls_error != NULL)
		answer_put(m->fd, ANSWER_SESSION, 0, 0,
			   refusal != NULL ? refusal : m->tls_error);
	else if (good)
		answer_put(m->fd, ANSWER_SESSION, 0, 0, "the server did not answer");
	else if (smtp_strerror(smtp_errno(), text, sizeof text) != NULL &&
		 text[0] != '\0')
		answer_put(m->fd, ANSWER_SESSION, 0, 0, text);
	else
		answer_put(m->fd, ANSWER_SESSION, 0, 0,
			   "the server ended the connection");
}

/* With its pictures, if they come in time. The buffers are the child's. */
static char *
content_of(const struct job *job)
{
	static char message[COMPOSE_MAX], chain[PICTURE_MAX], trace[PICTURE_MAX];
	struct letter *l = job->letter;
	if (job->content != NULL)
		return job->content;
	if (!l->sms && l->body == NULL && l->item_count == 0 && l->phase != PHASE_TEST) {
		l->chain_size = picture_chain(l, chain, sizeof chain);
		l->trace_size = picture_trace(l, trace, sizeof trace);
		l->chain_png = l->chain_size > 0 ? chain : NULL;
		l->trace_png = l->trace_size > 0 ? trace : NULL;
	}
	compose_mail(l, message, sizeof message);
	return message;
}

void
mail_deliver(const struct job *job, int fd)
{
	struct mailing m = { .job = job, .fd = fd };
	alarm(CONNECT_SECONDS);
	smtp_session_t session = smtp_create_session();
	smtp_message_t message = session != NULL ? smtp_add_message(session) : NULL;
	if (message == NULL || !smtp_set_server(session, job->server) ||
	    !smtp_set_reverse_path(message, job->sender)) {
		answer_put(fd, ANSWER_SESSION, 0, 0, "the mail cannot be prepared");
		return;
	}
	for (uint32_t i = 0; i < job->to_count; i++)
		smtp_add_recipient(message, job->to[i]);
	if (!set_tls(session, job)) {
		answer_put(fd, ANSWER_SESSION, 0, 0,
			   "TLS cannot be prepared: is smtp-ca readable?");
		return;
	}
	if (job->user != NULL && job->password != NULL)
		set_login(session, job);
	set_timeouts(session);
	smtp_set_eventcb(session, on_event, &m);
	smtp_set_message_str(message, content_of(job));
	report(&m, message, smtp_start_session(session));
}
