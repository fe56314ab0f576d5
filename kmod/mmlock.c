// SPDX-License-Identifier: GPL-2.0
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "mmlock.h"

#define TRY_AGAIN_US	500	/* or twice as late */

int vmshare_mmlock_try(struct mm_struct *mm, u32 *tries)
{
	for (;;) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (!mmget_not_zero(mm))
			return -ESRCH;
		if (mmap_read_trylock(mm))
			return 0;
		mmput_async(mm);
		if (!*tries)
			return -EBUSY;
		--*tries;
		usleep_range(TRY_AGAIN_US, 2 * TRY_AGAIN_US);
	}
}

int vmshare_mmlock_wait(struct mm_struct *mm)
{
	if (!mmget_not_zero(mm))
		return -ESRCH;
	if (!mmap_read_lock_killable(mm))
		return 0;
	mmput_async(mm);
	return -EINTR;
}

void vmshare_mmlock_release(struct mm_struct *mm)
{
	mmap_read_unlock(mm);
	mmput_async(mm);	/* not here: it may be the last user */
}
