/* A dry run: what would be done is told, once for each object until it is something else.
 */
#include "rules/decide.h"

#include <string.h>

bool
dry_instead(struct world *w, enum object_kind kind, uint32_t id, const char *what)
{
	const char **told = &w->dry[w->base[kind] + id];
	if (!w->rules->settings.dry_run)
		return false;
	if (*told == NULL || strcmp(*told, what) != 0)
		world_tell(w, "dry-run", kind, id, "%s would be %s now",
			   rules_name(w->rules, kind, id), what);
	*told = what;
	return true;
}

/* No order leaves the core of a dry run, whatever led to it. */
void
dry_drop(struct world *w)
{
	static const bool acts[DECIDE_KINDS] = {
		[DECIDE_START] = true,        [DECIDE_SIGNAL] = true,
		[DECIDE_STOP_COMMAND] = true, [DECIDE_RELOAD] = true,
		[DECIDE_ROUTE] = true,        [DECIDE_RUN] = true,
	};
	size_t kept = 0;
	if (!w->rules->settings.dry_run)
		return;
	for (size_t i = 0; i < w->out->count; i++) {
		if (acts[w->out->list[i].kind])
			continue;
		if (kept != i)
			w->out->list[kept] = w->out->list[i];
		kept++;
	}
	w->out->count = kept;
}
