/* Commands: each waits for its outcome and says it in one line. */
#include "status/ctl.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *verb, *done;
} verb_table[] = {
	{ "start", "started" },   { "stop", "stopped" },     { "restart", "restarted" },
	{ "reload", "reloaded" }, { "hold", "held" },        { "release", "released" },
	{ "drain", "drained" },   { "undrain", "undrained" },
	{ "reroute", "moved" },   { "restore", "restored" }, { "test", "delivered" },
};

static const char *
done_word(const char *verb)
{
	for (size_t i = 0; i < sizeof verb_table / sizeof *verb_table; i++)
		if (strcmp(verb_table[i].verb, verb) == 0)
			return verb_table[i].done;
	return "done";
}

void
print_answer(const struct answer *a, const char *name, const char *verb)
{
	json_t *root = json_loadb(a->bytes, a->size, 0, NULL);
	json_t *line = json_pack("{s:s,s:s?}", "command", verb, "name",
				 *name != '\0' ? name : NULL);
	if (json_is_object(root))
		json_object_update(line, root);
	print_json(line);
	json_decref(line);
	json_decref(root);
}

/* POSTs and says what came of it. */
static enum ctl_exit
carry_out(const struct ctl *ctl, const char *path, const char *body, const char *name,
	  const char *verb)
{
	struct answer a;
	char full[512], what[160];
	text_print(full, sizeof full, "%s%s", path, ctl->no_wait ? "?wait=0" : "");
	text_print(what, sizeof what, "%s%s%s", verb, *name != '\0' ? " " : "", name);
	if (!http_ask(ctl, full, body, &a))
		return CTL_NO_DAEMON;
	enum ctl_exit code = answer_exit(&a, what);
	if (ctl->json) {
		print_answer(&a, name, verb);
	} else if (code == CTL_DONE) {
		json_t *root = json_loadb(a.bytes, a.size, 0, NULL);
		const char *text = text_of(root, "text");
		bool already =
			a.code == 200 && json_is_null(json_object_get(root, "event"));
		const char *done = done_word(verb);
		bool says_so = a.code == 200 && strncmp(text, done, strlen(done)) == 0;
		printf("%s: %s", *name != '\0' ? name : "monitord",
		       a.code == 202 ? "accepted"
		       : says_so     ? text
				     : done);
		if (already && !says_so)
			fputs(" already", stdout);
		else if (a.code == 200 && *text != '\0' && !says_so)
			printf(": %s", text);
		putchar('\n');
		json_decref(root);
	}
	answer_free(&a);
	return code;
}

static enum ctl_exit
one_service(const struct ctl *ctl, const char *verb, const char *name)
{
	char path[256];
	text_print(path, sizeof path, "/v1/services/%s/%s", name, verb);
	json_t *span = ctl->span != NULL ? json_pack("{s:s}", "for", ctl->span) : NULL;
	char *body = span != NULL ? json_dumps(span, JSON_COMPACT) : NULL;
	enum ctl_exit code = carry_out(ctl, path, body != NULL ? body : "", name, verb);
	free(body);
	json_decref(span);
	return code;
}

/* The services among what a name stands for; stopping goes the other way round. */
static enum ctl_exit
these_services(const struct ctl *ctl, const char *verb, const json_t *found,
	       const char *name)
{
	size_t n = json_array_size(found), services = 0;
	bool backwards = strcmp(verb, "stop") == 0;
	enum ctl_exit worst = CTL_DONE;
	for (size_t i = 0; i < n && worst != CTL_NO_DAEMON; i++) {
		const json_t *x = json_array_get(found, backwards ? n - 1 - i : i);
		if (strcmp(text_of(x, "kind"), "service") != 0)
			continue;
		services++;
		enum ctl_exit code =
			one_service(ctl, verb,
				    text_of(json_object_get(x, "object"), "name"));
		if (worst == CTL_DONE || code == CTL_NO_DAEMON)
			worst = code;
	}
	if (services > 0 || strcmp(name, "all") == 0)
		return worst;
	fprintf(stderr, "monitorctl: %s %s: it is no service\n", verb, name);
	return CTL_NO_SUCH_NAME;
}

enum ctl_exit
ctl_services(struct ctl *ctl, const char *verb)
{
	enum ctl_exit code, worst = CTL_DONE;
	json_t *status = http_json(ctl, "/v1/status", &code);
	if (status == NULL)
		return code;
	json_t **found = calloc((size_t)ctl->count, sizeof(json_t *));
	for (int i = 0; found != NULL && i < ctl->count;
	     i++) /* all names before any deed */
		if ((found[i] = find_objects(status, ctl->names[i])) == NULL)
			worst = CTL_NO_SUCH_NAME;
	for (int i = 0; found != NULL && i < ctl->count; i++) {
		if (worst != CTL_NO_SUCH_NAME && worst != CTL_NO_DAEMON) {
			code = these_services(ctl, verb, found[i], ctl->names[i]);
			worst = worst == CTL_DONE || code == CTL_NO_DAEMON ? code : worst;
		}
		json_decref(found[i]);
	}
	free(found);
	json_decref(status);
	return worst;
}

bool
is_name_bytes(const char *text)
{
	return text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				 "0123456789-_.")] == '\0';
}

bool
is_name(const char *name)
{
	return *name != '\0' && strlen(name) <= 64 && is_name_bytes(name);
}

enum ctl_exit
no_name(const char *verb, const char *name)
{
	fprintf(stderr, "monitorctl: %s: no such name: %s\n", verb, name);
	return CTL_NO_SUCH_NAME;
}

enum ctl_exit
ctl_route(struct ctl *ctl, const char *verb)
{
	char path[256];
	const char *name = ctl->names[0];
	if (!is_name(name))
		return no_name(verb, name);
	text_print(path, sizeof path, "/v1/routes/%s/%s", name, verb);
	json_t *to = ctl->count > 1 || ctl->span != NULL
			     ? json_pack("{s:s*, s:s*}", "to",
					 ctl->count > 1 ? ctl->names[1] : NULL, "for",
					 ctl->span)
			     : NULL;
	if (ctl->count > 1 && to == NULL)
		return no_name(verb, ctl->names[1]); /* no UTF-8 */
	char *body = to != NULL ? json_dumps(to, JSON_COMPACT) : NULL;
	enum ctl_exit code = carry_out(ctl, path, body != NULL ? body : "", name, verb);
	free(body);
	json_decref(to);
	return code;
}

enum ctl_exit
ctl_reload(struct ctl *ctl)
{
	return carry_out(ctl, "/v1/reload", "", "", "reload");
}

enum ctl_exit
ctl_test(struct ctl *ctl)
{
	char path[256];
	if (!is_name(ctl->names[0]))
		return no_name("test", ctl->names[0]);
	text_print(path, sizeof path, "/v1/contacts/%s/test", ctl->names[0]);
	return carry_out(ctl, path, "", ctl->names[0], "test");
}
