/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMSHARE_KSYMS_H
#define _VMSHARE_KSYMS_H

/**
 * vmshare_ksym_data() - address of a variable that the kernel does not export
 * @name: its name
 * @check_name: also demand that the kernel's symbol table calls the address by
 *	this name; not possible where several names share one address
 *
 * The only way in this module to something unexported. It is for data only:
 * calling an unexported function would meet sealed branch targets (IBT) and
 * control-flow integrity.
 *
 * Return: the address, or NULL if there is no such variable or it cannot be
 * told with certainty.
 */
void *vmshare_ksym_data(const char *name, bool check_name);

#endif
