/* Who may read and act: asked of the kernel, by the client's own descriptor. */
#include "monitord/core.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEER_GROUPS 256

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

static struct rights
rights_of(const struct core *c, int client)
{
	struct rights r = { .uid = (uid_t)-1 };
	struct ucred peer;
	int domain = 0;
	socklen_t size = sizeof domain;
	if (client == -1 || getsockopt(client, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0)
		return r;
	if (domain != AF_UNIX) { /* the TCP listener: `http` in the rules lets it be read */
		r.read = domain == AF_INET || domain == AF_INET6;
		return r;
	}
	size = sizeof peer;
	if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
		return r;
	r.uid = peer.uid;
	r.act = peer.uid == 0 || peer.uid == geteuid() || in_group(client, &peer, c->admin_gid);
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
	helper_control(&c->helpers[ROLE_STATUS], MSG_COMMAND_DONE, &done, sizeof done, -1);
	c->answered = true;
}

void
command_from(struct helper_slot *h, const struct msg_command *cmd, int client)
{
	struct core *c = h->core;
	struct rights r = rights_of(c, client);
	if (cmd->verb >= VERBS) {
		command_answer(c, cmd->token, ANSWER_REFUSED, 0, "no such verb");
		return;
	}
	if (!r.act) {
		command_answer(c, cmd->token, ANSWER_NOT_ALLOWED, 0, "you may not do this");
		return;
	}
	char who[MSG_PERSON], why[MSG_TEXT];
	text_clean(who, sizeof who, cmd->who, strnlen(cmd->who, sizeof cmd->who));
	text_clean(why, sizeof why, cmd->why, strnlen(cmd->why, sizeof cmd->why));
	struct event e = { .kind = EVENT_COMMAND, .id = cmd->id, .verb = (enum verb)cmd->verb,
			   .target = cmd->target, .seconds = cmd->seconds, .token = cmd->wait ? cmd->token : 0, .uid = r.uid,
			   .incident = cmd->incident, .who = who, .text = why };
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
		command_answer(c, cmd->token, ANSWER_ACCEPTED, world_last_event(c->world), "accepted");
}

void
who_from(struct helper_slot *h, const struct msg_who *who, int client)
{
	struct rights r = rights_of(h->core, client);
	look_who(h->core, who->token, r.read, r.act);
}
