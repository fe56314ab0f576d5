/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_FAULTS_STORM_H
#define VMSHARE_FAULTS_STORM_H

/* A signal each millisecond, or so often, that interrupts whatever can be interrupted. */
void storm_begin(unsigned int every_us);

#endif
