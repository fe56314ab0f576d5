/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_REPLACE_H
#define VMSHARE_REPLACE_H

#include <sys/types.h>

/*
 * The file has the text as a whole and to stay, or is as it was: the text is written
 * beside it, as PATH.new, synced, and renamed over it. Nothing stays beside it in either
 * case. Returns -1 with errno, also if only the rename could not be synced.
 */
int replace_file(const char *path, const char *text, mode_t mode);

#endif
