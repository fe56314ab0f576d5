/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_FAULTS_H
#define VMSHARE_FAULTS_H

#include "../test.h"

/* One kind of fault each, over all verbs. */
void test_reference(void);
void test_outputs(void);
void test_files(void);
void test_memory(void);
void test_peer(void);
void test_interrupts(void);

#endif
