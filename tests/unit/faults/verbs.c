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
	{ .words = "-h" },
	{ .words = "victim -h" },
	{ .words = "help top" },
	{ .words = "lst", .code = 2 },
	{ .words = "lst -j", .code = 2 },
	{ .words = "list" THREE },
	{ .words = "list -j" THREE },
	{ .words = "list -o vm,user,slice,cpu,p50,p99 -s freed" BUSY },
	{ .words = "list nosuch" THREE, .code = 1 },
	{ .words = "list --from -", .input = NAMES },
	{ .words = "list -p --from -", .input = NAMES },
	{ .words = "list --from -", .input = "{\"version\":1,\"vms\":[{\"pid\":-7}]}", .code = 1 },
	{ .words = "show vm3" THREE },
	{ .words = "show web1" BUSY },
	{ .words = "show web1 -j" BUSY },
	{ .words = "top -b -n 2" THREE },
	{ .words = "top -j -n 1" THREE },
	{ .words = "matrix" BUSY },
	{ .words = "matrix -j" BUSY },
	{ .words = "overhead" BUSY },
	{ .words = "overhead -j" BUSY },
	{ .words = "victim --need 16K" THREE },
	{ .words = "victim --need 16K -j" THREE },
	{ .words = "victim --need 16K --explain" THREE },
	{ .words = "victim --need 16K --explain -j" THREE },
	{ .words = "victim --sweep" THREE },
	{ .words = "victim --sweep -j" THREE },
	{ .words = "victim --need 4K" THREE HOST_C },
	{ .words = "victim --need 4K --commands" THREE HOST_C },
	{ .words = "victim --need 4K -j --format openstack --weight vm1=3 --keep vm2" THREE HOST_C },
	{ .words = "victim --need 4K --command-template={pid}:{dest}" THREE HOST_C },
	{ .words = "victim --need 4K --command-template={name}:{dest}" THREE HOST_C },
	{ .words = "victim --need 1T" THREE, .code = 3 },
	{ .words = "victim --need 1T -j" THREE, .code = 3 },
	{ .words = PLACE },
	{ .words = PLACE " -j" },
	{ .words = PLACE " --commands" },
	{ .words = "snapshot" BUSY },
	{ .words = "snapshot -p" THREE },
	{ .words = "doctor" BUSY },
	{ .words = "doctor -j" BUSY },
	{ .words = "doctor vm1" THREE },
	{ .words = "manage --check --config -", .input = CONFIG },
	{ .words = "manage --check -j --config -", .input = CONFIG },
	{ .words = "manage --check --config -", .input = "[Manage]\nAlpha=700%\n", .code = 2 },
	{ .words = "manage --config - --replay " TRACE, .input = CONFIG },
	{ .words = "manage --config - -j --replay " TRACE, .input = CONFIG },
	{ .words = "tune " TRACE },
	{ .words = "tune -j " TRACE },
	{ .words = "version", .tells = true },
	{ .words = "version -j", .tells = true },
	{ .words = "version", .live = true, .tells = true },
	{ .words = "version -j", .live = true, .tells = true },
	{ .words = "list", .live = true },
	{ .words = "list --window 0.5 -j", .live = true },
	{ .words = "show web1", .live = true },
	{ .words = "top -b -n 3", .live = true },
	{ .words = "top -j -n 2", .live = true },
	{ .words = "matrix --window 1", .live = true },
	{ .words = "overhead --window 1", .live = true },
	{ .words = "victim --need 1M --keep db", .live = true },
	{ .words = "snapshot --window 1", .live = true },
	{ .words = "doctor", .live = true, .tells = true },
	{ .words = "doctor --verify", .live = true, .tells = true },
	{ .words = "doctor --verify -j", .live = true, .tells = true },
	{ .words = "manage --once --config /dev/null", .live = true },
	{ .words = "manage --once -j --config /dev/null", .live = true },
};

const size_t n_verbs = sizeof(verbs) / sizeof(verbs[0]);

struct program verb_program(const struct verb *verb)
{
	return (struct program){ .words = verb->words, .input = verb->input, .out = OUT_KEPT,
				 .live = verb->live };
}

bool verb_is_json(const struct verb *verb)
{
	return strstr(verb->words, " -j") || strstr(verb->words, " -p") ||
	       !strncmp(verb->words, "snapshot", 8);
}
