/* Any first line as a label, any bytes behind it as what a plugin says: the number is one,
 * or there is none; nothing behind the output is looked at. */
#include "test/fuzz/fuzz.h"

#include "probes/perf.h"

#include <math.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const uint8_t *end = memchr(bytes, '\n', size);
	if (end == NULL || memchr(bytes, '\0', (size_t)(end - bytes)) != NULL)
		return 0;
	size_t n = (size_t)(end - bytes), rest = size - n - 1;
	char *label = malloc(n + 1), *output = malloc(rest + 1);
	if (label == NULL || output == NULL)
		exit(1);
	memcpy(label, bytes, n);
	label[n] = '\0';
	output = realloc(output, rest > 0 ? rest : 1); /* exactly so much */
	memcpy(output, end + 1, rest);
	double value = perf_value(output, rest, label);
	PROMISE(isnan(value) || isfinite(value));
	free(label);
	free(output);
	return 0;
}
