/* Runs a fuzz target on files: for machines without libFuzzer. Arguments are files or
 * folders; those that begin with '-' are libFuzzer's and mean nothing here. */
#include "test/fuzz/fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>

static unsigned
run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes = NULL;
	size_t size = 0, cap = 0, n = 1;
	if (f == NULL) {
		perror(path);
		exit(1);
	}
	while (n > 0) {
		if (size == cap) {
			cap += 65536;
			bytes = realloc(bytes, cap);
			if (bytes == NULL)
				exit(1);
		}
		n = fread(bytes + size, 1, cap - size, f);
		size += n;
	}
	fclose(f);
	bytes = realloc(bytes, size + 1);
	LLVMFuzzerTestOneInput(bytes, size);
	free(bytes);
	return 1;
}

static unsigned
run(const char *path)
{
	struct stat st;
	unsigned count = 0;
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return run_file(path);
	DIR *d = opendir(path);
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		char name[PATH_MAX + NAME_MAX + 2];
		snprintf(name, sizeof name, "%s/%s", path, e->d_name);
		if (e->d_name[0] != '.')
			count += run_file(name);
	}
	if (d != NULL)
		closedir(d);
	return count;
}

int
main(int argc, char **argv)
{
	unsigned count = 0;
	for (int i = 1; i < argc; i++)
		if (argv[i][0] != '-')
			count += run(argv[i]);
	printf("%u inputs\n", count);
	return count == 0;
}
