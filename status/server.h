/* status/server.h: the HTTP server: its two listeners, its clients and their limits.
 *
 * A client is one connection. What it asks for is answered at once, or it is suspended
 * until monitord has said who it is (WHO), how its command ended (COMMAND), or until
 * there are more events. Memory is bounded: so many clients, so many bytes of a request
 * each, one journal cursor and one line for each that follows the events.
 */
#ifndef STATUS_SERVER_H
#define STATUS_SERVER_H

#include "base/helper.h"
#include "base/journal.h"
#include "status/history.h"
#include "status/shelf.h"
#include "status/whole.h"
#include "status/store.h"

#include <microhttpd.h>
#include <sys/types.h>

#define CLIENTS_MAX 256      /* of all users */
#define CLIENTS_OF_USER 96   /* of one user that is not root */
#define FOLLOWERS_MAX 128    /* of the events: the others' places stay free */
#define REQUEST_BYTES 65536u /* of a request's body */

enum client_wait { WAIT_NONE, WAIT_WHO, WAIT_COMMAND, WAIT_EVENTS, WAIT_HISTORY };

struct command_asked {
	enum verb verb;
	enum object_kind kind; /* of the object */
	uint64_t incident;     /* of ack */
	char who[MSG_PERSON], why[MSG_TEXT];
	char name[RULES_NAME_MAX + 1]; /* of the object: ids change with the rules */
	char target[RULES_NAME_MAX + 1];
	uint32_t generation; /* of the rules when it was sent */
	bool wait, again;
	char secret[MSG_SECRET]; /* "Authorization: Bearer" */
	uint32_t seconds; /* of hold and silence; 0: for ever */
};

struct client {
	struct client *next;
	struct server *server;
	struct MHD_Connection *connection;
	int fd; /* MHD's */
	bool tcp;
	uid_t uid;
	bool known, may_read; /* what monitord said of it */
	int64_t known_ms;     /* when */
	bool busy;            /* a request is being answered */
	bool unsent;          /* its WHO or COMMAND did not fit into the channel yet */
	bool gone;            /* it hung up while it was suspended */
	bool late;            /* what it waited for did not come */
	enum client_wait wait;
	uint64_t token;   /* of what it waits for */
	int64_t since_ms; /* when its present state began */
	char *body;       /* of the request, NUL-ended; NULL: none */
	size_t body_size;
	bool body_over;
	const char *uri_end; /* of the request, in MHD's memory */
	bool last; /* nothing behind this request is read */
	const char *strange; /* why its address is refused; NULL: it is not */
	bool begun;    /* its command was sent */
	bool done_set; /* and answered */
	struct command_asked asked;
	struct msg_command_done done;
	struct follow *follow; /* NULL: reads no events */
	bool asked_history;    /* the recorder was asked */
	char *answer;          /* and what it said */
	size_t answer_size;
	bool missing; /* that there is none */
};

struct listener {
	struct server *server;
	struct MHD_Daemon *daemon; /* NULL: not listening */
	struct loop_io io;
	struct loop_timer timer;
	bool tcp;
	bool asked; /* OPEN is on its way */
	bool unsent;
};

struct server {
	struct helper helper;
	struct store store;
	struct history history;
	struct record_writer *record; /* NULL: off */
	struct record_files *record_files;
	struct journal_reader record_reader;
	struct shelf shelf;
	struct whole whole;
	struct listener listeners[2]; /* Unix, TCP */
	struct client *clients;
	uint32_t client_count;
	uint64_t token;
	bool turn; /* MHD has work: something was resumed */
	bool followed; /* monitord was told that clients wait for events */
	struct loop_timer sweep;
	int journal; /* -1: none yet */
	uint64_t last_event;
	struct journal_reader reader; /* for the incidents */
};

/* Timers and tokens; helper.loop is set. */
void server_begin(struct server *s);
/* Begins to listen on fd, which it takes. */
void server_listen(struct server *s, unsigned which, int fd);
/* Ends that, and its clients' connections. */
void server_unlisten(struct server *s, unsigned which);

/* Sends what the client waits for, or marks it as unsent. */
void server_ask_who(struct client *c);
/* monitord's answers, by their tokens; a client that is gone meanwhile is no mistake. */
void server_who_done(struct server *s, const struct msg_who_done *done);
void server_command_done(struct server *s, const struct msg_command_done *done);
void server_writable(struct server *s); /* the channel has room again */
void server_bell(struct server *s);     /* there are more events */
void server_read_on(struct server *s);  /* those that were not read yet, before an answer */

/* The connection sleeps until client_resume. */
void client_suspend(struct client *c, enum client_wait wait);
void client_resume(struct client *c);

/* status/client.c: MHD's calls, with the listener; and the timer's, with the server. */
void client_connection(void *arg, struct MHD_Connection *connection, void **context,
		       enum MHD_ConnectionNotificationCode code);
void client_completed(void *arg, struct MHD_Connection *connection, void **request,
		      enum MHD_RequestTerminationCode code);
void *client_address(void *arg, const char *uri, struct MHD_Connection *connection);
enum MHD_Result client_request(void *arg, struct MHD_Connection *connection,
			       const char *url, const char *method, const char *version,
			       const char *upload, size_t *upload_size, void **request);
void client_sweep(struct loop_timer *timer);
/* Cuts off whoever takes longest to read an answer, the one who asks excepted. */
void client_cut_slowest(struct server *s, const struct client *except);

/* status/request.c. MHD_NO, here and below: out of memory, and the connection is closed. */
/* Answers the request, or suspends the client until what it waits for is there. */
enum MHD_Result request_answer(struct client *c, const char *url, const char *method);
/* code: of HTTP (RFC 9110). Take body, or bytes, which malloc gave. */
enum MHD_Result request_send(struct client *c, unsigned code, struct json *body);
enum MHD_Result request_send_bytes(struct client *c, unsigned code, char *bytes, size_t size);
/* {"error": text}; the other with "nearest" as well: a name that may be meant. */
enum MHD_Result request_error(struct client *c, unsigned code, const char *text);
enum MHD_Result request_error_near(struct client *c, unsigned code, const char *text,
				   const char *nearest);

/* status/asked.c: GET /v1/series, /v1/availability and incidents of the past: begin asks the
 * recorder, end sends what it said, or that it said nothing. */
enum MHD_Result series_begin(struct client *c);
enum MHD_Result incidents_begin(struct client *c);              /* since, until */
enum MHD_Result incident_begin(struct client *c, uint64_t id); /* there is a recorder */
bool incidents_asked(struct client *c); /* it says since when, or until when */
enum MHD_Result availability_begin(struct client *c);
enum MHD_Result asked_end(struct client *c);
void server_answered(void *arg, struct ask *a); /* the recorder has; arg: the server */

/* status/command.c: POST. what is an object's kind or OBJECT_MONITORD. */
enum MHD_Result command_begin(struct client *c, enum object_kind kind, const char *name,
			      const char *verb);
enum MHD_Result command_ack(struct client *c, const char *incident);
enum MHD_Result command_end(struct client *c);
bool command_send(struct client *c); /* false: not now */

/* status/follow.c: GET /v1/events. */
enum MHD_Result follow_begin(struct client *c);
void follow_forget(struct client *c); /* the client goes before its answer does */
/* Tells monitord whether anybody waits for events; what finds no room goes later. */
void follow_tell(struct server *s);

/* status/page.c: GET / and the files that it loads. path: as it was asked for. */
bool page_has(const char *path);
enum MHD_Result page_send(struct client *c, const char *path);

#endif
