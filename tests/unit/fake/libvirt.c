// SPDX-License-Identifier: GPL-2.0
/*
 * libvirt's library, as much of it as vmshare takes, with one domain.
 * Like the real one it learns that the daemon was started anew from a call that fails.
 */
#include <string.h>

struct connection {
	unsigned int daemon;
	int alive;
};

enum { LLONG = 3, ULLONG };		/* of virTypedParameterType */

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
/* What it says of the domain, of which a daemon without a cgroup knows nothing. */
int fake_known = 3;
long long fake_quota = -1;
unsigned long long fake_period = 100000, fake_shares = 100;
/* The domain is being migrated. */
int fake_job;
/* The domain is not to be found, or nothing is to be set: why, and what that is called. */
int fake_lost, fake_refuses;

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
	return over->alive && !fake_lost ? connection : NULL;
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
	parameters[0] = (struct parameter){ "cpu_shares", ULLONG, { .ul = fake_shares } };
	parameters[1] = (struct parameter){ "vcpu_quota", LLONG, { .l = fake_quota } };
	parameters[2] = (struct parameter){ "vcpu_period", ULLONG, { .ul = fake_period } };
	*n = fake_known;
	return 0;
}

static void set(const struct parameter *parameter)
{
	if (!strcmp(parameter->field, "vcpu_quota") && parameter->type == LLONG)
		fake_quota = parameter->value.l;
	if (!strcmp(parameter->field, "vcpu_period") && parameter->type == ULLONG)
		fake_period = parameter->value.ul;
	if (!strcmp(parameter->field, "cpu_shares") && parameter->type == ULLONG)
		fake_shares = parameter->value.ul;
}

int virDomainSetSchedulerParametersFlags(void *domain, struct parameter *parameters, int n,
					 unsigned int flags)
{
	int i;

	(void)domain;
	(void)flags;
	for (i = 0; !fake_refuses && i < n; i++)
		set(&parameters[i]);
	return fake_refuses ? -1 : 0;
}

int virDomainGetJobInfo(void *domain, int *job)
{
	(void)domain;
	*job = fake_job;
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
	if (fake_lost || fake_refuses)
		return fake_lost ? fake_lost : fake_refuses;
	return 38;			/* VIR_ERR_SYSTEM_ERROR */
}

void virSetErrorFunc(void *data, void *report)
{
	(void)data;
	(void)report;
}
