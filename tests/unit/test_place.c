// SPDX-License-Identifier: GPL-2.0
/* Emptied hosts against trying every set of hosts and every assignment of their VMs. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "policy/freed.h"
#include "policy/place.h"

#define HOSTS_MAX 4
#define VMS_MAX 3			/* of one host */

struct cluster {
	struct snapshot snaps[HOSTS_MAX];
	struct destination destinations[HOSTS_MAX];
	size_t hosts;
};

static void add_vm(struct snapshot *snap, uint32_t pid, uint64_t unique, uint64_t shared)
{
	struct vm *vm = snapshot_add_vm(snap, pid);

	facts_set(&vm->facts, VM_UNIQUE, unique);
	facts_set(&vm->facts, VM_INTER_SHARED, shared);
	facts_set(&vm->facts, VM_ANON, unique + shared);
}

static void add_host(struct cluster *cluster, uint64_t room)
{
	struct margin none = { false, 0 };
	struct snapshot *snap = &cluster->snaps[cluster->hosts];

	facts_set(&snap->host, HOST_MEM_AVAILABLE, room);
	destination_init(&cluster->destinations[cluster->hosts++], snap, &none);
}

static void cluster_free(struct cluster *cluster)
{
	size_t i;

	for (i = 0; i < cluster->hosts; i++) {
		destination_free(&cluster->destinations[i]);
		snapshot_free(&cluster->snaps[i]);
	}
}

static struct place_request request_of(const struct cluster *cluster)
{
	return (struct place_request){
		.snaps = cluster->snaps, .destinations = cluster->destinations,
		.hosts = cluster->hosts, .work = 1000000,
	};
}

static void make_random(struct cluster *cluster)
{
	size_t hosts = 2 + test_random_below(HOSTS_MAX - 1), host;
	uint32_t pid = 1;

	memset(cluster, 0, sizeof(*cluster));
	for (host = 0; host < hosts; host++) {
		size_t vms = test_random_below(VMS_MAX + 1), i;

		for (i = 0; i < vms; i++)
			add_vm(&cluster->snaps[host], pid++, test_random_below(60),
			       test_random_below(20));
		if (vms && test_random_below(8) == 0)
			cluster->snaps[host].vms[0].pinned = true;
		add_host(cluster, test_random_below(200));
	}
}

/* Every VM of the hosts in the mask to every host outside it that has VMs. */
static bool fits(const struct cluster *cluster, unsigned int mask, size_t host, size_t vm,
		 uint64_t *room)
{
	uint64_t growth;
	size_t to;

	if (host == cluster->hosts)
		return true;
	if (!(mask >> host & 1) || vm == cluster->snaps[host].n_vms)
		return fits(cluster, mask, host + 1, 0, room);
	growth = freed_growth(&cluster->snaps[host].vms[vm]);
	for (to = 0; to < cluster->hosts; to++) {
		if (mask >> to & 1 || !cluster->snaps[to].n_vms || room[to] < growth)
			continue;
		room[to] -= growth;
		if (fits(cluster, mask, host, vm + 1, room))
			return true;
		room[to] += growth;
	}
	return false;
}

static uint64_t bytes_of(const struct cluster *cluster, unsigned int mask)
{
	uint64_t bytes = 0;
	size_t host, i;

	for (host = 0; host < cluster->hosts; host++) {
		for (i = 0; mask >> host & 1 && i < cluster->snaps[host].n_vms; i++)
			bytes += freed_resident(&cluster->snaps[host].vms[i]);
	}
	return bytes;
}

static bool may_be_emptied(const struct cluster *cluster, unsigned int mask)
{
	size_t host;

	for (host = 0; host < cluster->hosts; host++) {
		const struct snapshot *snap = &cluster->snaps[host];

		if (mask >> host & 1 && (!snap->n_vms || snap->vms[0].pinned))
			return false;
	}
	return true;
}

static void brute_force(const struct cluster *cluster, unsigned int *count, uint64_t *bytes)
{
	unsigned int mask;

	*count = 0;
	*bytes = 0;
	for (mask = 1; mask < 1u << cluster->hosts; mask++) {
		unsigned int size = (unsigned int)__builtin_popcount(mask);
		uint64_t room[HOSTS_MAX];
		size_t i;

		for (i = 0; i < cluster->hosts; i++)
			room[i] = cluster->destinations[i].room;
		if (!may_be_emptied(cluster, mask) || !fits(cluster, mask, 0, 0, room))
			continue;
		if (size > *count || (size == *count && bytes_of(cluster, mask) < *bytes)) {
			*count = size;
			*bytes = bytes_of(cluster, mask);
		}
	}
}

/* Without sharing the plan is exact: everything that arrives adds up and fits. */
static void test_unshared(void)
{
	unsigned int wrong = 0, emptied = 0, i;

	for (i = 0; i < 1000; i++) {
		struct cluster cluster;
		struct place_request request;
		struct place_plan plan;
		unsigned int count;
		uint64_t bytes;
		size_t host;

		make_random(&cluster);
		request = request_of(&cluster);
		request.unshared = true;
		brute_force(&cluster, &count, &bytes);
		wrong += place_choose(&request, &plan) != 0;
		wrong += plan.n_emptied != count || plan.bytes != bytes || !plan.proved;
		for (host = 0; host < cluster.hosts; host++)
			wrong += plan.arriving[host] > cluster.destinations[host].room;
		emptied += count > 0;
		place_plan_free(&plan);
		cluster_free(&cluster);
	}
	is_number(wrong, 0, "1000 random clusters emptied as by trying all");
	ok(emptied > 200 && emptied < 900, "some can be, some cannot (%u)", emptied);
}

/* Two clones of 100, 90 of it shared between them, go where 120 are free: 110 once merged. */
static void test_sharing(void)
{
	uint32_t pids[] = { 1, 2 };
	struct cluster cluster = {};
	struct place_request request;
	struct place_plan plan;

	add_vm(&cluster.snaps[0], 1, 10, 90);
	add_vm(&cluster.snaps[0], 2, 10, 90);
	snapshot_add_set(&cluster.snaps[0], pids, 2)->frames_bytes = 90;
	add_vm(&cluster.snaps[1], 3, 500, 0);
	add_host(&cluster, 0);
	add_host(&cluster, 200);
	request = request_of(&cluster);
	ok(!place_choose(&request, &plan) && plan.n_emptied == 1 && plan.emptied[0],
	   "200 take the two");
	ok(plan.arriving[1] == 200 && plan.settled[1] == 110, "who take 110 once merged again");
	ok(plan.n_moves == 2 && plan.moves[0].to == 1 && plan.moves[0].bytes == 100,
	   "one move for each");
	place_plan_free(&plan);

	cluster.destinations[1].room = 199;
	ok(!place_choose(&request, &plan) && !plan.n_emptied && plan.proved,
	   "199 do not: the second arrives unshared when 100 are taken");
	place_plan_free(&plan);
	cluster_free(&cluster);
}

/* A third clone fits only because the first two have been merged. */
static void test_merged_before(void)
{
	uint32_t pids[] = { 1, 2, 3 };
	struct cluster cluster = {};
	struct place_request request;
	struct place_plan plan;
	uint32_t i;

	for (i = 0; i < 3; i++)
		add_vm(&cluster.snaps[0], pids[i], 10, 90);
	snapshot_add_set(&cluster.snaps[0], pids, 3)->frames_bytes = 90;
	add_vm(&cluster.snaps[1], 4, 500, 0);
	add_host(&cluster, 0);
	add_host(&cluster, 210);
	request = request_of(&cluster);
	ok(!place_choose(&request, &plan) && plan.n_emptied == 1, "three clones of 100 into 210");
	is_number(plan.settled[1], 120, "120 once merged");
	place_plan_free(&plan);
	request.unshared = true;
	ok(!place_choose(&request, &plan) && !plan.n_emptied, "not if sharing is not counted on");
	place_plan_free(&plan);
	cluster_free(&cluster);
}

/* Any ten of 24 hosts could be emptied, no eleven: far too many sets to look at all. */
static void test_limit(void)
{
	struct snapshot snaps[24] = {};
	struct destination destinations[24];
	struct margin none = { false, 0 };
	struct place_request request = {
		.snaps = snaps, .destinations = destinations, .hosts = 24, .work = 20000,
	};
	struct place_plan plan;
	uint32_t i;

	for (i = 0; i < 24; i++) {
		add_vm(&snaps[i], i + 1, 1000 + i, 0);
		facts_set(&snaps[i].host, HOST_MEM_AVAILABLE, i < 10 ? 1030 : 0);
		destination_init(&destinations[i], &snaps[i], &none);
	}
	ok(!place_choose(&request, &plan) && plan.n_emptied > 0, "some hosts are emptied");
	ok(!plan.proved && plan.tried <= 20000 + 20000 / 16 + 100, "and the search ends with its work");
	place_plan_free(&plan);
	for (i = 0; i < 24; i++) {
		destination_free(&destinations[i]);
		snapshot_free(&snaps[i]);
	}
}

static void test_names(void)
{
	struct cluster cluster = {};
	struct place_request request;

	add_vm(&cluster.snaps[0], 1, 1, 0);
	add_vm(&cluster.snaps[1], 1, 1, 0);
	cluster.snaps[0].vms[0].name = strdup("web");
	cluster.snaps[1].vms[0].name = strdup("web");
	add_host(&cluster, 100);
	add_host(&cluster, 100);
	request = request_of(&cluster);
	ok(place_obstacle(&request, 0) == &cluster.snaps[0].vms[0],
	   "a VM does not go where its name is");
	cluster.destinations[1].n_names = 0;
	ok(!place_obstacle(&request, 0), "without that it could");
	cluster.snaps[0].vms[0].pinned = true;
	ok(place_obstacle(&request, 0) == &cluster.snaps[0].vms[0], "unless it is pinned");
	cluster_free(&cluster);
}

/* Two VMs of one name on a host that could be emptied: they cannot arrive together. */
static void test_namesakes(void)
{
	struct cluster cluster = {};
	struct place_request request;
	struct place_plan plan;

	add_vm(&cluster.snaps[0], 1, 1, 0);
	add_vm(&cluster.snaps[0], 2, 1, 0);
	cluster.snaps[0].vms[0].name = strdup("web");
	cluster.snaps[0].vms[1].name = strdup("web");
	add_vm(&cluster.snaps[1], 3, 1000, 0);
	add_host(&cluster, 0);
	add_host(&cluster, 100);
	request = request_of(&cluster);
	ok(!place_choose(&request, &plan) && !plan.n_emptied && plan.proved,
	   "two of one name have nowhere to go");
	place_plan_free(&plan);
	add_vm(&cluster.snaps[2], 4, 1000, 0);
	add_host(&cluster, 100);
	request = request_of(&cluster);
	ok(!place_choose(&request, &plan) && plan.n_emptied == 1 &&
	   plan.moves[0].to != plan.moves[1].to, "with two other hosts one each");
	place_plan_free(&plan);
	cluster_free(&cluster);
}

void test_place(void)
{
	test_unshared();
	test_sharing();
	test_merged_before();
	test_limit();
	test_names();
	test_namesakes();
}
