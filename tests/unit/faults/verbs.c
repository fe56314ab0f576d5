// SPDX-License-Identifier: GPL-2.0
#include "verbs.h"

#include <string.h>

#define THREE " --from " GOLDEN "/three.json"
#define BUSY " --from " GOLDEN "/busy.json"
#define HOST_C " --dest hostc=" GOLDEN "/hostc.json"
#define PLACE "place a=" GOLDEN "/three.json c=" GOLDEN "/hostc.json"
#define TRACE CORPUS "/trace/short"

#define CONFIG "[Manage]\nPolicy=lending\nAlpha=70%\nCheckInterval=1s\n\n[VM web1]\nWeight=7\n" \
	"\n[VM db*]\nWeight=200\n"

/* A name that is escaped, one that is not, a UUID that is given twice. */
#define NAMES "{\"version\":1,\"vms\":[{\"pid\":7,\"name\":\"a\\u009bb\"},{\"pid\":8,\"name\":\"c\"," \
	"\"user\":\"u\",\"slice\":\"s\"}]}"

const struct verb verbs[] = {
	{ "-h", NULL, 0 },
	{ "victim -h", NULL, 0 },
	{ "help top", NULL, 0 },
	{ "lst", NULL, 2 },
	{ "lst -j", NULL, 2 },
	{ "list" THREE, NULL, 0 },
	{ "list -j" THREE, NULL, 0 },
	{ "list -o vm,user,slice,cpu,p50,p99 -s freed" BUSY, NULL, 0 },
	{ "list nosuch" THREE, NULL, 1 },
	{ "list --from -", NAMES, 0 },
	{ "list -p --from -", NAMES, 0 },
	{ "list --from -", "{\"version\":1,\"vms\":[{\"pid\":-7}]}", 1 },
	{ "show vm3" THREE, NULL, 0 },
	{ "show web1" BUSY, NULL, 0 },
	{ "show web1 -j" BUSY, NULL, 0 },
	{ "top -b -n 2 -d 0.1" THREE, NULL, 0 },
	{ "top -j -n 1" THREE, NULL, 0 },
	{ "matrix" BUSY, NULL, 0 },
	{ "matrix -j" BUSY, NULL, 0 },
	{ "overhead" BUSY, NULL, 0 },
	{ "overhead -j" BUSY, NULL, 0 },
	{ "victim --need 16K" THREE, NULL, 0 },
	{ "victim --need 16K -j" THREE, NULL, 0 },
	{ "victim --need 16K --explain" THREE, NULL, 0 },
	{ "victim --need 16K --explain -j" THREE, NULL, 0 },
	{ "victim --sweep" THREE, NULL, 0 },
	{ "victim --sweep -j" THREE, NULL, 0 },
	{ "victim --need 4K" THREE HOST_C, NULL, 0 },
	{ "victim --need 4K --commands" THREE HOST_C, NULL, 0 },
	{ "victim --need 4K -j --format openstack --weight vm1=3 --keep vm2" THREE HOST_C, NULL, 0 },
	{ "victim --need 4K --command-template={pid}:{dest}" THREE HOST_C, NULL, 0 },
	{ "victim --need 1T" THREE, NULL, 3 },
	{ "victim --need 1T -j" THREE, NULL, 3 },
	{ PLACE, NULL, 0 },
	{ PLACE " -j", NULL, 0 },
	{ PLACE " --commands", NULL, 0 },
	{ "snapshot" BUSY, NULL, 0 },
	{ "snapshot -p" THREE, NULL, 0 },
	{ "doctor" BUSY, NULL, 0 },
	{ "doctor -j" BUSY, NULL, 0 },
	{ "doctor vm1" THREE, NULL, 0 },
	{ "manage --check --config -", CONFIG, 0 },
	{ "manage --check -j --config -", CONFIG, 0 },
	{ "manage --check --config -", "[Manage]\nAlpha=700%\n", 2 },
	{ "manage --config - --replay " TRACE, CONFIG, 0 },
	{ "manage --config - -j --replay " TRACE, CONFIG, 0 },
	{ "tune " TRACE, NULL, 0 },
	{ "tune -j " TRACE, NULL, 0 },
	{ "version", NULL, 0 },
	{ "version -j", NULL, 0 },
};

const size_t n_verbs = sizeof(verbs) / sizeof(verbs[0]);

bool verb_is_json(const struct verb *verb)
{
	return strstr(verb->words, " -j") || strstr(verb->words, " -p") ||
	       !strncmp(verb->words, "snapshot", 8);
}
