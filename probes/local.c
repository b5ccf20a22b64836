/* What this host says: looks at files and itself, scripts, the processes of services. */
#include "probes/probes.h"

#include "base/log.h"
#include "probes/look.h"
#include "probes/sample.h"
#include "probes/script.h"
#include "rules/same.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct local {
	struct helper helper;
	struct scripts all;
	struct results results;
	struct rules *rules;
	struct script **scripts; /* by check id; NULL: no script */
	struct looks shared;
	struct look **looks; /* by check id; NULL: no look */
	struct commands *commands;
	struct samples *samples;
};

static void
carry(struct local *l, struct script **scripts, const struct rules *old, uint32_t *new_id)
{
	for (uint32_t o = 0; o < old->check_count; o++) {
		uint32_t id = rules_find(l->rules, OBJECT_CHECK, old->checks[o].name);
		struct script *s = l->scripts[o];
		new_id[o] = UINT32_MAX;
		if (s == NULL)
			continue;
		if (id == RULES_NONE ||
		    !same_measurement(&old->checks[o], &l->rules->checks[id])) {
			script_stop(s);
			free(s);
			continue;
		}
		if (!script_carry(s, id))
			probes_out_of_memory();
		new_id[o] = id;
		scripts[id] = s;
	}
}

static void
carry_looks(struct local *l, struct look **looks, const struct rules *old, uint32_t *new_id)
{
	for (uint32_t o = 0; o < old->check_count; o++) {
		uint32_t id = rules_find(l->rules, OBJECT_CHECK, old->checks[o].name);
		if (l->looks[o] == NULL)
			continue;
		if (id == RULES_NONE ||
		    !same_measurement(&old->checks[o], &l->rules->checks[id])) {
			look_end(&l->looks[o]);
			continue;
		}
		if (!look_carry(l->looks[o], id))
			probes_out_of_memory();
		new_id[o] = id;
		looks[id] = l->looks[o];
	}
}

static void
begin_looks(struct local *l, struct look **looks)
{
	for (uint32_t i = 0; i < l->rules->check_count; i++)
		if (looks[i] == NULL && look_is_kind(l->rules->checks[i].kind) &&
		    !look_begin(&looks[i], &l->shared, i))
			probes_out_of_memory();
}

static void
take_rules(struct local *l, struct rules *new)
{
	struct rules *old = l->rules;
	uint32_t count = new->check_count;
	struct script **scripts = calloc(count + 1, sizeof *scripts);
	uint32_t *new_id = calloc(old != NULL ? old->check_count + 1 : 1, sizeof *new_id);
	struct samples *samples = samples_new(&l->helper, new, l->commands);
	struct look **looks = calloc(count + 1, sizeof(struct look *));
	if (scripts == NULL || looks == NULL || new_id == NULL || samples == NULL)
		probes_out_of_memory();
	l->rules = new;
	l->all.rules = l->shared.rules = new;
	if (old != NULL) {
		carry(l, scripts, old, new_id);
		carry_looks(l, looks, old, new_id);
		samples_carry(samples, l->samples);
	}
	if (old == NULL ? !results_begin(&l->results, &l->helper, count)
			: !results_renumber(&l->results, new_id, count))
		probes_out_of_memory();
	for (uint32_t i = 0; i < count; i++) {
		if (scripts[i] != NULL || new->checks[i].kind != CHECK_SCRIPT)
			continue;
		scripts[i] = calloc(1, sizeof **scripts);
		if (scripts[i] == NULL || !script_begin(scripts[i], &l->all, i))
			probes_out_of_memory();
	}
	begin_looks(l, looks);
	free(new_id);
	free(l->looks);
	l->looks = looks;
	free(l->scripts);
	l->scripts = scripts;
	samples_free(&l->samples);
	l->samples = samples;
	rules_free(&old);
}

static void
opened(struct local *l, struct msg_packet *p)
{
	struct msg_opened o;
	memcpy(&o, p->items, sizeof o);
	int fd = o.error != 0 || p->fd == -1 ? -(o.error != 0 ? o.error : EIO) : p->fd;
	bool file = o.what == OPEN_CHECK_FILE;
	struct script *s = file ? NULL : script_of_token(&l->all, o.token);
	struct look *look = file ? look_of_token(&l->shared, o.token) : NULL;
	if (s == NULL && look == NULL)
		return; /* nobody waits for it; it is closed behind us */
	if (s != NULL)
		script_opened(s, fd);
	else
		look_opened(look, fd);
	p->fd = -1;
}

static void
pace(struct local *l, const struct msg_pace *p)
{
	if (p->check >= l->rules->check_count || p->pace >= PACES)
		return;
	if (l->scripts[p->check] != NULL)
		schedule_pace(&l->scripts[p->check]->schedule, (enum pace)p->pace);
	if (l->looks[p->check] != NULL)
		look_pace(l->looks[p->check], (enum pace)p->pace);
}

static void
item(struct local *l, enum msg_kind kind, const void *at)
{
	const struct msg_watch *watch = at;
	const struct msg_script_end *end = at;
	if (kind == MSG_PACE) {
		pace(l, at);
	} else if (kind == MSG_WATCH && watch->service < l->rules->service_count) {
		samples_watch(l->samples, watch);
	} else if (kind == MSG_SCRIPT_END) {
		struct script *s = script_of_token(&l->all, end->token);
		if (s != NULL)
			script_ended(s, end);
	}
}

static void
on_packet(struct helper *h, struct msg_packet *p)
{
	struct local *l = h->arg;
	struct msg_rules rules;
	enum msg_kind kind = (enum msg_kind)p->head.kind;
	if (kind == MSG_RULES) {
		memcpy(&rules, p->items, sizeof rules);
		take_rules(l, probes_load(p->fd));
		helper_loaded(h, rules.generation);
	} else if (kind == MSG_OPENED) {
		opened(l, p);
	} else {
		for (unsigned i = 0; i < p->head.count; i++)
			item(l, kind, p->items + i * msg_item_size(kind));
	}
}

static void
flush(void *arg)
{
	struct local *l = arg;
	if (l->rules != NULL)
		results_flush(&l->results);
}

static void
on_writable(struct helper *h)
{
	flush(h->arg);
}

int
local_main(void)
{
	static struct local l;
	l.helper = (struct helper){ .loop = loop_new(0),
				    .role = ROLE_LOCAL,
				    .packet = on_packet,
				    .writable = on_writable,
				    .arg = &l };
	l.all.helper = &l.helper;
	l.all.results = &l.results;
	l.shared.helper = &l.helper;
	l.shared.results = &l.results;
	if (l.helper.loop != NULL)
		l.shared.workers = workers_new(l.helper.loop);
	l.shared.mounts = mounts_new();
	if (l.shared.workers != NULL && l.shared.mounts != NULL)
		l.commands = commands_new(l.helper.loop, l.shared.workers);
	if (l.commands == NULL) {
		log_error("the event loop cannot be made");
		return 1;
	}
	loop_before_sleep(l.helper.loop, flush, &l);
	if (!helper_begin(&l.helper, 0))
		return 1;
	loop_run(l.helper.loop);
	return 0;
}
