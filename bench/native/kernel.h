/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stand-ins for what the tree engine takes from the kernel, so that its files
 * can be compiled, unchanged, as a program: every <linux/...> header they ask
 * for is this one. What is measured has the kernel's layout (rbtree nodes, list
 * links, struct page at 64 bytes in an array by frame number); the rest only
 * has its meaning. There is one thread, so locks and barriers do nothing.
 */
#ifndef BENCH_NATIVE_KERNEL_H
#define BENCH_NATIVE_KERNEL_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef int32_t s32;
typedef unsigned long long u64;
typedef long long s64;
typedef s64 ktime_t;

#define U32_MAX			UINT32_MAX
#define NSEC_PER_MSEC		1000000LL
#define PAGE_SIZE		4096UL
#define PAGE_MASK		(~(PAGE_SIZE - 1))
#define PTRS_PER_PTE		512
#define TASK_COMM_LEN		16
typedef int gfp_t;
#define GFP_KERNEL		0
#define __GFP_NOWARN		0
#define __GFP_ZERO		0
#define __GFP_NORETRY		0
#define IS_ERR(ptr)		((unsigned long)(ptr) >= -4095UL)
#define PTR_ERR(ptr)		((long)(ptr))
#define ERR_PTR(error)		((void *)(long)(error))

/* What kmod/compat/Kbuild.probe finds in 6.12's headers. */
#define VMSHARE_HAVE_ANON_VMA_CHILDREN
#define VMSHARE_HAVE_KMAP_LOCAL

/* ---- compiler ---- */

#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#undef __always_inline
#define __always_inline		inline __attribute__((always_inline))
#define __init			__attribute__((unused))
#define __exit			__attribute__((unused))
#define READ_ONCE(x)		(*(const volatile typeof(x) *)&(x))
#define smp_rmb()		__asm__ volatile("" ::: "memory")
#define container_of(ptr, type, member) \
	((type *)((void *)(ptr) - offsetof(type, member)))
#define max(a, b)		((a) > (b) ? (a) : (b))
#define min(a, b)		((a) < (b) ? (a) : (b))
#define max_t(type, a, b)	max((type)(a), (type)(b))

/* ---- numbers ---- */

static inline int ilog2(u64 n)
{
	return 63 - __builtin_clzll(n);
}

static inline u64 roundup_pow_of_two(u64 n)
{
	return n <= 1 ? 1 : 1ULL << (ilog2(n - 1) + 1);
}

static inline u32 hash_long(unsigned long value, unsigned int bits)
{
	return value * 0x61c8864680b583ebUL >> (64 - bits);
}

static inline u32 hash_ptr(const void *at, unsigned int bits)
{
	return hash_long((unsigned long)at, bits);
}

void get_random_bytes(void *to, size_t len);

/* ---- memory of one's own ---- */

void *kvmalloc_array(size_t n, size_t size, int flags);
void *kvcalloc(size_t n, size_t size, int flags);
void *__vmalloc(size_t size, gfp_t flags);	/* zeroed, whatever the flags */
void kvfree(const void *at);

/* ---- lists and trees ---- */

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_head {
	struct hlist_node *first;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct rb_node {
	unsigned long __rb_parent_color;
	struct rb_node *rb_right, *rb_left;
};

struct rb_root {
	struct rb_node *rb_node;
};

#define list_for_each(at, head) \
	for (at = (head)->next; at != (head); at = at->next)

static inline bool list_empty_careful(const struct list_head *head)
{
	return READ_ONCE(head->next) == head && READ_ONCE(head->prev) == head;
}

struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

/* ---- pages ---- */

typedef struct {
	int counter;
} atomic_t;

struct page {
	unsigned long flags;
	struct list_head lru;
	void *mapping;
	unsigned long index, private;
	atomic_t _mapcount, _refcount;
	unsigned long memcg_data;
};

_Static_assert(sizeof(struct page) == 64, "struct page has one cache line");

extern struct page *vmemmap;
extern char *page_contents;

#define PageLocked(page)	((page)->flags & 1)
#define PageHWPoison(page)	((page)->flags & 2)

/* So much of a page is kept: the rest never decides between two contents. */
#define CONTENT_SIZE		64

#define pfn_to_page(pfn)	(vmemmap + (pfn))
#define page_to_pfn(page)	((unsigned long)((page) - vmemmap))
#define pfn_to_online_page(pfn)	pfn_to_page(pfn)
#define kmap_local_page(page) \
	((void *)(page_contents + page_to_pfn(page) * CONTENT_SIZE))
#define kunmap_local(at)	((void)(at))

static inline int atomic_read(const atomic_t *v)
{
	return READ_ONCE(v->counter);
}

static inline int page_ref_count(const struct page *page)
{
	return atomic_read(&page->_refcount);
}

static inline bool get_page_unless_zero(struct page *page)
{
	if (!page->_refcount.counter)
		return false;
	page->_refcount.counter++;
	return true;
}

static inline void put_page(struct page *page)
{
	page->_refcount.counter--;
}

/* ---- address spaces ---- */

struct anon_vma {
	struct anon_vma *root;
	unsigned long rwsem[5];
	atomic_t refcount;
	unsigned long num_children, num_active_vmas;
	struct anon_vma *parent;
	struct rb_root rb_root[2];
};

/* Larger than a page table of pointers: two never share a cache line. */
struct mm_struct {
	unsigned long before[32];
	struct list_head mmlist;
	unsigned long behind[94];
};

/* ---- waiting, which never happens ---- */

struct mutex {
	int unused;
};

struct task_struct;
struct pid;
#define current			NULL

static inline void mutex_lock(struct mutex *lock)
{
	(void)lock;
}

static inline int mutex_lock_killable(struct mutex *lock)
{
	(void)lock;
	return 0;
}

static inline void mutex_unlock(struct mutex *lock)
{
	(void)lock;
}

static inline long schedule_timeout_killable(long jiffies)
{
	return jiffies;
}

static inline unsigned long msecs_to_jiffies(unsigned int ms)
{
	return ms;
}

static inline bool fatal_signal_pending(struct task_struct *task)
{
	(void)task;
	return false;
}

static inline void cond_resched(void)
{
}

u64 ktime_get_mono_fast_ns(void);

/* ---- modules: their parameters become variables of the program ---- */

typedef unsigned long ulong;

struct kernel_param;

struct kernel_param_ops {
	int (*set)(const char *value, const struct kernel_param *param);
};

#define module_param(name, type, mode)	type *const chase_##name = &name
#define module_param_cb(name, ops, arg, mode) \
	const struct kernel_param_ops *const chase_##name = ops
#define module_init(function)		_Static_assert(1, "")
#define module_exit(function)		_Static_assert(1, "")
#define MODULE_DESCRIPTION(text)	_Static_assert(1, "")
#define MODULE_LICENSE(text)		_Static_assert(1, "")
#define pr_err(...)			((void)0)

#endif
