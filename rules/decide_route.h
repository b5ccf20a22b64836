/* rules/decide_route.h: what the files that decide about routes share. */
#ifndef RULES_DECIDE_ROUTE_H
#define RULES_DECIDE_ROUTE_H

#include "rules/decide.h"

#define BIT(i) (UINT64_C(1) << (i))
#define MOVES_MAX 16

enum health { HEALTH_BAD, HEALTH_UNKNOWN, HEALTH_GOOD };

static inline const struct route *
conf(const struct world *w, uint32_t id)
{
	return &w->rules->routes[id];
}

/* ---- decide_choice.c ---- */
enum health route_health(const struct world *w, uint32_t id, uint32_t backend);
uint64_t route_all_of(const struct route *c);
uint64_t route_primary(const struct world *w, uint32_t id); /* the set when all is well */
uint64_t route_choose_one(struct world *w, uint32_t id);
uint64_t route_choose(struct world *w, uint32_t id);
/* One of these cannot go on carrying traffic: no brake holds that move. */
bool route_must_leave(const struct world *w, uint32_t id, uint64_t set);
void route_note_health(struct world *w, uint32_t id);

/* ---- decide_switch.c ---- */
void route_names(const struct world *w, uint32_t id, uint64_t set, char *out, size_t cap);
void route_set_state(struct world *w, uint32_t id, enum route_state state);
void route_order_set(struct world *w, uint32_t id, uint64_t set, const char *kind,
		     const char *why);
bool route_flapping(const struct world *w, uint32_t id);
/* When the oldest of the moves that make it flap is forgotten. */
int64_t route_flap_over_ms(const struct world *w, uint32_t id);
void route_proven(struct world *w, uint32_t id);
void route_tell_moved(struct world *w, uint32_t id);
void route_verify_failed(struct world *w, uint32_t id);

/* Tells people, by a page: its contacts, or those of [monitord]. */
void route_page(struct world *w, uint32_t id, const char *text);

/* ---- decide_hand.c ---- */
bool route_is_by_hand(const struct route_view *r);
void route_manual_ends(struct world *w, uint32_t id); /* if its time is over */
/* The front was changed, and not by us. */
void route_changed(struct world *w, uint32_t id, enum route_change change);

/* ---- decide_route.c ---- */
void route_arm(struct world *w, uint32_t id); /* its next deadline */

#endif
