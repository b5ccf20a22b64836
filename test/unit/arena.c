#include "base/arena.h"

#include "test/unit/unit.h"

#include <string.h>

static void
gives_zeroed_aligned_memory(void **state)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 4096, 256 * 1024, 1 << 20, 3 };
	struct arena *a = arena_new(0);
	(void)state;
	assert_non_null(a);
	for (int round = 0; round < 50; round++)
		for (size_t i = 0; i < COUNT(sizes); i++) {
			unsigned char *p = arena_get(a, sizes[i]);
			assert_non_null(p);
			assert_int_equal((uintptr_t)p % 16, 0);
			for (size_t k = 0; k < sizes[i]; k++)
				if (p[k] != 0)
					fail_msg("byte %zu of %zu is not zero", k,
						 sizes[i]);
			memset(p, 0xa5, sizes[i]);
		}
	assert_true(arena_used(a) >= 50 * ((1 << 20) + 256 * 1024));
	arena_free(&a);
	assert_null(a);
}

static void
copies_text(void **state)
{
	struct arena *a = arena_new(1);
	(void)state;
	char *text = arena_text(a, "tomcat-2", 6);
	assert_string_equal(text, "tomcat");
	assert_string_equal(arena_text(a, "", 0), "");
	arena_free(&a);
}

static void
refuses_what_cannot_be(void **state)
{
	struct arena *a = arena_new(0);
	(void)state;
	assert_null(arena_get(a, SIZE_MAX));
	assert_null(arena_get(a, SIZE_MAX / 2));
	assert_non_null(arena_get(a, 10)); /* it is usable after a refusal */
	arena_free(&a);
	arena_free(&a); /* of nothing */
}

int
test_arena(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_zeroed_aligned_memory),
		cmocka_unit_test(copies_text),
		cmocka_unit_test(refuses_what_cannot_be),
	};
	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
