/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_FAULTS_CLOCK_H
#define VMSHARE_FAULTS_CLOCK_H

/*
 * The program's clocks. While they stand still what it prints is the same each time;
 * sleeping takes none of ours, and moves them on by as much as was slept.
 */
void clock_stand_still(void);

/* So many times as fast as the world's: for deadlines that nobody wants to wait for. */
void clock_run(unsigned int times);

#endif
