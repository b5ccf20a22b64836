#include "probes/kind.h"

const struct kind kind_table[CHECK_KINDS] = {
	[CHECK_HTTP] = { http_ask, http_judge, "the answer" },
	[CHECK_TCP] = { NULL, NULL, "a connection" },
	[CHECK_AJP] = { ajp_ask, ajp_judge, "CPONG" },
	[CHECK_UNIX] = { NULL, NULL, "a connection" },
	/* those of monitord-local are not streams: probes/script.c, probes/look.c */
};
