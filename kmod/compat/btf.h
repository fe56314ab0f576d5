/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMSHARE_BTF_H
#define _VMSHARE_BTF_H

#include <linux/types.h>

struct vmshare_btf;

/**
 * vmshare_btf_open() - the running kernel's own type information
 * @why: on failure set to a static sentence
 *
 * Return: what the lookups below take, to be closed by vmshare_btf_close();
 * NULL if the kernel has none or it cannot be read.
 */
struct vmshare_btf *vmshare_btf_open(const char **why);
void vmshare_btf_close(struct vmshare_btf *btf);

/**
 * vmshare_btf_offset() - where a member lies within a structure
 * @btf: an open one
 * @types: the names the structure has had, comma separated, newest first
 * @member: the member's name, also inside anonymous unions and structures
 *
 * Return: bytes from the structure's start, or -1 if no structure of these
 * names has such a member.
 */
int vmshare_btf_offset(struct vmshare_btf *btf, const char *types,
		       const char *member);

#endif
