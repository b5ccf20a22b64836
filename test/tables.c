/* Prints the tables that the manual must agree with: "key SECTION NAME DEFAULT" ("-":
 * none) for what is supported, and "metric NAME". */
#include "rules/keys.h"

#include <stdio.h>

int
main(void)
{
	for (size_t i = 0; i < key_count; i++)
		if (key_table[i].type != KEY_REFUSED)
			printf("key %s %s %s\n", object_kind_name[key_table[i].section],
			       key_table[i].name,
			       key_table[i].dflt != NULL ? key_table[i].dflt : "-");
	for (unsigned m = 0; m < METRICS_COUNT; m++)
		/* else it has no name of its own */
		if (metric_table[m].objects[0] != '\0')
			printf("metric %s\n", metric_table[m].name);
	return 0;
}
