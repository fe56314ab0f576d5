/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages and answers as lines of JSON.
 */
#ifndef NLCLIENT_PRINT_H
#define NLCLIENT_PRINT_H

#include "link.h"

#define MAX_ERRNO 256

/* One line with every attribute by its name in the header, lower case. */
void print_message(const struct nlmsghdr *message, void *unused);
/* The members of an answer, without braces. */
void print_answer(const struct answer *answer);
/* A line that ends an exchange. Return: whether the kernel was not content. */
bool print_end(const struct answer *answer);
void print_string(const char *text);
/* How often each errno came, as members of an object, without braces. */
void print_errors(const unsigned long errors[MAX_ERRNO]);

#endif
