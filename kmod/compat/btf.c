// SPDX-License-Identifier: GPL-2.0
/*
 * A reader of the running kernel's BTF, just enough to find member offsets.
 *
 * Structures that are private to one file of the kernel are in no header. The
 * kernel carries a description of all its types, so their layout need not be
 * guessed from a version number, and back-ports by a vendor do no harm.
 * The format is that of Documentation/bpf/btf.rst.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <uapi/linux/btf.h>

#include "compat/btf.h"
#include "compat/ksyms.h"

#define MAX_NESTING 8	/* anonymous unions in structures; KSM has 3 */
#define MAX_MEMBERS 4096	/* of one structure and what is nested in it */

struct vmshare_btf {
	const void *types, *types_end;
	const char *strings, *strings_end;
	u32 nr_types;
	u32 *type_at;	/* by type id: offset from @types */
	u32 members_left;	/* to be looked at in this structure */
};

/* Bytes that follow a struct btf_type, or -1 for a kind unknown to us. */
static int trailer_size(const struct btf_type *t)
{
	u32 vlen = BTF_INFO_VLEN(t->info);

	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_INT:
		return sizeof(u32);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return vlen * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return vlen * sizeof(struct btf_enum);
	case BTF_KIND_FUNC_PROTO:
		return vlen * sizeof(struct btf_param);
	case BTF_KIND_VAR:
		return sizeof(struct btf_var);
	case BTF_KIND_DATASEC:
		return vlen * sizeof(struct btf_var_secinfo);
	case 17: /* BTF_KIND_DECL_TAG, newer than the oldest headers we take */
		return sizeof(u32);
	case 19: /* BTF_KIND_ENUM64 */
		return vlen * 3 * sizeof(u32);
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case 16: /* BTF_KIND_FLOAT */
	case 18: /* BTF_KIND_TYPE_TAG */
		return 0;
	}
	return -1;
}

/* Call @btf->type_at of each type if it is there; count them in any case. */
static bool scan_types(struct vmshare_btf *btf)
{
	const void *at = btf->types;
	u32 id = 0;

	while (at + sizeof(struct btf_type) <= btf->types_end) {
		const struct btf_type *t = at;
		int more = trailer_size(t);

		if (more < 0 || at + sizeof(*t) + more > btf->types_end)
			return false;
		id++;	/* ids begin at 1; 0 is void */
		if (btf->type_at)
			btf->type_at[id] = at - btf->types;
		at += sizeof(*t) + more;
		if (!(id % 4096))
			cond_resched();
	}
	btf->nr_types = id;
	return true;
}

/*
 * The header's size is that of who wrote it, who may not know what the kernel's
 * own headers have at its end: what we need of it has always been there.
 */
static bool find_sections(struct vmshare_btf *btf, const void *start,
			  const void *stop)
{
	const size_t needed = offsetofend(struct btf_header, str_len);
	const struct btf_header *h = start;
	const void *body;

	if (stop < start + needed || h->magic != BTF_MAGIC ||
	    h->version != BTF_VERSION || h->hdr_len < needed)
		return false;
	body = start + h->hdr_len;
	btf->types = body + h->type_off;
	btf->types_end = btf->types + h->type_len;
	btf->strings = body + h->str_off;
	btf->strings_end = btf->strings + h->str_len;
	return btf->types_end <= stop && (void *)btf->strings_end <= stop &&
	       h->str_len && !btf->strings_end[-1];
}

struct vmshare_btf *vmshare_btf_open(const char **why)
{
	/* The section begins where others may end: the magic number tells. */
	const void *start = vmshare_ksym_data("__start_BTF", false);
	const void *stop = vmshare_ksym_data("__stop_BTF", false);
	struct vmshare_btf *btf;

	if (!start || !stop) {
		*why = "the kernel has no type information (CONFIG_DEBUG_INFO_BTF)";
		return NULL;
	}
	btf = kzalloc(sizeof(*btf), GFP_KERNEL);
	if (!btf)
		goto err_memory;
	if (!find_sections(btf, start, stop) || !scan_types(btf)) {
		*why = "the kernel's type information (BTF) cannot be read";
		goto err_unreadable;
	}
	btf->type_at = kvmalloc_array(btf->nr_types + 1, sizeof(u32),
				      GFP_KERNEL);
	if (!btf->type_at)
		goto err_unreadable_memory;
	scan_types(btf);
	return btf;

err_unreadable_memory:
	*why = "no memory to read the kernel's type information";
err_unreadable:
	kfree(btf);
	return NULL;
err_memory:
	*why = "no memory to read the kernel's type information";
	return NULL;
}

void vmshare_btf_close(struct vmshare_btf *btf)
{
	if (!btf)
		return;
	kvfree(btf->type_at);
	kfree(btf);
}

static const struct btf_type *type_by_id(struct vmshare_btf *btf, u32 id)
{
	if (!id || id > btf->nr_types)
		return NULL;
	return btf->types + btf->type_at[id];
}

static const char *string_at(struct vmshare_btf *btf, u32 off)
{
	if (off >= btf->strings_end - btf->strings)
		return "";
	return btf->strings + off;
}

static bool is_compound(const struct btf_type *t)
{
	u32 kind = BTF_INFO_KIND(t->info);

	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION;
}

static int member_offset(struct vmshare_btf *btf, const struct btf_type *t,
			 const char *name, int depth)
{
	const struct btf_member *m = (const void *)(t + 1);
	u32 i;

	for (i = 0; i < BTF_INFO_VLEN(t->info) && btf->members_left; i++, m++) {
		const char *member = string_at(btf, m->name_off);
		u32 bits = BTF_INFO_KFLAG(t->info) ?
			   BTF_MEMBER_BIT_OFFSET(m->offset) : m->offset;
		const struct btf_type *inner;
		int within;

		btf->members_left--;
		if (!strcmp(member, name))
			return bits % 8 ? -1 : bits / 8;
		inner = type_by_id(btf, m->type);
		if (*member || !inner || !is_compound(inner) || !depth)
			continue;
		within = member_offset(btf, inner, name, depth - 1);
		if (within >= 0)
			return bits / 8 + within;
	}
	return -1;
}

static int offset_in(struct vmshare_btf *btf, const char *type, size_t len,
		     const char *member)
{
	u32 id;

	for (id = 1; id <= btf->nr_types; id++) {
		const struct btf_type *t = type_by_id(btf, id);
		const char *name = string_at(btf, t->name_off);
		int off;

		if (!is_compound(t) || strncmp(name, type, len) || name[len])
			continue;
		/* One that holds itself, in types that are broken, has no end. */
		btf->members_left = MAX_MEMBERS;
		off = member_offset(btf, t, member, MAX_NESTING);
		if (off >= 0 && off < t->size)
			return off;
	}
	return -1;
}

int vmshare_btf_offset(struct vmshare_btf *btf, const char *types,
		       const char *member)
{
	while (*types) {
		size_t len = strcspn(types, ",");
		int off = offset_in(btf, types, len, member);

		if (off >= 0)
			return off;
		cond_resched();
		types += len + (types[len] == ',');
	}
	return -1;
}
