/* alerts/driver.h: a letter in the words of the services that page people. */
#ifndef ALERTS_DRIVER_H
#define ALERTS_DRIVER_H

#include "alerts/delivery.h"
#include "alerts/letter.h"

/* Fills r for one page of the contact: "URL" or "DRIVER URL". key: its secret, NULL: none.
 * An empty content: this driver has nothing to say in this phase. False: out of memory, or
 * the template is no JSON; why (cap >= 200) says which. */
bool driver_request(const struct letter *l, const char *page, const char *key, struct request *r,
		    char *why, size_t cap);

#endif
