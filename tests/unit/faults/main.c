// SPDX-License-Identifier: GPL-2.0
/* Lets things fail beneath the whole program; runs the kinds that are named, or all. */
#include "faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	void (*run)(void);
} kinds[] = {
	{ "reference", test_reference },
	{ "outputs", test_outputs },
	{ "files", test_files },
	{ "memory", test_memory },
	{ "peer", test_peer },
	{ "interrupts", test_interrupts },
};

static bool is_wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], name))
			return true;
	}
	return argc == 1;
}

int main(int argc, char **argv)
{
	size_t i;

	setenv("NO_COLOR", "1", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!is_wanted(kinds[i].name, argc, argv))
			continue;
		printf("# %s\n", kinds[i].name);
		kinds[i].run();
	}
	return test_end();
}
