/* rules/decide_incident.h: inside the pure core: incidents, in five files.
 *
 * What belongs together is one incident (decide_relate.c), told when it begins, again, when
 * it escalates (decide_telling.c) and when it is over (decide_incident.c), unless it is
 * silenced (decide_silence.c), and goes on over our own death (recall_incident.c). */
#ifndef RULES_DECIDE_INCIDENT_H
#define RULES_DECIDE_INCIDENT_H

#include "rules/decide.h"

/* ---- decide_relate.c ---- */
/* The open incident of the object itself. NO_INCIDENT: none. */
uint32_t incident_index(const struct world *w, enum object_kind kind, uint32_t id);
/* The object has none: the open incident of something that it belongs to, or that it explains. */
uint32_t incident_related(const struct world *w, enum object_kind kind, uint32_t id);
/* The object explains what the present root shows: the root needs it, by a chain, by
 * depends, or as a check of it. */
bool incident_explains(const struct world *w, enum object_kind kind, uint32_t id,
		       enum object_kind root_kind, uint32_t root_id);
/* False: there is nothing that could explain it as a root. */
bool incident_has_causes(const struct world *w, enum object_kind kind, uint32_t id);

/* ---- decide_incident.c ---- */
/* A place for one more: the oldest that is closed; NO_INCIDENT: all are open. */
uint32_t incident_place(struct world *w);

/* ---- decide_telling.c ---- */
/* Writes a line about the incident that people are not told of. */
struct journal_line *incident_line(struct world *w, uint32_t index, const char *kind,
				   const char *text);
/* Writes a line about the incident; people are told of it unless it is silenced. */
void incident_tell(struct world *w, uint32_t index, const char *kind, const char *text);
/* What began then gathers until this. */
int64_t incident_gathered(int64_t began_ms);
void incident_arm(struct world *w, uint32_t index); /* when it is to be looked at next */

void incident_tell_again(struct world *w, uint32_t index); /* reminders and escalations that are due */

/* ---- decide_silence.c ---- */
void silence_arm(struct world *w); /* something is not told now, for a time */
bool incident_silenced(const struct world *w, const struct incident *x);

#endif
