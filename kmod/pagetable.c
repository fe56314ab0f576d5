// SPDX-License-Identifier: GPL-2.0
/*
 * Looking at page tables with exported symbols only. The kernel's own walkers
 * are not exported, and get_user_pages() would fault pages in.
 */
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/sched/mm.h>

#include "compat/ksm.h"
#include "compat/migration.h"
#include "pagetable.h"

/* Low bit of page->mapping of an anonymous page; KSM's has both low bits. */
#define MAPPING_ANON	1UL

/* Passed by before the caller may look at how long it has held the mmap lock. */
#define MAPPINGS_AT_ONCE	256

/*
 * *@end is moved back to where the entry's range ends, or, where a directory above is
 * empty, that one's: a hole of terabytes is passed in one step.
 * Return: the entry of the page middle directory, or NULL if there is none.
 */
static pmd_t *pmd_of(struct mm_struct *mm, unsigned long addr, unsigned long *end)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d;
	pud_t *pud;

	if (pgd_none(*pgd) || pgd_bad(*pgd)) {
		*end = pgd_addr_end(addr, *end);
		return NULL;
	}
	p4d = p4d_offset(pgd, addr);
	if (p4d_none(*p4d) || p4d_bad(*p4d)) {
		*end = p4d_addr_end(addr, *end);
		return NULL;
	}
	pud = pud_offset(p4d, addr);
	/* pud_bad() holds for huge ones as well */
	if (pud_none(*pud) || !pud_present(*pud) || pud_bad(*pud)) {
		*end = pud_addr_end(addr, *end);
		return NULL;
	}
	*end = pmd_addr_end(addr, *end);
	return pmd_offset(pud, addr);
}

static bool is_table(pmd_t pmd)
{
	return !pmd_none(pmd) && pmd_present(pmd) && !pmd_bad(pmd);
}

/*
 * Lock the page table below @pmd. The table can be taken away until its lock is
 * held (khugepaged; empty tables are reclaimed under RCU), so look again then.
 * Return: its first entry, with RCU and *@ptl held; NULL if there is no table.
 */
static pte_t *lock_table(struct mm_struct *mm, pmd_t *pmd, unsigned long addr,
			 spinlock_t **ptl)
{
	pmd_t seen;

	rcu_read_lock();
	for (;;) {
		seen = READ_ONCE(*pmd);
		if (!is_table(seen))
			break;
		*ptl = pte_lockptr(mm, &seen);
		spin_lock(*ptl);
		if (likely(pmd_same(seen, READ_ONCE(*pmd))))
			return pte_offset_kernel(&seen, addr);
		spin_unlock(*ptl);
	}
	rcu_read_unlock();
	return NULL;
}

static void unlock_table(spinlock_t *ptl)
{
	spin_unlock(ptl);
	rcu_read_unlock();
}

/* Only memory with an anon_vma can hold anonymous pages. */
static bool is_of_interest(const struct vm_area_struct *vma)
{
	return vma->anon_vma &&
	       !(vma->vm_flags & (VM_HUGETLB | VM_PFNMAP | VM_IO));
}

static bool entry_is_frame(struct mm_struct *mm, unsigned long addr,
			   unsigned long pfn)
{
	unsigned long end = addr + PAGE_SIZE;
	pmd_t *pmd = pmd_of(mm, addr, &end);
	spinlock_t *ptl;
	pte_t *pte;
	bool same;

	pte = pmd ? lock_table(mm, pmd, addr, &ptl) : NULL;
	if (!pte)
		return false;
	same = pte_present(*pte) && pte_pfn(*pte) == pfn;
	unlock_table(ptl);
	return same;
}

int vmshare_maps_frame(struct mm_struct *mm, unsigned long addr,
		       unsigned long pfn)
{
	struct vm_area_struct *vma;
	int maps = -EAGAIN;

	if (!mmget_not_zero(mm))
		return 0;
	if (mmap_read_trylock(mm)) {
		vma = find_vma(mm, addr);
		maps = vma && vma->vm_start <= addr && is_of_interest(vma) &&
		       entry_is_frame(mm, addr, pfn);
		mmap_read_unlock(mm);
	}
	mmput_async(mm);	/* not here: it may be the last user */
	return maps;
}

/* Return: the key of a merged page with that mapping, see frames.h; 0: it is not merged. */
static unsigned long merged_key(const struct page *page, unsigned long mapping)
{
	if ((mapping & VMSHARE_KSM_MAPPING) != VMSHARE_KSM_MAPPING)
		return 0;
	mapping &= ~VMSHARE_KSM_MAPPING;
	/* Just being merged: no node yet. Odd, so no node's address. */
	return mapping ? mapping : page_to_pfn(page) << 1 | 1;
}

static unsigned long mapping_of(struct page *page)
{
	return (unsigned long)READ_ONCE(compound_head(page)->mapping);
}

static u32 mapcount_of(const struct page *page)
{
	return atomic_read(&page->_mapcount) + 1;
}

u32 vmshare_mapcount_now(unsigned long key, unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);
	u32 mapcount;

	if (!page)
		return 0;
	mapcount = mapcount_of(page);
	smp_rmb();	/* the mapcount before whose it was */
	return merged_key(page, mapping_of(page)) == key ? mapcount : 0;
}

static void look_at_entry(pte_t pte, struct vmshare_table *table)
{
	unsigned long mapping, key;
	struct page *page;

	if (!pte_present(pte)) {
		table->migrating += vmshare_is_migrating(pte);
		return;
	}
	/* Zero pages, KSM's among them, are special. */
	if (pte_special(pte) || !pfn_valid(pte_pfn(pte)))
		return;
	page = pte_page(pte);
	mapping = mapping_of(page);
	if (!(mapping & MAPPING_ANON))
		return;
	table->anon++;
	key = merged_key(page, mapping);
	if (!key)
		return;
	table->merged[table->nr].key = key;
	table->merged[table->nr].pfn = pte_pfn(pte);
	table->merged[table->nr].mapcount = mapcount_of(page);
	table->nr++;
}

static bool is_huge(pmd_t pmd)
{
	return pmd_present(pmd) && pmd_trans_huge(pmd);
}

/* Return: whether it is one: locked, as it may be split, or go with its memory. */
static bool look_at_huge(struct mm_struct *mm, pmd_t *pmd,
			 struct vmshare_table *table)
{
	spinlock_t *ptl = pmd_lock(mm, pmd);
	pmd_t seen = READ_ONCE(*pmd);
	bool huge = is_huge(seen);

	/* The huge zero page has no mapping. */
	if (huge && (mapping_of(pmd_page(seen)) & MAPPING_ANON))
		table->anon += HPAGE_PMD_NR;
	spin_unlock(ptl);
	return huge;
}

/* *@end is moved back to where the table that @addr is in ends, or the hole. */
static void look_at_range(struct mm_struct *mm, unsigned long addr,
			  unsigned long *end, struct vmshare_table *table)
{
	pmd_t *pmd = pmd_of(mm, addr, end), seen;
	spinlock_t *ptl;
	pte_t *pte;

	if (!pmd)
		return;
	seen = READ_ONCE(*pmd);
	if (is_huge(seen)) {
		if (look_at_huge(mm, pmd, table))
			return;
		seen = READ_ONCE(*pmd);
	}
	if (!pmd_none(seen) && !pmd_present(seen)) {	/* it is being moved */
		table->migrating++;
		return;
	}
	pte = lock_table(mm, pmd, addr, &ptl);
	if (!pte)
		return;
	for (; addr < *end; addr += PAGE_SIZE, pte++)
		look_at_entry(*pte, table);
	table->entries += PTRS_PER_PTE;
	unlock_table(ptl);
}

bool vmshare_table_next(struct mm_struct *mm, unsigned long *addr,
			struct vmshare_table *table)
{
	struct vm_area_struct *vma;
	unsigned long end;
	u32 passed;

	table->anon = 0;
	table->migrating = 0;
	table->entries = 0;
	table->nr = 0;
	for (passed = 0; passed < MAPPINGS_AT_ONCE; passed++) {
		vma = find_vma(mm, *addr);
		if (!vma)
			return false;
		if (!is_of_interest(vma)) {
			*addr = vma->vm_end;
			continue;
		}
		*addr = max(*addr, vma->vm_start);
		end = vma->vm_end;
		look_at_range(mm, *addr, &end, table);
		*addr = end;
		break;
	}
	return true;
}
