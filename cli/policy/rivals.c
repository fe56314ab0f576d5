// SPDX-License-Identifier: GPL-2.0
#include "policy/rivals.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct word {
	const char *text;
	size_t vm;
};

static int by_place(const struct word *left, const struct word *right)
{
	return (left->vm > right->vm) - (left->vm < right->vm);
}

static int compare_names(const void *a, const void *b)
{
	const struct word *left = a, *right = b;
	int order = strcmp(left->text, right->text);

	return order ? order : by_place(left, right);
}

static int compare_uuids(const void *a, const void *b)
{
	const struct word *left = a, *right = b;
	int order = strcasecmp(left->text, right->text);

	return order ? order : by_place(left, right);
}

/* Equal words are neighbours once sorted, the VMs' order among them kept. */
static bool link_equal(size_t *earlier, struct word *words, size_t count,
		       int (*compare)(const char *, const char *))
{
	bool any = false;
	size_t i;

	for (i = 1; i < count; i++) {
		if (compare(words[i - 1].text, words[i].text))
			continue;
		earlier[words[i].vm] = words[i - 1].vm;
		any = true;
	}
	return any;
}

static bool find_names(struct rivals *rivals, const struct vm *const *vms, size_t count,
		       struct word *words)
{
	size_t n = 0, i;

	for (i = 0; i < count; i++) {
		rivals->by_name[i] = RIVAL_NONE;
		if (vms[i]->name)
			words[n++] = (struct word){ vms[i]->name, i };
	}
	qsort(words, n, sizeof(*words), compare_names);
	return link_equal(rivals->by_name, words, n, strcmp);
}

static bool find_uuids(struct rivals *rivals, const struct vm *const *vms, size_t count,
		       struct word *words)
{
	size_t n = 0, i;

	for (i = 0; i < count; i++) {
		rivals->by_uuid[i] = RIVAL_NONE;
		if (vms[i]->uuid)
			words[n++] = (struct word){ vms[i]->uuid, i };
	}
	qsort(words, n, sizeof(*words), compare_uuids);
	return link_equal(rivals->by_uuid, words, n, strcasecmp);
}

int rivals_find(struct rivals *rivals, const struct vm *const *vms, size_t count)
{
	struct word *words = calloc(count + 1, sizeof(*words));

	rivals->by_name = calloc(count + 1, sizeof(*rivals->by_name));
	rivals->by_uuid = calloc(count + 1, sizeof(*rivals->by_uuid));
	rivals->any = false;
	if (!words || !rivals->by_name || !rivals->by_uuid) {
		free(words);
		return -1;
	}
	rivals->any |= find_names(rivals, vms, count, words);
	rivals->any |= find_uuids(rivals, vms, count, words);
	free(words);
	return 0;
}

void rivals_free(struct rivals *rivals)
{
	free(rivals->by_name);
	free(rivals->by_uuid);
	memset(rivals, 0, sizeof(*rivals));
}
