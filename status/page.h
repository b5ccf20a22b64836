/* status/page.h: the dashboard's files (status/web/), which are part of the program. */
#ifndef STATUS_PAGE_H
#define STATUS_PAGE_H

#include <stddef.h>

struct page_file {
	const char *path; /* "/app.js" */
	const char *type;
	const unsigned char *bytes;
	size_t size;
};

extern const struct page_file page_files[];
extern const size_t page_file_count;

#endif
