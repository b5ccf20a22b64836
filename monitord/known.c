/* Users and groups as numbers, asked for once: a user database that does not answer holds
 * root's loop up for seconds, and must not do so for each start of a script. A reload
 * asks anew. */
#include "base/clock.h"
#include "base/text.h"
#include "monitord/process_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SILENT_MS 60000 /* a database that did not answer is not asked for so long */

/* The place of a pair; NULL: errno. */
static struct known_account *
place(struct processes *ps, const char *user, const char *group)
{
	struct known_account **at = &ps->accounts, *a;
	while ((a = *at) != NULL &&
	       (strcmp(a->user, user) != 0 || strcmp(a->group, group) != 0))
		at = &a->next;
	if (a != NULL)
		return a;
	errno = E2BIG;
	if (strlen(user) >= sizeof a->user || strlen(group) >= sizeof a->group)
		return NULL;
	a = calloc(1, sizeof *a);
	if (a == NULL)
		return NULL;
	text_print(a->user, sizeof a->user, "%s", user);
	text_print(a->group, sizeof a->group, "%s", group);
	*at = a;
	return a;
}

const struct account *
known_account(struct processes *ps, const char *user, const char *group,
	      char why[MSG_TEXT])
{
	struct known_account *a =
		place(ps, user != NULL ? user : "", group != NULL ? group : "");
	struct account found;
	if (a == NULL) {
		text_print(why, MSG_TEXT, "user %s: %s", user != NULL ? user : "",
			   strerror(errno));
		return NULL;
	}
	if (a->known && a->age == ps->accounts_age)
		return &a->account;
	if (a->silent_ms != 0 && clock_ms() - a->silent_ms < SILENT_MS) {
		text_print(why, MSG_TEXT, "user %s: no answer from the user database",
			   a->user);
		return NULL;
	}
	errno = 0;
	bool good = account_resolve(user, group, &found, why);
	a->silent_ms = !good && errno == ETIMEDOUT ? clock_ms() : 0;
	if (!good)
		return NULL;
	a->account = found;
	a->known = true;
	a->age = ps->accounts_age;
	return &a->account;
}

bool
process_account(struct process *p, char why[MSG_TEXT])
{
	const struct service *c = process_service(p);
	if (p->account_good)
		return true;
	const struct account *a = known_account(p->owner, c->user, c->group, why);
	if (a == NULL)
		return false;
	p->account = a;
	p->account_good = true;
	return true;
}

const struct account *
process_probes(struct processes *ps)
{
	if (!ps->probes_known)
		ps->probes =
			account_helper("monitord-probes", ps->rules->settings.uid_base);
	ps->probes_known = true;
	return &ps->probes;
}

void
known_free(struct processes *ps)
{
	while (ps->accounts != NULL) {
		struct known_account *next = ps->accounts->next;
		free(ps->accounts);
		ps->accounts = next;
	}
}
