// SPDX-License-Identifier: GPL-2.0
/* Where CPUs are: Documentation/admin-guide/cputopology.rst. */
#include "cpuorder.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPUS_MAX 65536

struct place {
	uint32_t cpu;
	uint32_t package, core;
};

/* A number in a file, or the one that stands for it. */
static uint32_t read_number(const char *dir, uint32_t cpu, const char *name, uint32_t otherwise)
{
	char path[PATH_MAX];
	unsigned int value;
	FILE *file;

	snprintf(path, sizeof(path), "%s/cpu%u/topology/%s", dir, cpu, name);
	file = fopen(path, "re");
	if (!file)
		return otherwise;
	if (fscanf(file, "%u", &value) != 1)
		value = otherwise;
	fclose(file);
	return value;
}

static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->package != y->package)
		return x->package < y->package ? -1 : 1;
	if (x->core != y->core)
		return x->core < y->core ? -1 : 1;
	return (x->cpu > y->cpu) - (x->cpu < y->cpu);
}

/* "0-3,8" as places; how many there are, 0 if it is no such list. */
static size_t read_list(FILE *file, const char *dir, struct place *places)
{
	unsigned int first, last;
	size_t n = 0;
	int next;

	do {
		if (fscanf(file, "%u", &first) != 1)
			return 0;
		last = first;
		next = fgetc(file);
		if (next == '-') {
			if (fscanf(file, "%u", &last) != 1)
				return 0;
			next = fgetc(file);
		}
		for (; first <= last && n < CPUS_MAX; first++)
			places[n++] = (struct place){
				.cpu = first,
				.package = read_number(dir, first, "physical_package_id", 0),
				.core = read_number(dir, first, "core_id", first) };
	} while (next == ',');
	return n;
}

static struct cpuorder *in_order(struct place *places, size_t n)
{
	struct cpuorder *order = malloc(sizeof(*order) + n * sizeof(*order->cpus));
	size_t i;

	if (!order)
		return NULL;
	qsort(places, n, sizeof(*places), by_place);
	order->n = n;
	for (i = 0; i < n; i++)
		order->cpus[i] = places[i].cpu;
	return order;
}

struct cpuorder *cpuorder_read(const char *dir)
{
	struct place *places = calloc(CPUS_MAX, sizeof(*places));
	struct cpuorder *order = NULL;
	char path[PATH_MAX];
	size_t n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/online", dir);
	file = fopen(path, "re");
	if (file && places)
		n = read_list(file, dir, places);
	if (n)
		order = in_order(places, n);
	if (file)
		fclose(file);
	free(places);
	return order;
}

void cpuorder_free(struct cpuorder *order)
{
	free(order);
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Appends to out at *used; false if it does not fit. */
static bool append(char *out, size_t size, size_t *used, uint32_t first, uint32_t last)
{
	int wrote = first == last ?
		    snprintf(out + *used, size - *used, "%s%u", *used ? "," : "", first) :
		    snprintf(out + *used, size - *used, "%s%u-%u", *used ? "," : "", first, last);

	*used += (size_t)wrote;
	return *used < size;
}

bool cpuorder_list(const struct cpuorder *order, size_t first, size_t count, char *out,
		   size_t size)
{
	size_t used = 0, i, end;
	uint32_t *cpus;
	bool fits = true;

	if (!count || first > order->n || count > order->n - first)
		return false;
	cpus = malloc(count * sizeof(*cpus));
	if (!cpus)
		return false;
	memcpy(cpus, order->cpus + first, count * sizeof(*cpus));
	qsort(cpus, count, sizeof(*cpus), by_number);
	for (i = 0; i < count && fits; i = end) {
		for (end = i + 1; end < count && cpus[end] == cpus[end - 1] + 1; end++)
			continue;
		fits = append(out, size, &used, cpus[i], cpus[end - 1]);
	}
	free(cpus);
	return fits;
}
