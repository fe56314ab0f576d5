// SPDX-License-Identifier: GPL-2.0
/*
 * libvirt's library, as much of it as vmshare takes, with one domain that has no limits.
 * Like the real one it learns that the daemon was started anew from a call that fails.
 */
#include <string.h>

struct connection {
	unsigned int daemon;
	int alive;
};

struct parameter {			/* virTypedParameter */
	char field[80];
	int type;
	union {
		long long l;
		unsigned long long ul;
	} value;
};

/* For the test: which daemon runs, by number; 0: none. */
unsigned int fake_daemon = 1;
/* It does not know the domain's cgroups yet. */
int fake_begins;
int fake_active = 1;

static struct connection connections[16];
static size_t opened;

void *virConnectOpen(const char *uri)
{
	struct connection *connection = &connections[opened];

	(void)uri;
	if (!fake_daemon || opened == sizeof(connections) / sizeof(connections[0]))
		return NULL;
	opened++;
	*connection = (struct connection){ fake_daemon, 1 };
	return connection;
}

int virConnectClose(void *connection)
{
	(void)connection;
	return 0;
}

int virConnectIsAlive(void *connection)
{
	return ((struct connection *)connection)->alive;
}

void *virDomainLookupByUUIDString(void *connection, const char *uuid)
{
	struct connection *over = connection;

	(void)uuid;
	if (over->daemon != fake_daemon)
		over->alive = 0;
	return over->alive ? connection : NULL;
}

int virDomainFree(void *domain)
{
	(void)domain;
	return 0;
}

int virDomainIsActive(void *domain)
{
	(void)domain;
	return fake_active;
}

int virDomainGetSchedulerParametersFlags(void *domain, struct parameter *parameters, int *n,
					 unsigned int flags)
{
	(void)domain;
	(void)flags;
	if (fake_begins || !fake_active)
		return -1;
	strcpy(parameters[0].field, "vcpu_quota");
	parameters[0].type = 3;
	parameters[0].value.l = -1;
	strcpy(parameters[1].field, "vcpu_period");
	parameters[1].type = 4;
	parameters[1].value.ul = 100000;
	*n = 2;
	return 0;
}

int virDomainSetSchedulerParametersFlags(void *domain, void *parameters, int n, unsigned int flags)
{
	(void)domain;
	(void)parameters;
	(void)n;
	(void)flags;
	return 0;
}

int virDomainGetJobInfo(void *domain, int *job)
{
	(void)domain;
	*job = 0;
	return 0;
}

const char *virGetLastErrorMessage(void)
{
	return fake_begins ? "cgroup CPU controller is not mounted" : "Connection reset by peer";
}

int virGetLastErrorCode(void)
{
	if (fake_begins || !fake_active)
		return 55;		/* VIR_ERR_OPERATION_INVALID */
	return 38;			/* VIR_ERR_SYSTEM_ERROR */
}

void virSetErrorFunc(void *data, void *report)
{
	(void)data;
	(void)report;
}
