/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMSHARE_FAULTS_PEER_H
#define VMSHARE_FAULTS_PEER_H

/* What the module's side of a netlink socket does wrong. */
enum peer_fault {
	PEER_HONEST,
	PEER_SLOW,			/* each part of an answer takes its time */
	PEER_SILENT,			/* nothing is answered once the family was found */
	PEER_GONE,			/* ends in the middle of a dump */
	PEER_CUTS,			/* a dump's messages are shorter than they say */
	PEER_OVERSIZED,			/* one is larger than whoever receives has room for */
	PEER_OVERRUN,			/* the socket has overflowed, each time */
	PEER_STRANGE,			/* answers to somebody else come first */
	PEER_BABBLES,			/* and nothing else, without end */
	PEER_MISCOUNTS,			/* one of the engines counts a page too much */
	PEER_FAULTS,			/* those before this are tried with each verb */
	PEER_HALF_HOOKED = PEER_FAULTS,	/* the kernel has no hooks in KVM, */
	PEER_UNHOOKED,			/* or none at all */
};

/*
 * Answers the requests that come over a socket, as a module would that has three VMs,
 * until the other end is closed. For a process of its own.
 */
void peer_serve(int fd, enum peer_fault fault) __attribute__((noreturn));

#endif
