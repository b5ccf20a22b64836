/* alerts/compose.h: a letter as an Internet message; the only place where headers are
 * made.
 *
 * RFC 5322 (form, folding below 78 octets, threads), RFC 2047 (words that are not ASCII),
 * RFC 2045 (quoted-printable body), RFC 3834 (Auto-Submitted). Every text that goes in is
 * cleaned here once more: no CR, LF or control byte of anybody's making reaches a header.
 */
#ifndef ALERTS_COMPOSE_H
#define ALERTS_COMPOSE_H

#include "alerts/letter.h"

#define COMPOSE_MAX 2097152 /* octets of a message: text, HTML and two pictures */
#define COMPOSE_NAME 320

/* Writes headers, empty line and body, with CRLF. Returns the length. */
size_t compose_mail(const struct letter *l, char *out, size_t cap);

/* The address of the envelope's sender: the one in `from`, else monitord@host. */
char *compose_sender(const struct letter *l, char *out, size_t cap);

/* "<open.12.1764024000123.89abcdef@host>": the same for the same phase, incident, contact
 * and host, whenever and however often it is composed. */
char *compose_id(const struct letter *l, enum phase phase, char *out, size_t cap);

/* The subject's text, not yet encoded: host, state, sentence. */
char *compose_subject(const struct letter *l, char *out, size_t cap);

/* True: an address that RFC 5321 takes without SMTPUTF8 or quoting, safe in any header.
 */
bool compose_address_ok(const char *address);

#endif
