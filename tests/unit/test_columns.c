// SPDX-License-Identifier: GPL-2.0
/* Columns, rows and tables. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"
#include "view.h"

/* Three VMs: one with all numbers, one with a hostile name, one that is unknown. */
static void make_snapshot(struct snapshot *snap, uint64_t time_ns, uint64_t run_ns)
{
	struct vm *vm;

	snapshot_init(snap);
	facts_set(&snap->host, HOST_TIME_NS, time_ns);
	vm = snapshot_add_vm(snap, 10);
	vm->name = strdup("web");
	vm->uuid = strdup("11111111-1111-4111-8111-111111111111");
	facts_set(&vm->facts, VM_START_TIME_NS, 1);
	facts_set(&vm->facts, VM_ANON, 3 * 1024 * 1024);
	facts_set(&vm->facts, VM_RUN_NS, run_ns);
	vm = snapshot_add_vm(snap, 20);
	vm->name = strdup("a\033[2J\xe2\x80\xae");
	facts_set(&vm->facts, VM_ANON, 8 * 1024 * 1024);
	snapshot_add_vm(snap, 30);
}

static void test_parsing(void)
{
	const struct column *column;
	struct columns columns;
	char many[1024] = "vm";
	struct error err;
	int i;

	ok(!columns_parse("vm,anon,pss", &columns, &err) && columns.count == 3, "a list");
	is_number(columns_needs(&columns), NEED_PSS, "a column says what it costs");
	ok(columns_parse("vm,annon", &columns, &err) && err.code == EXIT_USAGE, "a wrong one");
	has_text(err.message, "did you mean anon?", "with a near one");
	ok(columns_parse("", &columns, &err) == -1, "an empty list is refused");
	ok(columns_parse("vm,,pid", &columns, &err) == -1, "an empty column is refused");
	for (i = 0; i < COLUMNS_MAX; i++)
		strcat(many, ",vm");
	ok(columns_parse(many, &columns, &err) == -1, "too many columns are refused");
	ok(!columns_parse_key(NULL, &column, &err) && !column, "no key");
}

static void test_keys(void)
{
	const struct column *a, *b;
	unsigned int twice = 0;

	for (a = columns_all; a->key; a++) {
		for (b = a + 1; b->key; b++)
			twice += !strcmp(a->key, b->key) || !strcmp(a->title, b->title);
	}
	is_number(twice, 0, "no key and no title is there twice");
}

static const char *cell(const char *key, const struct row *row, bool exact)
{
	static char text[256];

	columns_format(columns_find(key), row, exact, text, sizeof(text));
	return text;
}

static void test_cells(void)
{
	struct snapshot now, before;
	struct view view;
	struct error err;

	make_snapshot(&before, 1000000000, 1000000000);
	make_snapshot(&now, 3000000000, 2500000000);
	view_init(&view, &now, &before, &err);
	is_text(cell("anon", &view.rows[0], false), "3.00M", "a size for people");
	is_text(cell("anon", &view.rows[0], true), "3145728", "a size in bytes");
	is_text(cell("time", &view.rows[0], false), "2.5s", "a time for people");
	is_text(cell("time", &view.rows[0], true), "2500000000", "a time in nanoseconds");
	is_text(cell("cpu", &view.rows[0], false), "75.0", "1.5 s in 2 s are 75 %%");
	is_text(cell("cpu", &view.rows[1], false), "-", "no rate of what is not known");
	is_text(cell("shmem", &view.rows[0], false), "-", "not known is not 0");
	is_text(cell("vm", &view.rows[1], false), "a\\x1b[2J\\u{202e}", "a hostile name");
	is_text(cell("vm", &view.rows[2], false), "30", "the pid for want of a name");
	is_text(cell("uuid", &view.rows[2], false), "-", "no UUID");
	view_free(&view);
	facts_set(&before.vms[0].facts, VM_START_TIME_NS, 2);
	view_init(&view, &now, &before, &err);
	is_text(cell("cpu", &view.rows[0], false), "-", "another VM had the pid before");
	view_free(&view);
	snapshot_free(&now);
	snapshot_free(&before);
}

static void test_order(void)
{
	struct snapshot snap;
	struct view view;
	struct error err;

	make_snapshot(&snap, 1, 1);
	view_init(&view, &snap, NULL, &err);
	view_sort(&view, columns_find("anon"), false);
	ok(view.rows[0].vm->pid == 20 && view.rows[2].vm->pid == 30, "largest first, unknown last");
	view_sort(&view, columns_find("anon"), true);
	ok(view.rows[0].vm->pid == 30 && view.rows[2].vm->pid == 20, "inverted");
	view_sort(&view, columns_find("pid"), false);
	ok(view.rows[0].vm->pid == 10 && view.rows[2].vm->pid == 30, "pids upwards");
	view_sort(&view, columns_find("vm"), false);
	ok(view.rows[0].vm->pid == 30 && view.rows[2].vm->pid == 10, "names upwards");
	view_filter(&view, "WEB|30");
	is_number(view.count, 2, "a filter of two words, in any case");
	view_filter(&view, "11111111-1111");
	is_number(view.count, 1, "a filter by UUID");
	view_filter(&view, "nothing");
	is_number(view.count, 0, "a filter that nothing matches");
	view_free(&view);
	snapshot_free(&snap);
}

static char *render(bool header, bool color)
{
	struct table *table = table_new(2);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	table_title(table, 0, "NAME", false);
	table_title(table, 1, "SIZE", true);
	table_cell(table, "\xc3\xa4");
	table_cell(table, "1");
	table_cell(table, "longer");
	table_cell(table, "12345");
	table_print(table, out, header, color);
	fclose(out);
	table_free(table);
	return text;
}

static void test_table(void)
{
	char *text = render(true, false);

	is_text(text, "NAME     SIZE\n\xc3\xa4           1\nlonger  12345\n", "a table");
	free(text);
	text = render(false, false);
	is_text(text, "\xc3\xa4           1\nlonger  12345\n", "a table without titles");
	free(text);
	text = render(true, true);
	has_text(text, "\033[1mNAME     SIZE\033[0m\n", "a table in colour");
	free(text);
}

void test_columns(void)
{
	test_parsing();
	test_keys();
	test_cells();
	test_order();
	test_table();
}
