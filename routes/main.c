/* monitord-routes: makes traffic fronts do what monitord wants, and says what they do. */
#include "routes/drivers.h"

#include "base/log.h"
#include "rules/parse.h"
#include "rules/same.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct routes {
	struct helper helper;
	struct rules *rules;
	struct front **fronts; /* by route id */
};

static bool
same_front(const struct route *a, const struct route *b)
{
	bool same = strcmp(a->name, b->name) == 0 && a->driver == b->driver &&
		    same_text(a->path, b->path) && same_text(a->front, b->front) &&
		    same_text(a->host, b->host) && a->port == b->port &&
		    same_text(a->secret, b->secret) && a->all == b->all &&
		    a->link == b->link && a->vcl == b->vcl &&
		    same_text(a->label, b->label) && same_text(a->target, b->target) &&
		    same_text(a->line, b->line) && a->slow_ms == b->slow_ms &&
		    a->backend_count == b->backend_count;
	for (uint32_t i = 0; same && i < a->backend_count; i++)
		same = strcmp(a->backends[i].name, b->backends[i].name) == 0 &&
		       same_text(a->backends[i].host, b->backends[i].host) &&
		       a->backends[i].port == b->backends[i].port;
	return same;
}

/* What did not change goes on, an exchange in flight included. */
static struct front *
carry(struct routes *r, const struct route *new)
{
	for (uint32_t o = 0; r->rules != NULL && o < r->rules->route_count; o++) {
		struct front *f = r->fronts[o];
		if (f == NULL || !same_front(f->route, new))
			continue;
		r->fronts[o] = NULL;
		f->route = new;
		return f;
	}
	return front_new(&r->helper, new);
}

static void
load(struct routes *r, int fd, uint32_t generation)
{
	struct rules *new = rules_from_fd(fd);
	struct front **fronts =
		new != NULL ? calloc(new->route_count + 1, sizeof *fronts) : NULL;
	bool good = fronts != NULL;
	for (uint32_t i = 0; good && i < new->route_count; i++)
		good = (fronts[i] = carry(r, &new->routes[i])) != NULL;
	if (!good) {
		log_error("the rules cannot be taken");
		exit(1); /* monitord begins us anew */
	}
	for (uint32_t o = 0; r->rules != NULL && o < r->rules->route_count; o++)
		front_free(&r->fronts[o]);
	free(r->fronts);
	rules_free(&r->rules);
	r->rules = new;
	r->fronts = fronts;
	helper_loaded(&r->helper, generation);
	for (uint32_t i = 0; i < new->route_count; i++)
		front_work(fronts[i]);
}

static void
opened(struct routes *r, struct msg_packet *p)
{
	struct msg_opened o;
	memcpy(&o, p->items, sizeof o);
	for (uint32_t i = 0; i < r->rules->route_count; i++) {
		struct front *f = r->fronts[i];
		if (!f->busy || f->token != o.token)
			continue;
		f->token = 0;
		f->calls->opened(f, o.error != 0 ? -o.error : p->fd,
				 (enum open_what)o.what);
		p->fd = -1;
		return;
	}
}

static void
on_packet(struct helper *h, struct msg_packet *p)
{
	struct routes *r = h->arg;
	struct msg_rules rules;
	struct msg_route_order order;
	struct msg_route_written written;
	if (p->head.kind == MSG_RULES) {
		memcpy(&rules, p->items, sizeof rules);
		load(r, p->fd, rules.generation);
	} else if (p->head.kind == MSG_OPENED) {
		opened(r, p);
	}
	for (unsigned i = 0; p->head.kind == MSG_ROUTE_ORDER && i < p->head.count; i++) {
		memcpy(&order, p->items + i * sizeof order, sizeof order);
		if (order.route < r->rules->route_count)
			front_order(r->fronts[order.route], &order);
	}
	for (unsigned i = 0; p->head.kind == MSG_ROUTE_WRITTEN && i < p->head.count;
	     i++) {
		memcpy(&written, p->items + i * sizeof written, sizeof written);
		written.text[sizeof written.text - 1] = '\0';
		if (written.route < r->rules->route_count &&
		    r->fronts[written.route]->calls->written != NULL)
			r->fronts[written.route]->calls->written(r->fronts[written.route],
								 &written);
	}
}

static void
on_writable(struct helper *h)
{
	struct routes *r = h->arg;
	for (uint32_t i = 0; r->rules != NULL && i < r->rules->route_count; i++)
		if (r->fronts[i]->unsent)
			front_report(r->fronts[i]);
}

int
main(void)
{
	static struct routes r;
	log_open("monitord-routes");
	r.helper = (struct helper){ .loop = loop_new(0),
				    .role = ROLE_ROUTES,
				    .packet = on_packet,
				    .writable = on_writable,
				    .arg = &r };
	if (r.helper.loop == NULL || !helper_begin(&r.helper, 0))
		return 1;
	loop_run(r.helper.loop);
	return 0;
}
