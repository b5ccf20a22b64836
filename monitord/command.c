/* Who may read and act: asked of the kernel, by the client's own descriptor. */
#include "monitord/core.h"

#include "base/text.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PEER_GROUPS 256
#define TOKEN_LEAST 16 /* bytes: a short one is guessed */

struct rights {
	bool read, act;
	uid_t uid;
};

static bool
in_group(int client, const struct ucred *peer, gid_t group)
{
	gid_t groups[PEER_GROUPS];
	socklen_t size = sizeof groups;
	if (group == (gid_t)-1)
		return false;
	if (peer->gid == group)
		return true;
	if (getsockopt(client, SOL_SOCKET, SO_PEERGROUPS, groups, &size) != 0)
		return false;
	for (size_t i = 0; i < size / sizeof *groups; i++)
		if (groups[i] == group)
			return true;
	return false;
}

/* The token's file is read each time: a new one needs no reload. Only its owner may read
 * it, and it must be ours or root's. Returns its length; 0: there is none. */
static size_t
read_token(const char *path, char out[MSG_SECRET])
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	ssize_t n = 0;
	if (fd == -1)
		return 0;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) == 0 &&
	    (st.st_uid == 0 || st.st_uid == geteuid()) && st.st_size < MSG_SECRET)
		n = read(fd, out, MSG_SECRET - 1);
	close(fd);
	while (n > 0 && (out[n - 1] == '\n' || out[n - 1] == ' '))
		n--;
	return n >= TOKEN_LEAST ? (size_t)n : 0;
}

/* Takes the same time whatever differs. */
static bool
token_fits(const char *path, const char *shown)
{
	char token[MSG_SECRET] = { 0 };
	size_t length = path != NULL && shown[0] != '\0' ? read_token(path, token) : 0,
	       given = strnlen(shown, MSG_SECRET);
	unsigned char differs = given != length;
	for (size_t i = 0; i < length; i++)
		differs |= (unsigned char)(token[i] ^ shown[i < given ? i : 0]);
	explicit_bzero(token, sizeof token);
	return length > 0 && differs == 0;
}

static int
option_of(int client, int option)
{
	int value = -1;
	socklen_t size = sizeof value;
	return getsockopt(client, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

/* It was accepted at our own listener, whose name it bears. Else status might show what has root
 * at its other end: its channel to us, the listener itself, any server of root's. */
static bool
called_us(const struct core *c, int client)
{
	struct sockaddr_un at = { .sun_family = AF_UNSPEC };
	socklen_t size = sizeof at;
	return option_of(client, SO_TYPE) == SOCK_STREAM &&
	       option_of(client, SO_ACCEPTCONN) == 0 &&
	       getsockname(client, (struct sockaddr *)&at, &size) == 0 &&
	       at.sun_family == AF_UNIX &&
	       strncmp(at.sun_path, c->rules->settings.socket, sizeof at.sun_path) == 0;
}

static struct rights
rights_of(const struct core *c, int client, const char *secret)
{
	struct rights r = { .uid = (uid_t)-1 };
	struct ucred peer;
	int domain = option_of(client, SO_DOMAIN);
	socklen_t size = sizeof peer;
	/* the TCP listener: `http` in the rules lets it be read */
	if (domain != AF_UNIX) {
		r.read = domain == AF_INET || domain == AF_INET6;
		r.act = r.read && token_fits(c->rules->settings.http_token_file, secret);
		return r;
	}
	if (!called_us(c, client) ||
	    getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
		return r;
	r.uid = peer.uid;
	r.act = peer.uid == 0 || peer.uid == geteuid() ||
		in_group(client, &peer, c->admin_gid);
	r.read = r.act || in_group(client, &peer, c->read_gid);
	return r;
}

void
command_answer(struct core *c, uint64_t token, enum command_answer answer, uint64_t event,
	       const char *text)
{
	struct msg_command_done done;
	if (token == 0)
		return; /* not asked by status */
	memset(&done, 0, sizeof done);
	done.token = token;
	done.event = event;
	done.answer = answer;
	text_print(done.text, sizeof done.text, "%s", text);
	helper_control(&c->helpers[ROLE_STATUS], MSG_COMMAND_DONE, &done, sizeof done,
		       -1);
	c->answered = true;
}

void
command_from(struct helper_slot *h, const struct msg_command *cmd, int client)
{
	struct core *c = h->core;
	char secret[MSG_SECRET];
	text_print(secret, sizeof secret, "%.*s",
		   (int)strnlen(cmd->secret, MSG_SECRET - 1), cmd->secret);
	struct rights r = rights_of(c, client, secret);
	explicit_bzero(secret, sizeof secret);
	if (cmd->verb >= VERBS) {
		command_answer(c, cmd->token, ANSWER_REFUSED, 0, "no such verb");
		return;
	}
	if (!r.act) {
		command_answer(c, cmd->token, ANSWER_NOT_ALLOWED, 0,
			       "you may not do this");
		return;
	}
	if (cmd->verb == VERB_RIGHTS) {
		command_answer(c, cmd->token, ANSWER_DONE, 0, "you may act");
		return;
	}
	char who[MSG_PERSON], why[MSG_TEXT];
	text_clean(who, sizeof who, cmd->who, strnlen(cmd->who, sizeof cmd->who));
	text_clean(why, sizeof why, cmd->why, strnlen(cmd->why, sizeof cmd->why));
	struct event e = { .kind = EVENT_COMMAND,
			   .id = cmd->id,
			   .verb = (enum verb)cmd->verb,
			   .target = cmd->target,
			   .seconds = cmd->seconds,
			   .token = cmd->wait ? cmd->token : 0,
			   .uid = r.uid,
			   .incident = cmd->incident,
			   .who = who,
			   .text = why };
	bool known = cmd->kind < OBJECT_KINDS;
	e.object = known ? (enum object_kind)cmd->kind : OBJECT_MONITORD;
	if (!known) {
		command_answer(c, cmd->token, ANSWER_REFUSED, 0, "no such kind");
		return;
	}
	if (e.verb == VERB_TEST && cmd->id >= c->rules->contact_count) {
		command_answer(c, cmd->token, ANSWER_REFUSED, 0, "no such contact");
		return;
	}
	core_event(c, &e);
	if (!cmd->wait)
		command_answer(c, cmd->token, ANSWER_ACCEPTED, world_last_event(c->world),
			       "accepted");
}

void
who_from(struct helper_slot *h, const struct msg_who *who, int client)
{
	struct rights r = rights_of(h->core, client, "");
	look_who(h->core, who->token, r.read, r.act);
}
