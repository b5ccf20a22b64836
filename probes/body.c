/* Tests of a body's text: what it contains, its checksum, a JSON value in it. */
#include "probes/expect.h"

#include "base/text.h"

#include <jansson.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

bool
body_sha256(const char *bytes, size_t size, char hex[65])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	if (EVP_Digest(bytes, size, digest, &length, EVP_sha256(), NULL) != 1 ||
	    length != 32)
		return false;
	for (unsigned i = 0; i < length; i++)
		text_print(hex + 2 * i, 3, "%02x", digest[i]);
	return true;
}

/* One step of a pointer, "a~1b" for the name a/b; p is moved behind it. */
static size_t
step_of(const char **p, char *out, size_t cap)
{
	size_t n = 0;
	for ((*p)++; **p != '\0' && **p != '/'; (*p)++) {
		char c = **p;
		if (c == '~' && ((*p)[1] == '0' || (*p)[1] == '1'))
			c = *++*p == '0' ? '~' : '/';
		if (n + 1 < cap)
			out[n++] = c;
	}
	out[n] = '\0';
	return n;
}

/* RFC 6901 4: a place of an array is digits without a leading zero. */
static const json_t *
element(const json_t *array, const char *step)
{
	char *end;
	if (*step == '\0' || strspn(step, "0123456789") != strlen(step) ||
	    (*step == '0' && step[1] != '\0') || strlen(step) > 9)
		return NULL;
	return json_array_get(array, (size_t)strtoul(step, &end, 10));
}

static const json_t *
find(const json_t *at, const char *pointer)
{
	char step[1024];
	while (at != NULL && *pointer == '/') {
		step_of(&pointer, step, sizeof step);
		at = json_is_array(at) ? element(at, step) : json_object_get(at, step);
	}
	return at;
}

/* A value as a rule would write it. */
static void
value_words(const json_t *v, char *out, size_t cap)
{
	if (json_is_string(v))
		text_clean(out, cap, json_string_value(v), json_string_length(v));
	else if (json_is_integer(v))
		text_print(out, cap, "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		text_print(out, cap, "%.17g", json_real_value(v));
	else
		text_print(out, cap, "%s",
			   json_is_true(v)    ? "true"
			   : json_is_false(v) ? "false"
			   : json_is_null(v)  ? "null"
			   : json_is_array(v) ? "an array"
					      : "an object");
}

static bool
numbers_compare(enum compare compare, const json_t *v, double wanted)
{
	double is = json_number_value(v);
	return json_is_number(v) && (compare == COMPARE_LT   ? is < wanted
				     : compare == COMPARE_LE ? is <= wanted
				     : compare == COMPARE_GT ? is > wanted
							     : is >= wanted);
}

static bool
same_value(const json_t *v, const char *text)
{
	char words[64], *end;
	if (json_is_string(v))
		return json_string_length(v) == strlen(text) &&
		       strcmp(json_string_value(v), text) == 0;
	if (json_is_array(v) || json_is_object(v))
		return false;
	double wanted = strtod(text, &end);
	if (json_is_number(v) && end != text && *end == '\0')
		return fabs(json_number_value(v) - wanted) < 1e-9;
	value_words(v, words, sizeof words);
	return strcmp(words, text) == 0;
}

static bool
value_holds(const struct expect *x, const pcre2_code *re, const json_t *v)
{
	char words[2048];
	size_t end;
	if (x->compare == COMPARE_PRESENT)
		return true;
	if (x->compare < COMPARE_EQ)
		return numbers_compare(x->compare, v, x->value);
	if (x->compare == COMPARE_EQ || x->compare == COMPARE_NE)
		return same_value(v, x->text) == (x->compare == COMPARE_EQ);
	if (json_is_string(v))
		return expect_matches(re, json_string_value(v), json_string_length(v),
				      &end) == (x->compare == COMPARE_MATCH);
	value_words(v, words, sizeof words);
	return expect_matches(re, words, strlen(words), &end) ==
	       (x->compare == COMPARE_MATCH);
}

bool
body_json(const struct expect *x, const pcre2_code *re, const char *bytes, size_t size,
	  char *found, size_t cap)
{
	json_error_t error;
	char words[80];
	bool holds = x->compare == COMPARE_NE || x->compare == COMPARE_NOT_MATCH;
	json_t *root =
		json_loadb(bytes, size,
			   JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
			   &error);
	if (root == NULL) {
		text_clean(words, sizeof words, error.text, strlen(error.text));
		text_print(found, cap, "no JSON: %s (line %d)", words, error.line);
		return false;
	}
	const json_t *v = find(root, x->header);
	if (v == NULL) {
		text_print(found, cap, "no json %.60s", x->header);
	} else {
		value_words(v, words, 61);
		text_print(found, cap, "json %.60s is %s", x->header, words);
		holds = value_holds(x, re, v);
	}
	json_decref(root);
	return holds;
}
