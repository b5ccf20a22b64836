/* Any bytes as a packet: the first three are the sender, the receiver and how many
 * descriptors came along. What is accepted is exactly as large as it says. */
#include "test/fuzz/fuzz.h"

#include "base/msg.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char why[MSG_TEXT] = "";
	if (size < 3 || size > MSG_PACKET_MAX + sizeof(struct msg_head) + 3)
		return 0;
	enum role from = (enum role)(bytes[0] % ROLES),
		  to = (enum role)(bytes[1] % ROLES);
	size_t fds = bytes[2] % 5;
	uint8_t *packet =
		malloc(size - 3 + 1); /* its own memory: a read past its end shows */
	if (packet == NULL)
		return 0;
	memcpy(packet, bytes + 3, size - 3);
	if (msg_valid(packet, size - 3, fds, from, to, why)) {
		struct msg_head head;
		memcpy(&head, packet, sizeof head);
		PROMISE(head.kind < MSG_KINDS && head.count > 0);
		PROMISE(size - 3 == sizeof head + head.count * msg_item_size(head.kind));
		PROMISE(from != to && (from == ROLE_MONITORD || to == ROLE_MONITORD));
		PROMISE(fds <= 1);
	} else {
		PROMISE(why[0] != '\0' && memchr(why, '\0', sizeof why) != NULL);
	}
	free(packet);
	return 0;
}
