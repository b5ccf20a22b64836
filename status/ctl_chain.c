/* monitorctl explain CHAIN: each path with the states along it. */
#include "status/ctl.h"

#include <stdio.h>
#include <string.h>

static void
print_link(const json_t *status, const char *name)
{
	const char *kind;
	const json_t *o = find_object(status, name, &kind);
	const char *state = text_of(o, "state");
	printf("%s %s%s%s", name, tone_on(state_tone(state)),
	       *state != '\0' ? state : "not known", tone_off());
}

void
print_chain(const struct ctl *ctl, const json_t *status, const json_t *chain)
{
	static const char *const words[][2] = {
		{ "primary", "is served by its first choice" },
		{ "secondary", "is served, but not by its first choice" },
		{ "down", "is not served" },
		{ "unknown", "is not known to be served" },
	};
	const char *state = text_of(chain, "state"), *said = state;
	size_t i, k;
	json_t *path, *name;
	if (ctl->json) {
		json_t *all = json_pack("{s:s,s:O}", "kind", "chain", "object", chain);
		print_json(all);
		json_decref(all);
		return;
	}
	for (i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(words[i][0], state) == 0)
			said = words[i][1];
	printf("chain %s %s%s%s", text_of(chain, "name"),
	       tone_on(strcmp(state, "primary") == 0 ? TONE_GOOD
		       : strcmp(state, "down") == 0  ? TONE_BAD
						     : TONE_WARN),
	       said, tone_off());
	printf("%s%s\n", *text_of(chain, "text") != '\0' ? ": " : "",
	       text_of(chain, "text"));
	json_array_foreach(json_object_get(chain, "paths"), i, path)
	{
		printf("  ");
		json_array_foreach(path, k, name)
		{
			printf("%s", k > 0 ? " -> " : "");
			print_link(status, json_string_value(name));
		}
		putchar('\n');
	}
	if (*text_of(chain, "check") != '\0') {
		printf("  end to end: ");
		print_link(status, text_of(chain, "check"));
		putchar('\n');
	}
}
