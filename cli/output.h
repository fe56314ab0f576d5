/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_OUTPUT_H
#define VMSHARE_OUTPUT_H

/*
 * Standard output. What did not reach it is an error, unless the reader hung up;
 * the reason is kept from where writing failed first, as later it is not told.
 */

/* Hands over what was printed so far; -1 if that failed, of which output_finish() tells. */
int output_flush(void);

/* At the end: the exit code, which is code unless something was lost. */
int output_finish(int code);

#endif
