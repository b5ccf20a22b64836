/* Printing with the few conversions that most lines are made of; the rest is printf(3)'s, which
 * touches ten times the memory: a line is printed when nothing of us is in the cache. */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

struct printed {
	char *out;
	size_t cap, length; /* length: of all, also of what found no room */
};

static void
put(struct printed *p, const char *bytes, size_t n)
{
	size_t room = p->length < p->cap - 1 ? p->cap - 1 - p->length : 0;
	memcpy(p->out + (room > 0 ? p->length : 0), bytes, n < room ? n : room);
	p->length += n;
}

static void
put_string(struct printed *p, const char *s, int most)
{
	if (s == NULL) /* as the C library has it */
		s = most < 0 || most >= 6 ? "(null)" : "";
	put(p, s, most < 0 ? strlen(s) : strnlen(s, (size_t)most));
}

static void
put_number(struct printed *p, unsigned long long n, bool negative)
{
	char digits[24], *d = digits + sizeof digits;
	do
		*--d = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	if (negative)
		*--d = '-';
	put(p, d, (size_t)(digits + sizeof digits - d));
}

/* What follows a %: its end; NULL: it is none of ours. */
static const char *
convert(struct printed *p, const char *at, va_list *args)
{
	int most = -1;
	unsigned longs = 0;
	if (at[0] == '.' && at[1] == '*' && at[2] == 's') {
		most = va_arg(*args, int);
		at += 2;
	}
	for (; *at == 'l' && longs < 2; at++)
		longs++;
	if (*at == 's' && longs == 0) {
		put_string(p, va_arg(*args, const char *), most);
	} else if (*at == 'd') {
		long long n = longs == 0   ? va_arg(*args, int)
			      : longs == 1 ? va_arg(*args, long)
					   : va_arg(*args, long long);
		put_number(p, n < 0 ? 0 - (unsigned long long)n : (unsigned long long)n,
			   n < 0);
	} else if (*at == 'u') {
		put_number(p,
			   longs == 0   ? va_arg(*args, unsigned)
			   : longs == 1 ? va_arg(*args, unsigned long)
					: va_arg(*args, unsigned long long),
			   false);
	} else if (*at == '%' && longs == 0) {
		put(p, "%", 1);
	} else {
		return NULL;
	}
	return at + 1;
}

int
text_format(char *out, size_t cap, const char *format, va_list args)
{
	struct printed p = { .out = out, .cap = cap };
	const char *at = format;
	va_list mine;
	va_copy(mine, args);
	while (at != NULL && *at != '\0') {
		size_t plain = (size_t)(strchrnul(at, '%') - at);
		put(&p, at, plain);
		at += plain;
		if (*at == '%')
			at = convert(&p, at + 1, &mine);
	}
	va_end(mine);
	if (at == NULL)
		return vsnprintf(out, cap, format, args);
	out[p.length < cap ? p.length : cap - 1] = '\0';
	return (int)p.length;
}
