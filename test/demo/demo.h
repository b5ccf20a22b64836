/* test/demo/demo.h: the small servers of `./bootstrap demo`: real processes, real sockets. */
#ifndef TEST_DEMO_DEMO_H
#define TEST_DEMO_DEMO_H

#include <stddef.h>
#include <stdint.h>

/* A listening socket on 127.0.0.1:port; ends the program with a message when it can't. */
int demo_listen(unsigned port);
/* A connected socket, or -1. Reads and writes end after timeout_ms. */
int demo_connect(unsigned port, int timeout_ms);
/* Reads until the end of an HTTP header section, or the cap; the length, 0: nothing came. */
size_t demo_read_head(int fd, char *buf, size_t cap);
/* All of it, or -1. */
int demo_write(int fd, const char *bytes, size_t size);
int64_t demo_real_ms(void);

int demo_backend(int argc, char **argv); /* NAME PORT */
int demo_front(int argc, char **argv);	 /* PORT FLAG-FILE NAME=PORT ... */
int demo_sink(int argc, char **argv);	 /* PORT MAILBOX */
int demo_load(int argc, char **argv);	 /* PORT RATE SECONDS */

#endif
