#include "base/log.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *program = "monitord";
static bool journal, socket_reads;
static unsigned long lost; /* writes */
static pid_t gatherer; /* 0: nothing waits */
static char waiting[4096]; /* PIPE_BUF: one write stays in one piece */
static size_t waiting_size;

void
log_fill(void)
{
	int fd = open("/dev/null", O_RDWR);
	while (fd != -1 && fd <= STDERR_FILENO)
		fd = open("/dev/null", O_RDWR);
	if (fd != -1)
		close(fd);
}

/* Others hold the same description, a shell its terminal: theirs goes on to wait. */
void
log_unblock(void)
{
	struct stat st;
	if (fstat(STDERR_FILENO, &st) != 0 ||
	    (!S_ISFIFO(st.st_mode) && isatty(STDERR_FILENO) == 0))
		return;
	int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return;
	dup2(fd, STDERR_FILENO);
	close(fd);
}

/* False: it is lost. */
static bool
put(const char *text, size_t size)
{
	ssize_t n = socket_reads
			    ? send(STDERR_FILENO, text, size, MSG_DONTWAIT | MSG_NOSIGNAL)
			    : write(STDERR_FILENO, text, size);
	return n != -1 || (errno != EAGAIN && errno != EINTR);
}

static void
put_lines(const char *text, size_t size)
{
	char told[100];
	if (lost > 0) {
		int n = snprintf(told, sizeof told,
				 "%s%s: %lu times nobody took what was to be logged\n",
				 journal ? "<4>" : "", program, lost);
		if (!put(told, (size_t)n)) {
			lost++;
			return;
		}
		lost = 0;
	}
	lost += !put(text, size);
}

void
log_open(const char *name)
{
	program = name;
	journal = getenv("JOURNAL_STREAM") != NULL;
	struct stat st;
	socket_reads = fstat(STDERR_FILENO, &st) == 0 && S_ISSOCK(st.st_mode);
}

void
log_flush(void)
{
	size_t size = waiting_size;
	waiting_size = 0;
	if (size > 0 && getpid() == gatherer)
		put_lines(waiting, size);
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
	struct text head;
	text_begin(&head, text, sizeof text);
	if (journal)
		text_add(&head, "<%d>", priority);
	text_put(&head, program);
	text_put(&head, ": ");
	size_t used = head.length;
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
	put_lines(text, used);
}

#define LOG_FUNCTION(name, priority)                                                               \
	void name(const char *format, ...)                                                         \
	{                                                                                          \
		va_list args;                                                                      \
		va_start(args, format);                                                            \
		line(priority, format, args);                                                      \
		va_end(args);                                                                      \
	}

LOG_FUNCTION(log_error, 3)
LOG_FUNCTION(log_warning, 4)
LOG_FUNCTION(log_info, 6)
