/* base/log.h: one line a call on standard error, with the program's name; with systemd's
 * "<N>" priority prefix where JOURNAL_STREAM says the journal reads it. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

/* First of all: a descriptor from 0 to 2 that is closed would become a file of ours, and get
 * what is printed. */
void log_fill(void);
/* Who reads our lines may stop doing so (a journal that hangs, a terminal that is held): what
 * cannot be written at once is lost and counted, also by what we begin, and nobody waits. */
void log_unblock(void);
void log_open(const char *program); /* its name, which is kept */
/* From now on what is no warning or error may wait for log_flush, so that many lines are one
 * write; false: no longer, and what waits is written. A child that forks off writes none of it. */
void log_gather(bool on);
void log_flush(void); /* writes what waits */
/* A line, as printf; what is longer than 1,100 bytes is cut. A warning or an error is written at
 * once, behind what waits. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
