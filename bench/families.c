// SPDX-License-Identifier: GPL-2.0
/*
 * Families of hosts. The first ones look like hosts of clouds: VMs cloned from
 * images, with much memory of their own. The others are there to be hard: most
 * memory comes free only with several VMs together, and many choices look alike.
 */
#include "families.h"

#include <stdlib.h>
#include <string.h>

#include "policy/freed.h"

#define PAGE 4096ull
#define PID_FIRST 1000u

struct maker {
	struct snapshot *snap;
	unsigned int vms;
	uint64_t state;			/* of the generator */
	uint32_t *pids;			/* the set under construction */
	bool *joined;			/* per VM: it is in there */
	unsigned int count;
	uint64_t *shared;		/* per VM: frames of its sets */
};

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t draw(struct maker *maker)
{
	uint64_t z = maker->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static unsigned int below(struct maker *maker, unsigned int limit)
{
	return (unsigned int)(draw(maker) % limit);
}

/* Sizes of many orders: each twice as large is half as frequent. */
static uint64_t sizes(struct maker *maker, unsigned int orders)
{
	unsigned int order = (unsigned int)__builtin_ctzll(draw(maker) | 1ull << (orders - 1));

	return (1ull << order) + draw(maker) % (1ull << order);
}

static void join(struct maker *maker, unsigned int vm)
{
	if (maker->joined[vm])
		return;
	maker->joined[vm] = true;
	maker->pids[maker->count++] = PID_FIRST + vm;
}

/* The set is complete: so many pages are shared by it. */
static void close_set(struct maker *maker, uint64_t pages, bool outside)
{
	struct set *set;
	unsigned int i;

	if (maker->count) {
		set = snapshot_add_set(maker->snap, maker->pids, maker->count);
		set->frames_bytes = PAGE * pages;
		set->outside = outside;
		for (i = 0; i < maker->count; i++)
			maker->shared[maker->pids[i] - PID_FIRST] += PAGE * pages;
	}
	for (i = 0; i < maker->count; i++)
		maker->joined[maker->pids[i] - PID_FIRST] = false;
	maker->count = 0;
}

/*
 * Clones of a few images. What clones share is lost to them one by one as they
 * write, so sets are an image's clones with some missing; some sets (libraries,
 * zero-filled buffers) go across images, and processes that are no VM take part.
 */
static void make_images(struct maker *maker, unsigned int sets)
{
	unsigned int images = 2 + maker->vms / 16, image, missing, i, j;

	for (i = 0; i < sets; i++) {
		image = below(maker, images);
		missing = below(maker, 4) ? 20 + below(maker, 75) : 2;
		for (j = image; j < maker->vms; j += images) {
			if (below(maker, 100) >= missing)
				join(maker, j);
		}
		for (j = 0; below(maker, 8) == 0 && j < 4; j++)
			join(maker, below(maker, maker->vms));
		close_set(maker, sizes(maker, 14), below(maker, 50) == 0);
	}
}

/* Distribution, release, role: sets are whole branches of a tree or parts of its leaves. */
static void make_nested(struct maker *maker, unsigned int sets)
{
	unsigned int i, j, first, width;

	for (i = 0; i < sets; i++) {
		width = (maker->vms < 64 ? maker->vms : 64) >> below(maker, 5);
		width = width < 2 ? 2 : width;
		first = below(maker, maker->vms) / width * width;
		for (j = first; j < first + width && j < maker->vms; j++) {
			if (width > 16 ? below(maker, 3) == 0 : below(maker, 6))
				join(maker, j);
		}
		close_set(maker, sizes(maker, 12), false);
	}
}

/* Any few VMs, whatever they are. */
static void make_pairs(struct maker *maker, unsigned int sets)
{
	unsigned int i, size;

	for (i = 0; i < sets; i++) {
		size = below(maker, 4) ? 2 : 3;
		while (size--)
			join(maker, below(maker, maker->vms));
		close_set(maker, sizes(maker, 12), false);
	}
}

/* Overlapping communities; sets are cliques of some of one community. */
static void make_cliques(struct maker *maker, unsigned int sets)
{
	unsigned int width = maker->vms < 16 ? maker->vms : 16, i, first, size;

	for (i = 0; i < sets; i++) {
		first = below(maker, maker->vms);
		size = 2 + below(maker, 7);
		while (size--)
			join(maker, (first + below(maker, width)) % maker->vms);
		close_set(maker, sizes(maker, 12), below(maker, 40) == 0);
	}
}

/* Each shares with its neighbours, near and far. */
static void make_chains(struct maker *maker, unsigned int sets)
{
	unsigned int i, j, first, length, step;

	for (i = 0; i < sets; i++) {
		first = below(maker, maker->vms);
		length = 2 + below(maker, 5);
		step = 1 + below(maker, 1 + maker->vms / 8);
		for (j = 0; j < length; j++)
			join(maker, (first + j * step) % maker->vms);
		close_set(maker, sizes(maker, 10), false);
	}
}

/* Any subset is as likely as any other of its size: nothing to hold on to. */
static void make_uniform(struct maker *maker, unsigned int sets)
{
	unsigned int i, size;

	for (i = 0; i < sets; i++) {
		size = 2 + (unsigned int)__builtin_ctzll(draw(maker) | 1u << 5);
		while (size--)
			join(maker, below(maker, maker->vms));
		close_set(maker, 1 + below(maker, 100), false);
	}
}

/* Racks of eight equal VMs: all pairs of a rack share as much, and racks with racks. */
static void make_clones(struct maker *maker, unsigned int sets)
{
	unsigned int rack = 8, racks = (maker->vms + rack - 1) / rack, i, j;

	for (i = 0; i < maker->vms && maker->snap->n_sets < sets; i++) {
		for (j = i + 1; j < maker->vms && j / rack == i / rack; j++) {
			join(maker, i);
			join(maker, j);
			close_set(maker, 100 + i / rack % 3, false);
		}
	}
	for (i = 0; i < racks * racks && maker->snap->n_sets < sets; i++) {
		for (j = 0; j < maker->vms; j++) {
			if (j / rack == i / racks || j / rack == i % racks)
				join(maker, j);
		}
		close_set(maker, 1000 + i * 37 % 500, false);
	}
}

static const struct family {
	const char *name;
	void (*make)(struct maker *maker, unsigned int sets);
	unsigned int own;		/* memory of one's own, in % of the shared */
	unsigned int alike;		/* so many VMs in a row; 0: all differ */
	bool one_each;			/* every VM costs the same */
} table[] = {
	{ "images", make_images, 100, 0, false },
	{ "nested", make_nested, 60, 0, false },
	{ "pairs", make_pairs, 30, 0, false },
	{ "cliques", make_cliques, 5, 0, false },
	{ "chains", make_chains, 10, 0, false },
	{ "clones", make_clones, 20, 8, false },
	{ "count", make_cliques, 10, 0, true },
	{ "uniform", make_uniform, 2, 0, false },
};

const char *const family_names[] = {
	"images", "nested", "pairs", "cliques", "chains", "clones", "count", "uniform",
};
const unsigned int families = sizeof(table) / sizeof(*table);

static void add_own(struct maker *maker, const struct family *family, struct host *host)
{
	uint64_t total = 0, typical, own;
	unsigned int i;

	for (i = 0; i < maker->vms; i++)
		total += maker->shared[i];
	typical = total / maker->vms / 100 * family->own / PAGE + 2;
	for (i = 0; i < maker->vms; i++) {
		struct facts *facts = &host->snap.vms[i].facts;
		uint64_t written;

		own = typical / 2 + draw(maker) % (2 * typical);
		written = draw(maker) % (1 + maker->shared[i] / 4 / PAGE);
		if (family->alike) {
			own = typical * (1 + i / family->alike % 3);
			written = 0;
		}
		facts_set(facts, VM_UNIQUE, PAGE * own);
		facts_set(facts, VM_ANON, PAGE * (own + written) + maker->shared[i]);
		host->costs[i] = family->one_each ? 1 : freed_resident(&host->snap.vms[i]);
	}
}

/* A snapshot has one row for each set. */
static void merge_equal(struct snapshot *snap)
{
	size_t kept = 0, i;

	snapshot_sort_sets(snap);
	for (i = 0; i < snap->n_sets; i++) {
		if (kept && !set_compare(&snap->sets[kept - 1], &snap->sets[i])) {
			snap->sets[kept - 1].frames_bytes += snap->sets[i].frames_bytes;
			free(snap->sets[i].pids);
		} else {
			snap->sets[kept++] = snap->sets[i];
		}
	}
	snap->n_sets = kept;
}

static uint64_t need_of(const struct snapshot *snap, unsigned int percent)
{
	bool *all = malloc(snap->n_vms);
	uint64_t freed;

	if (!all)
		return 0;
	memset(all, true, snap->n_vms);
	freed = freed_together(snap, all);
	free(all);
	return freed / 100 * percent + 1;
}

int host_make(struct host *host, unsigned int family, unsigned int vms, unsigned int sets,
	      unsigned int need_percent, uint64_t seed)
{
	struct maker maker = { .snap = &host->snap, .vms = vms, .state = seed * 1000003 + family };
	unsigned int i;

	memset(host, 0, sizeof(*host));
	host->family = table[family].name;
	snapshot_init(&host->snap);
	host->snap.sets_known = true;
	for (i = 0; i < vms; i++)
		snapshot_add_vm(&host->snap, PID_FIRST + i);
	host->costs = calloc(vms, sizeof(*host->costs));
	maker.pids = calloc(vms, sizeof(*maker.pids));
	maker.joined = calloc(vms, sizeof(*maker.joined));
	maker.shared = calloc(vms, sizeof(*maker.shared));
	if (host->costs && maker.pids && maker.joined && maker.shared) {
		table[family].make(&maker, sets);
		merge_equal(&host->snap);
		add_own(&maker, &table[family], host);
		host->need = need_of(&host->snap, need_percent);
	}
	free(maker.pids);
	free(maker.joined);
	free(maker.shared);
	return host->need ? 0 : -1;
}

void host_free(struct host *host)
{
	free(host->costs);
	snapshot_free(&host->snap);
}
