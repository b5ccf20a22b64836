/* The unit tests of status/. */
#include "test/unit/status.h"

int
main(void)
{
	int failed = test_status_json() + test_status_store() + test_status_incidents() +
		     test_status_ctl() + test_status_history() + test_status_import() +
		     test_status_pack() + test_status_shelf() + test_status_record() +
		     test_status_why();
	return failed != 0;
}
