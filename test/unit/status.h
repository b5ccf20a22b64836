/* test/unit/status.h: the groups of the status program and monitorctl. Each returns the
 * number of failed tests. */
#ifndef TEST_UNIT_STATUS_H
#define TEST_UNIT_STATUS_H

int test_status_json(void);
int test_status_store(void);
int test_status_incidents(void);
int test_status_ctl(void);
int test_status_why(void);
int test_status_history(void);
int test_status_import(void);
int test_status_pack(void);
int test_status_shelf(void);
int test_status_record(void);

#endif
