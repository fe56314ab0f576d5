/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_FAULTS_HOST_H
#define VMSHARE_FAULTS_HOST_H

#include "peer.h"

/*
 * A host for the verbs that look at one: its module is a peer, its /proc and /sys are
 * files of the test. From here on, in this process; its clocks are the test's, too.
 */
void host_begin(enum peer_fault fault);

/* The files; once. */
void host_lay_out(void);

#endif
