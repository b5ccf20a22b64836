/* monitord/beat.h: the beat of 500 ms that asks helpers whether they live, and tells whether our
 * own loop was late. It stops when nobody is to answer: then nothing of ours wakes. */
#ifndef MONITORD_BEAT_H
#define MONITORD_BEAT_H

#include "monitord/core.h"

/* A helper was sent something: it is to answer a ping. Of no effect while the beat goes on. */
void beat_begin(struct core *c);
/* Before each sleep of the loop (loop_before_sleep): sends what is new, flushes the log. */
void beat_sleep(void *core);

#endif
