// SPDX-License-Identifier: GPL-2.0
/*
 * The truth about merged memory as user space can see it, to judge the module
 * by: /proc/PID/pagemap of every process on the host, /proc/kpagecount and
 * /proc/kpageflags. It shares nothing with the module, not even an idea of how
 * KSM works.
 *
 * It is exact for a host that stands still. Frames whose kpagecount is not the
 * number of mappings that were found tell that it did not.
 */
#include <err.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "truth.h"

static const char usage[] =
"usage: oracle --vms PID,PID,... [--ksm-flag | --exclusive | --best]\n"
"Prints as JSON which of these processes map which merged frames.\n"
"  (default)    merged is what is mapped more than once; right everywhere, but\n"
"               blind to merged frames that are mapped once\n"
"  --ksm-flag   merged is what has KPF_KSM (not from 6.10 to 7.2)\n"
"  --exclusive  merged is what is mapped more than once, or is not marked as\n"
"               exclusive (from 5.19 on, nothing swapped or forked)\n"
"  --best       the first of --ksm-flag, --exclusive, default that this kernel\n"
"               can give\n";

static const char *const by_names[] = {
	[BY_IDENTITY] = "identity",
	[BY_EXCLUSIVE] = "exclusive",
	[BY_KSM_FLAG] = "ksm-flag",
};

struct options {
	const char *vms;
	enum truth_by by;
	bool best;
};

static void parse_options(struct options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{ "vms", required_argument, NULL, 'v' },
		{ "ksm-flag", no_argument, NULL, 'k' },
		{ "exclusive", no_argument, NULL, 'x' },
		{ "best", no_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 'v':
			options->vms = optarg;
			break;
		case 'k':
			options->by = BY_KSM_FLAG;
			break;
		case 'x':
			options->by = BY_EXCLUSIVE;
			break;
		case 'b':
			options->best = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (!options->vms || optind < argc) {
		fputs(usage, stderr);
		exit(2);
	}
}

static enum truth_by choose(const struct options *options)
{
	if (options->best)
		return kpage_ksm_flag_works() ? BY_KSM_FLAG :
		       kpage_exclusive_works() ? BY_EXCLUSIVE : BY_IDENTITY;
	if (options->by == BY_KSM_FLAG && !kpage_ksm_flag_works())
		errx(1, "this kernel sets KPF_KSM on every anonymous page; use --best");
	if (options->by == BY_EXCLUSIVE && !kpage_exclusive_works())
		errx(1, "this kernel does not mark exclusive anonymous pages; use --best");
	return options->by;
}

/*
 * A merged page lies in an area marked mergeable: fork and mremap keep the
 * mark, and MADV_UNMERGEABLE unmerges before it takes the mark away.
 */
static bool may_be_merged(const struct vma *vma)
{
	return vma->mergeable && vma->ksm_pages;
}

static void print_pages(const char *name, uint64_t pages)
{
	printf(",\"%s\":%" PRIu64, name, pages);
}

static void print_vm(const struct space *space, const struct vm_truth *vm)
{
	printf("{\"pid\":%d", space->pid);
	if (space->gone) {
		printf(",\"gone\":true}");
		return;
	}
	print_pages("anon_pages", space->anon_pages);
	print_pages("zero_pages", space->zero_pages);
	print_pages("swap_pages", space->swap_pages);
	print_pages("file_shmem_pages", space->file_shmem_pages);
	print_pages("unique_pages", space->anon_pages - vm->merged_pages);
	print_pages("self_shared_pages", vm->self_shared_pages);
	print_pages("self_frames", vm->self_frames);
	print_pages("inter_shared_pages", vm->inter_shared_pages);
	print_pages("merged_pages", vm->merged_pages);
	if (space_ksm_pages(space) != KSM_PAGES_UNKNOWN)
		print_pages("smaps_ksm_pages", space_ksm_pages(space));
	putchar('}');
}

static void print_set(const struct set *set, const struct spaces *spaces)
{
	printf("{\"vms\":[");
	for (uint32_t i = 0; i < set->nr_members; i++)
		printf("%s%d", i ? "," : "", spaces->at[set->members[i]].pid);
	printf("],\"outside\":%s,\"frames\":%" PRIu64 ",\"mappings\":%" PRIu64 "}",
	       set->outside ? "true" : "false", set->frames, set->mappings);
}

static void print_totals(const struct truth *truth, const struct spaces *spaces)
{
	printf("\"identity\":{\"frames\":%" PRIu64 ",\"mappings\":%" PRIu64 "},",
	       truth->frames, truth->mappings);
	printf("\"ambiguous\":{\"frames\":%" PRIu64 ",\"mappings\":%" PRIu64 "},",
	       truth->ambiguous_frames, truth->ambiguous_mappings);
	if (truth->smaps_ksm_pages != KSM_PAGES_UNKNOWN)
		printf("\"smaps_ksm_pages\":%" PRIu64 ",\"verified\":%s,",
		       truth->smaps_ksm_pages,
		       truth->smaps_ksm_pages == truth->mappings ? "true" : "false");
	printf("\"disagreeing_frames\":%" PRIu64 ",\"unreadable_processes\":%zu",
	       truth->disagreeing_frames, spaces->nr_unreadable);
}

static void print_truth(enum truth_by by, const struct truth *truth,
			const struct spaces *spaces)
{
	printf("{\"by\":\"%s\",\n\"vms\":[", by_names[by]);
	for (size_t i = 0; i < spaces->nr_vms; i++) {
		fputs(i ? ",\n" : "\n", stdout);
		print_vm(&spaces->at[i], &truth->vms[i]);
	}
	printf("],\n\"sets\":[");
	for (size_t i = 0; i < truth->sets.nr; i++) {
		fputs(i ? ",\n" : "\n", stdout);
		print_set(&truth->sets.at[i], spaces);
	}
	printf("],\n");
	print_totals(truth, spaces);
	printf("}\n");
}

int main(int argc, char **argv)
{
	struct options options = { .by = BY_IDENTITY };
	struct zero_frames zero = { 0 };
	struct mappings mappings = { 0 };
	struct spaces spaces = { 0 };
	struct truth truth = { 0 };
	enum truth_by by;

	parse_options(&options, argc, argv);
	by = choose(&options);
	spaces_add_vms(&spaces, options.vms);
	spaces_add_others(&spaces);
	spaces_read_areas(&spaces, AREAS_FROM_SMAPS);
	zero_frames_learn(&zero);
	mappings_read(&mappings, &spaces, &zero, NULL, may_be_merged);
	mappings_sort(&mappings);
	truth_find(&truth, by, &spaces, &mappings);
	print_truth(by, &truth, &spaces);

	truth_free(&truth);
	mappings_free(&mappings);
	zero_frames_release(&zero);
	spaces_free(&spaces);
	return 0;
}
