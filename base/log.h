/* base/log.h: one line a call on standard error, with the program's name; with systemd's
 * "<N>" priority prefix where JOURNAL_STREAM says the journal reads it. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

void log_open(const char *program, bool verbose); /* program is kept */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
