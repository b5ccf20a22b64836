#include "probes/kind.h"

/* A regex looks at all that came whenever more comes: a peer that drips must not cost
 * much. */
#define DIALOGUE_MAX 16384

#define HAPROXY_MOST 500000 /* some thousand servers */

const struct kind kind_table[CHECK_KINDS] = {
	[CHECK_HTTP] = { http_ask, http_judge, "the answer", 0, 0, false },
	[CHECK_HTTPS] = { http_ask, http_judge, "the answer", 0, 0, false },
	[CHECK_TLS] = { NULL, NULL, "the handshake", 0, 0, false },
	[CHECK_TCP] = { dialogue_ask, dialogue_judge, "what is expected", DIALOGUE_MAX, 0, false },
	[CHECK_AJP] = { ajp_ask, ajp_judge, "the answer", 0, sizeof(unsigned), false },
	[CHECK_UNIX] = { dialogue_ask, dialogue_judge, "what is expected", DIALOGUE_MAX, 0, false },
	[CHECK_JRMP] = { jrmp_ask, jrmp_judge, "the answer", 65536, JRMP_KEPT, true },
	[CHECK_VARNISH] = { varnish_ask, varnish_judge, "the answer", 1100000, VARNISH_KEPT, false },
	[CHECK_HAPROXY] = { haproxy_ask, haproxy_judge, "the answer", HAPROXY_MOST, 0, false },
	/* those of monitord-local are not streams: probes/script.c, probes/look.c */
};
