/* Keys of [check] that speak of TLS, and files that monitord opens for a check. */
#include "rules/keys.h"

#include <string.h>

#define error(b, ...) build_error(b, (b)->entry->place, __VA_ARGS__)

struct tls_wish *
build_tls(struct build *b)
{
	struct tls_wish *t = build_get(b, sizeof *t);
	t->least = 12;
	return t;
}

static struct tls_wish *
wish(struct build *b, struct check *c)
{
	struct check_more *more = build_more(b, c);
	if (more->tls == NULL)
		more->tls = build_tls(b);
	return more->tls;
}

void
set_encrypt(struct build *b, void *object, const struct entry *e)
{
	static const char *const words[ENCRYPTS] = {
		[ENCRYPT_NO] = "no", [ENCRYPT_TLS] = "tls", [ENCRYPT_STARTTLS] = "starttls"
	};
	for (unsigned i = 0; i < ENCRYPTS; i++)
		if (strcmp(e->value, words[i]) == 0) {
			if (i != ENCRYPT_NO)
				wish(b, object)->encrypt = (enum encrypt)i;
			return;
		}
	error(b, "encrypt: expected no, tls or starttls, not '%.40s'", e->value);
}

void
set_tls_verify(struct build *b, void *object, const struct entry *e)
{
	bool no = strcmp(e->value, "no") == 0;
	if (!no && strcmp(e->value, "yes") != 0)
		error(b, "tls-verify: expected yes or no, not '%.40s'", e->value);
	wish(b, object)->unverified = no;
}

void
set_tls_name(struct build *b, void *object, const struct entry *e)
{
	if (strlen(e->value) > 253 || strpbrk(e->value, " \t/:\"") != NULL)
		error(b, "tls-name: '%.80s' is no host's name", e->value);
	wish(b, object)->name = e->value;
}

void
set_tls_min(struct build *b, void *object, const struct entry *e)
{
	static const char *const words[] = { "1.0", "1.1", "1.2", "1.3" };
	for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(e->value, words[i]) == 0) {
			wish(b, object)->least = 10 + i;
			return;
		}
	error(b, "tls-min: expected 1.0, 1.1, 1.2 or 1.3, not '%.40s'", e->value);
}

struct protocols {
	char bytes[256];
	size_t size;
};

static void
protocol(struct build *b, void *arg, const char *text)
{
	struct protocols *p = arg;
	size_t n = strlen(text);
	if (n == 0 || n > 64 || p->size + 1 + n > sizeof p->bytes) {
		error(b, "tls-alpn: '%.80s' is too long", text);
		return;
	}
	p->bytes[p->size++] = (char)n;
	memcpy(p->bytes + p->size, text, n);
	p->size += n;
}

void
set_tls_alpn(struct build *b, void *object, const struct entry *e)
{
	struct protocols p = { .size = 0 };
	struct tls_wish *t = wish(b, object);
	lex_list(b, e->value, protocol, &p);
	t->alpn = build_text(b, p.bytes, p.size);
	t->alpn_size = (uint32_t)p.size;
}

void
set_check_file(struct build *b, void *object, const struct entry *e)
{
	static const struct {
		const char *key;
		enum check_file file;
	} keys[] = {
		{ "tls-ca", FILE_CA },
		{ "server-key", FILE_CA }, /* of mysql, instead of TLS */
		{ "tls-cert", FILE_CERT },
		{ "tls-key", FILE_KEY },
		{ "secret-file", FILE_SECRET },
		{ "body-file", FILE_BODY },
		{ "auth-password-file", FILE_SECRET },
		{ "bearer-file", FILE_SECRET },
	};
	struct check *c = object;
	struct check_more *more = build_more(b, c);
	if (more->files == NULL)
		more->files = build_get(b, CHECK_FILES * sizeof *more->files);
	bool server_key = strcmp(e->key, "server-key") == 0,
	     ca = strcmp(e->key, "tls-ca") == 0;
	if ((ca || server_key) && more->files[FILE_CA] != NULL)
		error(b, "%s: %s stands there already", e->key,
		      ca ? "server-key" : "tls-ca");
	for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strcmp(keys[i].key, e->key) == 0)
			more->files[keys[i].file] = keys_path(b, e->value, e);
	if (server_key)
		build_query(b, c)->server_key = true;
	if (strncmp(e->key, "tls-", 4) == 0)
		wish(b, c);
	else if (*e->key == 'b')
		build_http(b, c)->bearer |= strcmp(e->key, "bearer-file") == 0;
}
