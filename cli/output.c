// SPDX-License-Identifier: GPL-2.0
#include "output.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "error.h"

static int reason;			/* errno of the first failure; 0: none */

int output_flush(void)
{
	errno = 0;
	if (!fflush(stdout))
		return 0;
	if (!reason)
		reason = errno;
	return -1;
}

int output_finish(int code)
{
	bool failed = output_flush() || ferror(stdout);

	errno = 0;
	if (fclose(stdout) && !reason)
		reason = errno;
	if (!failed && !reason)
		return code;
	if (reason != EPIPE)
		fprintf(stderr, "vmshare: cannot write to standard output: %s\n",
			reason ? strerror(reason) : "the output is not complete");
	return code ? code : EXIT_RUNTIME;
}
