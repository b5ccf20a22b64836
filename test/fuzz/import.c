/* Any bytes as a Monit control file: read to its end, whatever it says. */
#include "test/fuzz/fuzz.h"

#include "status/import.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = size < 65536 ? strndup((const char *)bytes, size) : NULL;
	char *rules = NULL, *report = NULL;
	size_t sizes[2];
	if (text == NULL)
		return 0;
	FILE *out = open_memstream(&rules, &sizes[0]),
	     *told = open_memstream(&report, &sizes[1]);
	int lost = import_monitrc("monitrc", text, NULL, out, told);
	fclose(out);
	fclose(told);
	PROMISE(lost >= 0 && rules[0] == ';');
	PROMISE(lost == 0 || strstr(rules, "; no counterpart: ") != NULL);
	free(text);
	free(rules);
	free(report);
	return 0;
}
