// SPDX-License-Identifier: GPL-2.0
/* The manager's configuration: what is read, what is refused and where, and back again. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manageconf.h"

static const struct {
	const char *text;
	const char *message;		/* a part of it */
} refused[] = {
	{ "Alpha=70%\n", "c:1: a setting before any section" },
	{ "[Manage]\nAlfa=70%\n", "c:2: there is no key \"Alfa\" in this section; did you mean Alpha?" },
	{ "[Manage]\n\n# x\nAlpha=70\n", "c:4: Alpha=70 is no percentage" },
	{ "[Manage]\nAlpha=0%\n", "c:2: Alpha is above 0%" },
	{ "[Manage]\nAlpha=100.1%\n", "c:2: Alpha is above 0% and at most 100%" },
	{ "[Manage]\nAlpha=7.05%\n", "c:2: Alpha=7.05% is no percentage" },
	{ "[Manage]\nBeta=-1\n", "c:2: Beta=-1 is no whole number" },
	{ "[Manage]\nBeta=1.0\n", "c:2: Beta=1.0 is no whole number" },
	{ "[Manage]\nBeta=4294967296\n", "c:2: Beta=4294967296 is no whole number" },
	{ "[Manage]\nCheckInterval=1\n", "c:2: CheckInterval=1 is no time" },
	{ "[Manage]\nCheckInterval=50ms\n", "c:2: CheckInterval is from 100ms to 1h" },
	{ "[Manage]\nCheckInterval=99999999999999999h\n", "c:2: CheckInterval=99999999999999999h is no time" },
	{ "[Manage]\nCheckInterval=200ms\nPeriod=500ms\n", "c:3: CheckInterval must not be shorter" },
	{ "[Manage]\nStallMax=5ms\n", "c:2: StallMax is from 10ms to 1s" },
	{ "[Manage]\nFloor=1%\nVmmFloor=0%\n", "c:3: StallMax is too short" },
	{ "[Manage]\nPolicy=Lending\n", "c:2: Policy=Lending is neither" },
	{ "[Manage]\nCap=yes\n", "c:2: Cap=yes is none of none, heavy and batch" },
	{ "[Manage]\nAlpha=60%\nAlpha=70%\n", "c:3: Alpha is given a second time; the first is in line 2" },
	{ "[Manage]\nAlpha=60%\n[VM a]\n[Manage]\nAlpha=70%\n", "c:5: Alpha is given a second time" },
	{ "[manage]\n", "c:1: there is no section [manage]" },
	{ "[Manage\n", "c:1: a section without its ]" },
	{ "[VM ]\n", "c:1: [VM] without a name" },
	{ "[VM a]\n[VM b]\n[VM a]\n", "c:3: there is a section [VM a] already" },
	{ "[VM a]\nGuarantee=lots\n", "c:2: Guarantee=lots is no percentage" },
	{ "[VM a]\nWeight=0\n", "c:2: Weight is from 1 to 10000" },
	{ "[VM a]\nWeight=10001\n", "c:2: Weight is from 1 to 10000" },
	{ "[VM a]\nClass=scientific\n", "c:2: Class=scientific is none of auto, service and batch" },
	{ "[VM a]\nManaged=maybe\n", "c:2: Managed=maybe is neither yes nor no" },
	{ "[VM a]\nAlpha=1%\n", "c:2: there is no key \"Alpha\" in [VM ...]" },
	{ "[Manage]\nAlpha\n", "c:2: \"Alpha\" is neither Key=Value nor [Section]" },
	{ "[Manage]\nAl\033[2Jpha=1%\n", "c:2: there is no key \"Al\033[2Jpha\"" },
	{ "[Manage]\nPin=yes # or not\n", "c:2: Pin=yes # or not is neither yes nor no; a comment needs a line" },
	{ "[Manage]\nAlpha=70%\t; much\n", "is no percentage as 70% or 12.5%, in tenths of a percent; a comment" },
	{ "[Manage] # all\n", "c:1: a section without its ] at the end of the line; a comment needs" },
	{ "\xef\xbb\xbf[Manage]\n", "c:1: remove the byte order mark" },
	{ "[VM \t ]\n", "c:1: [VM] without a name" },
	{ "[]\n", "c:1: there is no section []" },
	{ "[Manage]\nAlpha=9223372036854775808%\n", "c:2: Alpha=9223372036854775808% is no percentage" },
	{ "[Manage]\nAlpha=1.0000000000000000%\n", "c:2: Alpha=1.0000000000000000% is no percentage" },
	{ "[Manage]\nAlpha=1.%\n", "c:2: Alpha=1.% is no percentage" },
	{ "[Manage]\nAlpha=:%\n", "c:2: Alpha=:% is no percentage" },
	{ "[Manage]\nRateLimit=1h1\n", "c:2: RateLimit=1h1 is no time" },
	{ "[Manage]\nBeta=1001\n", "c:2: Beta is at most 1000" },
	{ "[Manage]\nCheckInterval=3601s\n", "c:2: CheckInterval is from 100ms to 1h" },
	{ "[Manage]\nPeriod=9ms\n", "c:2: Period is from 10ms to 1s" },
	{ "[Manage]\nCheckInterval=3s\nPeriod=1001ms\n", "c:3: Period is from 10ms to 1s" },
	{ "[Manage]\nStallMax=1001ms\n", "c:2: StallMax is from 10ms to 1s" },
	{ "[Manage]\nRateLimit=3601s\n", "c:2: RateLimit is at most 1h" },
	{ "[Manage]\nFloor=0.9%\n", "c:2: Floor is from 1% to 100%" },
	{ "[Manage]\nFloor=100.1%\n", "c:2: Floor is from 1% to 100%" },
	{ "[Manage]\nVmmFloor=100.1%\n", "c:2: VmmFloor is at most 100%" },
	{ "[Manage]\nHeadroom=90.1%\n", "c:2: Headroom is at most 90%" },
	{ "[Manage]\nContention=100.1%\n", "c:2: Headroom is at most 90%, Contention at most 100%" },
	{ "[Manage]\nCalmChecks=1001\n", "c:2: CalmChecks is at most 1000" },
	{ "[Manage]\nHysteresis=50.1%\n", "c:2: Hysteresis is at most 50%" },
	{ "[Manage]\nBurst=100.1%\n", "c:2: Burst is at most 100%" },
	{ "[Manage]\nServiceBoost=0\n", "c:2: ServiceBoost is from 1 to 100" },
	{ "[Manage]\nServiceBoost=101\n", "c:2: ServiceBoost is from 1 to 100" },
	{ "[VM a]\nGuarantee=6553600.1%\n", "c:2: Guarantee is at most 6553600%" },
};

/* As far as each may go, and no further: see the same settings above. */
static const char outermost[] =
	"[Manage]\nAlpha=100%\nBeta=1000\nCheckInterval=1h\nPeriod=1s\nStallMax=1s\nRateLimit=1h\n"
	"Floor=100%\nVmmFloor=100%\nHeadroom=90%\nContention=100%\nCalmChecks=1000\nHysteresis=50%\n"
	"Burst=100%\nServiceBoost=100\n[VM a]\nWeight=10000\nGuarantee=6553600%\n";
static const char innermost[] =
	"[Manage]\nAlpha=0.1%\nCheckInterval=100ms\nPeriod=10ms\nFloor=10%\nStallMax=10ms\n"
	"ServiceBoost=1\n[VM a]\nWeight=1\n";

static void test_limits(void)
{
	const char *const texts[] = { outermost, innermost };
	struct manage_options options;
	struct error err = {};
	size_t i;

	for (i = 0; i < 2; i++) {
		if (!ok(!manageconf_parse("c", texts[i], strlen(texts[i]), &options, &err),
			"settings at their limits are taken: %s", err.message))
			continue;
		ok(!manage_options_wrong(&options), "and right");
		manage_options_free(&options);
	}
}

static void test_refused(void)
{
	struct manage_options options;
	struct error err;
	size_t i;
	int ret;

	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		memset(&err, 0, sizeof(err));
		ret = manageconf_parse("c", refused[i].text, strlen(refused[i].text), &options, &err);
		ok(ret == -1 && err.code == EXIT_USAGE, "configuration %zu is refused", i);
		has_text(err.message, refused[i].message, "and it is said why and where");
	}
	ret = manageconf_parse("c", "[Manage]\n\0", 10, &options, &err);
	ok(ret == -1 && strstr(err.message, "c:2: a zero byte"), "a zero byte is refused");
}

static const char whole[] =
	"; all of it\r\n"
	"  [Manage]\t\n"
	"Policy = published\n"
	"Alpha=62.5%\nBeta=0\nCheckInterval=1.5s\nPeriod=50ms\nFloor=2%\nVmmFloor=0%\n"
	"StallMax=20000us\nHeadroom=5%\nContention=0%\nCalmChecks=7\nHysteresis=0%\n"
	"RateLimit=0s\nBurst=10%\nCap=none\nPin=yes\nServiceBoost=16\n"
	"[VM web 1]\nClass=service\nGuarantee=150%\nWeight=200\nManaged=no\n"
	"[VM *]\nClass=batch\n"
	"[VM [x]]";

static const char small[] = "[Manage]\nFloor=1%\nVmmFloor=0%\nStallMax=100ms\n";

static void test_whole(void)
{
	struct manage_options options;
	struct error err = {};

	if (!ok(!manageconf_parse("c", whole, strlen(whole), &options, &err),
		"every key is read: %s", err.message))
		return;
	ok(options.policy == MANAGE_PUBLISHED && options.alpha_permille == 625 && !options.beta &&
	   options.cap == MANAGE_CAP_NONE && options.service_boost == 16 && options.pin, "words and numbers");
	is_number(options.t_check_ns, 1500000000, "a time with a fraction");
	is_number(options.period_ns, 50000000, "milliseconds");
	is_number(options.stall_max_ns, 20000000, "microseconds");
	ok(!options.rate_limit_ns && options.calm_checks == 7 && options.headroom_permille == 50 &&
	   options.burst_permille == 100 && options.floor_millicpus == 20 &&
	   !options.vmm_floor_millicpus && !options.hysteresis_permille &&
	   !options.contention_permille, "the others");
	is_number(options.n_rules, 3, "three rules");
	is_text(options.rules[0].vm, "web 1", "a name may have spaces");
	ok(options.rules[0].class == MANAGE_SERVICE && options.rules[0].guarantee_given &&
	   options.rules[0].guarantee_millicpus == 1500 && options.rules[0].weight == 200 &&
	   options.rules[0].unmanaged, "what is said of a VM");
	ok(options.rules[1].class == MANAGE_BATCH && !options.rules[1].guarantee_given &&
	   !options.rules[1].unmanaged, "what is not said stays open");
	is_text(options.rules[2].vm, "[x]", "and brackets, in a last line without its end");
	manage_options_free(&options);
}

/* Member by member, since structures have holes. */
static bool same(const struct manage_options *a, const struct manage_options *b)
{
	size_t i;

	for (i = 0; i < a->n_rules && i < b->n_rules; i++) {
		const struct manage_rule *x = &a->rules[i], *y = &b->rules[i];

		if (strcmp(x->vm, y->vm) || x->class != y->class || x->weight != y->weight ||
		    x->guarantee_given != y->guarantee_given || x->unmanaged != y->unmanaged ||
		    x->guarantee_millicpus != y->guarantee_millicpus)
			return false;
	}
	return a->n_rules == b->n_rules && a->policy == b->policy && a->beta == b->beta &&
	       a->alpha_permille == b->alpha_permille && a->t_check_ns == b->t_check_ns &&
	       a->period_ns == b->period_ns && a->floor_millicpus == b->floor_millicpus &&
	       a->vmm_floor_millicpus == b->vmm_floor_millicpus &&
	       a->stall_max_ns == b->stall_max_ns && a->rate_limit_ns == b->rate_limit_ns &&
	       a->headroom_permille == b->headroom_permille && a->cap == b->cap &&
	       a->contention_permille == b->contention_permille &&
	       a->calm_checks == b->calm_checks && a->burst_permille == b->burst_permille &&
	       a->hysteresis_permille == b->hysteresis_permille &&
	       a->service_boost == b->service_boost && a->pin == b->pin;
}

static bool comes_back(const struct manage_options *options)
{
	char *text = manageconf_write(options);
	struct manage_options back;
	struct error err = {};
	bool equal = !manageconf_parse("c", text, strlen(text), &back, &err) &&
		     same(options, &back);

	free(text);
	if (!err.code)
		manage_options_free(&back);
	return equal;
}

static void random_options(struct manage_options *options, struct manage_rule *rule)
{
	options->alpha_permille = 1 + (uint32_t)test_random_below(1000);
	options->beta = (uint32_t)test_random_below(1001);
	options->t_check_ns = 1000000000 + test_random_below(3599000000000);
	options->period_ns = 10000000 + test_random_below(990000001);
	options->floor_millicpus = 10 + test_random_below(991);
	options->rate_limit_ns = test_random_below(3600000000001);
	options->hysteresis_permille = (uint32_t)test_random_below(501);
	options->cap = (enum manage_cap)test_random_below(3);
	rule->class = (enum manage_class)test_random_below(3);
	rule->guarantee_given = test_random_below(2);
	rule->guarantee_millicpus = rule->guarantee_given ? test_random_below(65536001) : 0;
	rule->weight = (uint32_t)test_random_below(10001);
	rule->unmanaged = test_random_below(2);
}

static void test_back(void)
{
	struct manage_rule rule = { .vm = "a = b # c" };
	struct manage_options options;
	struct error err = {};
	unsigned int wrong = 0, i;

	manageconf_parse("c", "", 0, &options, &err);
	ok(comes_back(&options), "the defaults come back");
	manageconf_parse("c", whole, strlen(whole), &options, &err);
	ok(comes_back(&options), "so does a file with every key");
	manage_options_free(&options);
	manageconf_parse("c", small, strlen(small), &options, &err);
	ok(options.stall_max_ns == 100000000 && comes_back(&options),
	   "and one that is in range only as a whole");
	manage_options_init(&options);
	options.rules = &rule;
	options.n_rules = 1;
	for (i = 0; i < 1000; i++) {
		random_options(&options, &rule);
		wrong += !comes_back(&options);
	}
	is_number(wrong, 0, "so do 1000 random settings");
}

/* A thousand files with something broken: read or refused with a line, never more. */
static void test_broken(void)
{
	static const char bytes[] = "[]=%#; \n\r\t.0123456789abcVMmanage*\\\0\xff";
	struct manage_options options;
	unsigned int silent = 0, i, j;
	struct error err;
	char text[sizeof(whole)];

	for (i = 0; i < 1000; i++) {
		memcpy(text, whole, sizeof(whole));
		for (j = 0; j < 1 + i % 8; j++)
			text[test_random_below(sizeof(whole) - 1)] =
				bytes[test_random_below(sizeof(bytes) - 1)];
		memset(&err, 0, sizeof(err));
		if (!manageconf_parse("c", text, sizeof(whole) - 1, &options, &err)) {
			silent += manage_options_wrong(&options) != NULL;
			manage_options_free(&options);
		} else {
			silent += strncmp(err.message, "c:", 2) || err.code != EXIT_USAGE;
		}
	}
	is_number(silent, 0, "1000 broken files are read within range or refused by line");
}

void test_manageconf(void)
{
	test_refused();
	test_limits();
	test_whole();
	test_back();
	test_broken();
}
