// SPDX-License-Identifier: GPL-2.0
#include "storm.h"

#include <signal.h>
#include <time.h>

static void on_signal(int number)
{
	(void)number;
}

/* Without SA_RESTART. Real-time, so that nothing else means it. */
void storm_begin(unsigned int every_us)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	struct itimerspec time = {
		.it_value.tv_nsec = every_us * 1000,
		.it_interval.tv_nsec = every_us * 1000,
	};
	timer_t timer;

	sigaction(SIGRTMIN, &action, NULL);
	if (!timer_create(CLOCK_MONOTONIC, &event, &timer))
		timer_settime(timer, 0, &time, NULL);
}
