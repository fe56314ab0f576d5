// SPDX-License-Identifier: GPL-2.0
/* A pipe that has room has it for a page, and takes that whole. */
#include "outlet.h"

#include <poll.h>

bool outlet_has_room(FILE *file)
{
	struct pollfd fd = { .fd = fileno(file), .events = POLLOUT };

	/* one in memory has no descriptor */
	return fd.fd < 0 || (poll(&fd, 1, 0) == 1 && (fd.revents & POLLOUT));
}
