// SPDX-License-Identifier: GPL-2.0
/*
 * What the program reads from /proc, /sys and cgroups, of which tenants write a
 * part: command lines, names of threads and cgroups. The first byte picks the
 * reader, by a letter, so that seeds stay what they are when there are more.
 */
#include <stdint.h>
#include <stdlib.h>

#include "everyfile.h"
#include "files.h"
#include "proc/readers.h"

static const struct {
	char letter;
	void (*read)(const char *text, size_t size);
} readers[] = {
	{ 'c', read_cmdline }, { 'n', read_names }, { 't', read_stat }, { 's', read_smaps },
	{ 'o', read_owner },
	{ 'g', read_cgroup }, { 'l', read_limits }, { 'm', read_managed },
	{ 'u', read_cpus }, { 'p', read_order }, { 'h', read_host },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t i, len;
	char *text;

	if (!size)
		return 0;
	everyfile_has(data + 1, size - 1);
	text = files_read("", "", SIZE_MAX, &len);
	for (i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		if (readers[i].letter == data[0])
			readers[i].read(text, len);
	}
	free(text);
	return 0;
}
