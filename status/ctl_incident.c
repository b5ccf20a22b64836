/* ack, silence, unsilence: who took what is wrong, and what may stay quiet. */
#include "status/ctl.h"

#include "base/text.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Who asks: --who, else the name of the user that a session began with. */
static const char *
who_asks(const struct ctl *ctl)
{
	static char name[64];
	const char *login = getenv("SUDO_USER");
	const struct passwd *p = getpwuid(getuid());
	if (ctl->who != NULL)
		return ctl->who;
	text_print(name, sizeof name, "%s",
		   login != NULL && *login != '\0' ? login
		   : p != NULL                     ? p->pw_name
						   : "");
	return name;
}

static enum ctl_exit
post(const struct ctl *ctl, const char *path, json_t *body, const char *what,
     const char *done)
{
	struct answer a;
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	json_decref(body);
	if (text == NULL) {
		fprintf(stderr, "monitorctl: %s: no valid UTF-8\n", what);
		return CTL_WRONG_USE;
	}
	bool good = http_ask(ctl, path, text, &a);
	free(text);
	if (!good)
		return CTL_NO_DAEMON;
	enum ctl_exit code = answer_exit(&a, what);
	if (ctl->json)
		print_answer(&a, ctl->names[0], what);
	else if (code == CTL_DONE)
		printf("%s\n", done);
	answer_free(&a);
	return code;
}

enum ctl_exit
ctl_ack(struct ctl *ctl)
{
	char path[128], done[256];
	const char *id = ctl->names[0], *who = who_asks(ctl);
	if (*id == '\0' || strlen(id) > 20 || id[strspn(id, "0123456789")] != '\0') {
		fprintf(stderr,
			"monitorctl: ack: %s is no number of an incident (see "
			"monitorctl incidents)\n",
			id);
		return CTL_WRONG_USE;
	}
	text_print(path, sizeof path, "/v1/incidents/%s/ack", id);
	text_print(done, sizeof done, "incident %s: acknowledged by %s", id, who);
	return post(ctl, path,
		    json_pack("{s:s?,s:s?}", "who", *who != '\0' ? who : NULL, "why",
			      ctl->why != NULL && *ctl->why != '\0' ? ctl->why : NULL),
		    "ack", done);
}

/* The path of what a name stands for: "all", a chain, or any object. */
static bool
silence_path(const struct ctl *ctl, const char *verb, char *path, size_t cap,
	     enum ctl_exit *code)
{
	const char *name = ctl->names[0], *kind = NULL;
	json_t *status, *chain;
	size_t i;
	if (strcmp(name, "all") == 0) {
		text_print(path, cap, "/v1/%s", verb);
		return true;
	}
	status = http_json(ctl, "/v1/status", code);
	if (status == NULL)
		return false;
	json_array_foreach(json_object_get(status, "chains"), i,
			   chain) if (strcmp(text_of(chain, "name"), name) == 0) kind =
		"chain";
	if (kind == NULL && find_object(status, name, &kind) == NULL) {
		json_decref(status);
		*code = CTL_NO_SUCH_NAME;
		return false;
	}
	text_print(path, cap, "/v1/%ss/%s/%s", kind, name, verb);
	json_decref(status);
	return true;
}

enum ctl_exit
ctl_silence(struct ctl *ctl)
{
	char path[256], done[256];
	enum ctl_exit code = CTL_DONE;
	const char *who = who_asks(ctl);
	if (ctl->span == NULL || ctl->why == NULL) {
		fputs("usage: monitorctl silence NAME --for 2h --reason TEXT\n", stderr);
		return CTL_WRONG_USE;
	}
	if (!silence_path(ctl, "silence", path, sizeof path, &code))
		return code;
	text_print(done, sizeof done, "%s: silenced for %s", ctl->names[0], ctl->span);
	return post(ctl, path,
		    json_pack("{s:s,s:s,s:s?}", "for", ctl->span, "reason", ctl->why,
			      "who", *who != '\0' ? who : NULL),
		    "silence", done);
}

enum ctl_exit
ctl_unsilence(struct ctl *ctl)
{
	char path[256], done[256];
	enum ctl_exit code = CTL_DONE;
	if (!silence_path(ctl, "unsilence", path, sizeof path, &code))
		return code;
	text_print(done, sizeof done, "%s: no longer silenced", ctl->names[0]);
	return post(ctl, path, json_object(), "unsilence", done);
}
