#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *program = "monitord";
static bool verbose, journal;
static pid_t gatherer; /* 0: nothing waits */
static char waiting[4096]; /* PIPE_BUF: one write stays in one piece */
static size_t waiting_size;

void
log_open(const char *name, bool more)
{
	program = name;
	verbose = more;
	journal = getenv("JOURNAL_STREAM") != NULL;
}

void
log_flush(void)
{
	size_t size = waiting_size;
	waiting_size = 0;
	if (size > 0 && getpid() == gatherer && write(STDERR_FILENO, waiting, size) < 0)
		return; /* nobody left to tell */
}

void
log_gather(bool on)
{
	log_flush();
	gatherer = on ? getpid() : 0;
}

/* Whole lines in one write(2), so that those of several programs never mix. */
static void line(int priority, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void
line(int priority, const char *format, va_list args)
{
	char text[1200];
	int n = journal ? snprintf(text, sizeof text, "<%d>%s: ", priority, program)
			: snprintf(text, sizeof text, "%s: ", program);
	if (n < 0)
		return;
	size_t used = (size_t)n;
	int m = vsnprintf(text + used, sizeof text - 1 - used, format, args);
	if (m > 0)
		used += (size_t)m < sizeof text - 1 - used ? (size_t)m
							   : sizeof text - 2 - used;
	text[used++] = '\n';
	if (used > sizeof waiting - waiting_size || priority < 6)
		log_flush();
	if (gatherer != 0 && priority >= 6) {
		memcpy(waiting + waiting_size, text, used);
		waiting_size += used;
		return;
	}
	if (write(STDERR_FILENO, text, used) < 0)
		return; /* nobody left to tell */
}

#define LOG_FUNCTION(name, priority, condition)                                                    \
	void name(const char *format, ...)                                                         \
	{                                                                                          \
		va_list args;                                                                      \
		if (!(condition))                                                                  \
			return;                                                                    \
		va_start(args, format);                                                            \
		line(priority, format, args);                                                      \
		va_end(args);                                                                      \
	}

LOG_FUNCTION(log_error, 3, true)
LOG_FUNCTION(log_warning, 4, true)
LOG_FUNCTION(log_info, 6, true)
LOG_FUNCTION(log_debug, 7, verbose)
