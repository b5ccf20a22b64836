#include "probes/kind.h"

/* A regex looks at all that came whenever more comes: a peer that drips must not cost
 * much. */
#define DIALOGUE_MAX 16384

const struct kind kind_table[CHECK_KINDS] = {
	[CHECK_HTTP] = { http_ask, http_judge, "the answer", 0 },
	[CHECK_HTTPS] = { http_ask, http_judge, "the answer", 0 },
	[CHECK_TLS] = { NULL, NULL, "the handshake", 0 },
	[CHECK_TCP] = { dialogue_ask, dialogue_judge, "what is expected", DIALOGUE_MAX },
	[CHECK_AJP] = { ajp_ask, ajp_judge, "CPONG", 0 },
	[CHECK_UNIX] = { dialogue_ask, dialogue_judge, "what is expected", DIALOGUE_MAX },
	/* those of monitord-local are not streams: probes/script.c, probes/look.c */
};
