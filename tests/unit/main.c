// SPDX-License-Identifier: GPL-2.0
/* Runs the tests that are named, or all; ends with 1 if one failed. */
#include "test.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "units", test_units },	 { "text", test_text_functions },
	{ "decode", test_decode },	 { "client", test_client },
	{ "cpu", test_cpu },		 { "overhead", test_overhead },
	{ "snapjson", test_snapjson },	 { "columns", test_columns },
	{ "tables", test_tables },
	{ "selector", test_selector },	 { "proc", test_proc },
	{ "cover", test_cover },	 { "victim", test_victim },
	{ "sweep", test_sweep },	 { "migration", test_migration },
	{ "destination", test_destination }, { "explain", test_explain },
	{ "place", test_place },	 { "command", test_command },
	{ "manage", test_manage },	 { "manageconf", test_manageconf },
	{ "lending", test_lending },	 { "cpuorder", test_cpuorder },
	{ "affinity", test_affinity },
	{ "trace", test_trace },	 { "cpusim", test_cpusim },
	{ "topstate", test_topstate },	 { "verify", test_verify },
	{ "cmdline", test_cmdline },	 { "manual", test_manual },
	{ "manager", test_manager },	 { "limiter", test_limiter },
	{ "systemd", test_systemd },	 { "libvirt", test_libvirt },
	{ "service", test_service },
	{ "screen", test_screen },	 { "plot", test_plot },
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

	setlocale(LC_CTYPE, "C.UTF-8");
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (!is_wanted(tests[i].name, argc, argv))
			continue;
		printf("# %s\n", tests[i].name);
		/* alone or after others, each has the same numbers */
		test_random_from(0);
		tests[i].run();
	}
	return test_end();
}
